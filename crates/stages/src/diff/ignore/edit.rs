//! Changing single fields of a desired object.

use crate::diff::changes::is_key;
use crate::diff::places::{below, lookup, position};
use weft_base::value::{Data, Map, Path, Step, Value};
use weft_schema::Type;
use weft_schema::fields::FieldSet;

/// The desired object under change.
pub struct Edit<'a> {
    /// The object.
    pub body: Value,
    /// What the server has.
    pub live: &'a Value,
    /// What we own of that.
    pub ours: &'a FieldSet,
    /// The shape of both.
    pub shape: Option<Type<'a>>,
}

impl Edit<'_> {
    /// Puts a value at a path. What is missing above it is made: maps, and items of lists in the order of the server.
    pub fn set(&mut self, path: &Path, value: Value) {
        set(&mut self.body, &path.0, value, Some(self.live), self.shape);
    }

    /// Removes what is at a path, and the maps and items above it that hold nothing any more and that only others own.
    pub fn remove(&mut self, path: &Path) {
        remove(&mut self.body, &path.0, self.shape);
        let mut path = path.clone();
        while path.0.pop().is_some() && !path.0.is_empty() {
            let emptied = lookup(&self.body, &path, self.shape).is_some_and(|node| is_emptied(&path, node));
            if !emptied || self.ours.contains(&path) {
                return;
            }
            remove(&mut self.body, &path.0, self.shape);
        }
    }
}

/// Puts a value at a path of any value.
pub fn replace(body: &mut Value, path: &Path, value: Value) {
    set(body, &path.0, value, None, None);
}

/// Whether nothing is left of a node but the keys that name it.
fn is_emptied(path: &Path, node: &Value) -> bool {
    match &node.data {
        Data::Map(map) => map.keys().all(|key| is_key(path, key)),
        Data::List(items) => items.is_empty(),
        _ => false,
    }
}

fn remove(node: &mut Value, steps: &[Step], shape: Option<Type<'_>>) {
    let Some((step, rest)) = steps.split_first() else { return };
    match (&mut node.data, step) {
        (Data::Map(map), Step::Field(key)) if rest.is_empty() => drop(map.remove(key)),
        (Data::Map(map), Step::Field(key)) => {
            if let Some(next) = map.get_mut(key) {
                remove(next, rest, below(shape, step));
            }
        }
        (Data::List(items), step) => match position(items, step, shape).filter(|at| *at < items.len()) {
            Some(at) if rest.is_empty() => drop(items.remove(at)),
            Some(at) => remove(&mut items[at], rest, below(shape, step)),
            None => {}
        },
        _ => {}
    }
}

fn set(node: &mut Value, steps: &[Step], value: Value, live: Option<&Value>, shape: Option<Type<'_>>) {
    let Some((step, rest)) = steps.split_first() else { return *node = value };
    let there = live.and_then(|live| lookup(live, &Path(vec![step.clone()]), shape));
    let deeper = below(shape, step);
    if let Step::Field(key) = step {
        if node.as_map().is_none() {
            *node = Map::new().into();
        }
        if let Some(map) = node.as_map_mut() {
            set(map.get_or_insert(key), rest, value, there, deeper);
        }
        return;
    }
    if node.as_list().is_none() {
        *node = Vec::new().into();
    }
    if let Data::List(items) = &mut node.data {
        let at = match position(items, step, shape).filter(|at| *at < items.len()) {
            Some(at) => at,
            None => insert(items, step, live.and_then(Value::as_list).unwrap_or_default(), shape),
        };
        set(&mut items[at], rest, value, there, deeper);
    }
}

/// Makes an item that holds nothing but its keys, after those that come before it on the server, and returns its place.
fn insert(items: &mut Vec<Value>, step: &Step, live: &[Value], shape: Option<Type<'_>>) -> usize {
    let item = match step {
        Step::Item(keys) => keys.iter().map(|(key, value)| (key.as_str(), value.clone())).collect::<Map>().into(),
        Step::Member(member) => member.clone(),
        Step::Field(_) | Step::Index(_) => Value::default(),
    };
    let before = &live[..position(live, step, shape).unwrap_or(live.len()).min(live.len())];
    let follows = |item: &Value| {
        crate::diff::places::items(std::slice::from_ref(item), shape)
            .is_some_and(|it| it.iter().any(|(step, _)| position(before, step, shape).is_some()))
    };
    let at = items.iter().rposition(follows).map_or(0, |at| at + 1);
    items.insert(at, item);
    at
}
