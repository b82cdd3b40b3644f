//! From layers to one map.

use super::{Layer, Overridden, Values};
use crate::project::{Nulls, leaves, overlay};
use weft_base::value::{Data, Map, Origin, Path, Step, Value};

/// Merges layers, lowest first; see the module for the rules.
///
/// The layers of users are merged among themselves, and then laid over those of the chart. Merging is associative as
/// long as no layer has a leaf or a null where another has a map; where one has, the last of each kind wins, and a map
/// over a leaf over a map begins anew.
pub fn merge(layers: Vec<Layer>) -> Values {
    let (users, charts): (Vec<Layer>, Vec<Layer>) = layers.into_iter().partition(|layer| layer.by_user);
    let mut overridden = Vec::new();
    let mut merged = fold(charts, &mut overridden);
    let mut by_users = Vec::new();
    let set = fold(users, &mut by_users);
    overlay(&mut merged, &set, Nulls::Remove, &mut |path, value, by| lose(&mut overridden, path, value, by));
    overridden.append(&mut by_users);
    let by_user = Value::from(set.clone());
    Values { merged: merged.into(), overridden, set_by_user: set_leaves(set), by_user }
}

fn fold(layers: Vec<Layer>, overridden: &mut Vec<Overridden>) -> Map {
    let mut merged = Value::from(Map::new());
    for layer in layers {
        if let (Data::Map(below), Data::Map(above)) = (&mut merged.data, &layer.values.data) {
            overlay(below, above, Nulls::Keep, &mut |path, value, by| lose(overridden, path, value, by));
        }
        for (path, value) in layer.nodes {
            assign(&mut merged, &path, value, overridden);
        }
    }
    if let Data::Map(map) = merged.data { map } else { Map::new() }
}

fn lose(overridden: &mut Vec<Overridden>, path: &Path, value: &Value, by: &Origin) {
    overridden.push(Overridden { path: path.clone(), value: value.clone(), by: by.clone() });
}

/// Sets the node at `path`, with the maps and lists above it; a list is filled up with nulls, as Helm does.
fn assign(root: &mut Value, path: &Path, value: Value, overridden: &mut Vec<Overridden>) {
    let by = value.origin.clone();
    let mut node = root;
    for (at, step) in path.0.iter().enumerate() {
        let fits = matches!((step, &node.data), (Step::Field(_), Data::Map(_)) | (Step::Index(_), Data::List(_)));
        if !fits {
            let mut above = Path(path.0[..at].to_vec());
            let empty = if matches!(step, Step::Index(_)) { Data::List(Vec::new()) } else { Data::Map(Map::new()) };
            let old = std::mem::replace(node, Value::from(empty).at(by.clone()));
            leaves(&mut above, &old, &mut |path, leaf| lose_held(overridden, path, leaf, &by));
        }
        node = match (step, &mut node.data) {
            (Step::Field(key), Data::Map(map)) => map.get_or_insert(key),
            (Step::Index(index), Data::List(items)) => {
                node.origin = by.clone();
                items.resize_with(items.len().max(index + 1), Value::default);
                &mut items[*index]
            }
            _ => return,
        };
    }
    let mut at = path.clone();
    leaves(&mut at, node, &mut |path, leaf| lose_held(overridden, path, leaf, &by));
    *node = value;
}

/// As [`lose`], but for the nulls that were only put there to hold a place.
fn lose_held(overridden: &mut Vec<Overridden>, path: &Path, value: &Value, by: &Origin) {
    if *value != Value::default() || value.origin != Origin::default() {
        lose(overridden, path, value, by);
    }
}

fn set_leaves(set: Map) -> Vec<(Path, Origin)> {
    let mut all = Vec::new();
    leaves(&mut Path::root(), &set.into(), &mut |path, leaf| {
        if !leaf.is_null() && !path.0.is_empty() {
            all.push((path.clone(), leaf.origin.clone()));
        }
    });
    all
}
