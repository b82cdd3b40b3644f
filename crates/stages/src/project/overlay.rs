//! Laying one map over another: the one rule by which values merge, within the lineage and between layers.

use weft_base::value::{Data, Entry, Map, Origin, Path, Step, Value};

/// What a null does to the key it is laid over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// It takes the place of the value, so that it still removes the key from whatever the result is laid over later.
    Keep,
    /// It removes the key, as in Helm when users' values meet a chart's defaults. Where there is no such key, or it was
    /// null before, the null stays: it may be meant for a chart further below.
    Remove,
}

/// Lays `above` over `below`: maps merge key by key, anything else replaces what was there.
///
/// `lost` is told each leaf of `below` that goes, with its path and the place of what took its place.
pub fn overlay(below: &mut Map, above: &Map, nulls: Nulls, lost: &mut dyn FnMut(&Path, &Value, &Origin)) {
    overlay_at(&mut Path::root(), below, above, nulls, lost);
}

fn overlay_at(
    path: &mut Path,
    below: &mut Map,
    above: &Map,
    nulls: Nulls,
    lost: &mut dyn FnMut(&Path, &Value, &Origin),
) {
    for entry in above {
        let Some(old) = below.get_mut(&entry.key) else {
            below.push_unique(entry.clone());
            continue;
        };
        path.0.push(Step::Field(entry.key.clone()));
        if let (Data::Map(old), Data::Map(new)) = (&mut old.data, &entry.value.data) {
            overlay_at(path, old, new, nulls, lost);
        } else {
            leaves(path, old, &mut |path, leaf| lost(path, leaf, &entry.value.origin));
            let removed = nulls == Nulls::Remove && entry.value.is_null() && !old.is_null();
            if removed {
                below.remove(&entry.key)
            } else {
                below.insert_entry(entry.clone())
            };
        }
        path.0.pop();
    }
}

/// Calls `each` for every leaf at and below a node: whatever is no map, and maps without keys.
pub fn leaves(path: &mut Path, node: &Value, each: &mut dyn FnMut(&Path, &Value)) {
    match &node.data {
        Data::Map(map) if !map.is_empty() => {
            for Entry { key, value, .. } in map {
                path.0.push(Step::Field(key.clone()));
                leaves(path, value, each);
                path.0.pop();
            }
        }
        _ => each(path, node),
    }
}
