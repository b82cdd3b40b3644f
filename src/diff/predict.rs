//! What an apply would do, where the server cannot be asked: the desired object laid over the live one.
//!
//! A prediction is never complete, since defaults, admission and validation are the server's. It says what becomes of
//! the fields that we want and of those that we own and no longer want, and nothing else.

use super::changes::is_server_field;
use super::equivalence::Equivalence;
use super::fields::FieldSet;
use super::lists::{Strategy, items, lookup, position_of, strategy};
use super::ownership::Ownership;
use crate::value::{Data, Map, Path, Step, Value};

/// What an apply of `desired` would make of `live`, and sets what we would own then.
pub fn predict(live: &Value, desired: &Value, ownership: &mut Ownership, equivalence: Equivalence) -> Value {
    let prediction = Prediction { before: &ownership.before, known: &ownership.known, equivalence };
    let mut after = prediction.overlay(&Path::root(), Some(live), desired).unwrap_or_default();
    for path in ownership.before.paths() {
        if lookup(desired, &path).is_none() && !ownership.is_foreign(&path) {
            remove(&mut after, &path.0);
            drop_emptied(&mut after, desired, &path.0);
        }
    }
    ownership.after = prediction.owned_after(desired);
    after
}

struct Prediction<'a> {
    before: &'a FieldSet,
    known: &'a FieldSet,
    equivalence: Equivalence<'a>,
}

impl Prediction<'_> {
    /// The value that will be at a path. `None` where the server leaves a zero value out.
    fn overlay(&self, path: &Path, live: Option<&Value>, wanted: &Value) -> Option<Value> {
        let node = self.known.node(path);
        let whole = node.is_some_and(FieldSet::is_whole);
        match (live.map(|it| &it.data), &wanted.data) {
            (Some(Data::Map(map)), Data::Map(wanted)) if !whole => Some(self.maps(path, map, wanted).into()),
            (Some(Data::List(list)), Data::List(wanted)) if strategy(node) != Strategy::Atomic => {
                match (items(list, node), items(wanted, node)) {
                    (Some(list), Some(wanted)) => Some(self.lists(path, &list, &wanted).into()),
                    _ => Some(wanted.clone().into()),
                }
            }
            _ if self.before.owns(path) && self.equivalence.holds(path, live, wanted, node) => live.cloned(),
            _ => Some(wanted.clone()),
        }
    }

    fn maps(&self, path: &Path, live: &Map, wanted: &Map) -> Map {
        let mut after = live.clone();
        for entry in wanted.iter().filter(|e| !is_server_field(path, &e.key)) {
            if let Some(value) = self.overlay(&path.field(&entry.key), live.get(&entry.key), &entry.value) {
                after.insert(entry.key.as_str(), value);
            }
        }
        after
    }

    /// Items keep their places unless ours stand in another order; then ours come first, in their order.
    fn lists(&self, path: &Path, live: &[(Step, &Value)], wanted: &[(Step, &Value)]) -> Vec<Value> {
        let find = |items: &[(Step, &Value)], step: &Step| items.iter().position(|(other, _)| other == step);
        let places: Vec<usize> = wanted.iter().filter_map(|(step, _)| find(live, step)).collect();
        let added = wanted.iter().filter(|(step, _)| find(live, step).is_none());
        let kept: Vec<&(Step, &Value)> = if places.is_sorted() {
            live.iter().chain(added).collect()
        } else {
            wanted.iter().chain(live.iter().filter(|(step, _)| find(wanted, step).is_none())).collect()
        };
        let overlaid = kept.into_iter().filter_map(|(step, value)| {
            let there = find(live, step).map(|at| live[at].1);
            match find(wanted, step) {
                Some(at) => self.overlay(&path.then(step.clone()), there, wanted[at].1),
                None => Some((*value).clone()),
            }
        });
        overlaid.collect()
    }

    /// The leaves of the desired object, and what we own above them.
    fn owned_after(&self, desired: &Value) -> FieldSet {
        let mut owned: FieldSet = self.before.paths().into_iter().filter(|p| lookup(desired, p).is_some()).collect();
        self.collect(&Path::root(), desired, &mut owned);
        owned
    }

    fn collect(&self, path: &Path, value: &Value, owned: &mut FieldSet) {
        let node = self.known.node(path);
        let whole = node.is_some_and(FieldSet::is_whole);
        match &value.data {
            Data::Map(map) if !whole && !map.is_empty() => {
                let theirs = |key: &str| is_server_field(path, key) || is_identity(path, key);
                map.iter().filter(|e| !theirs(&e.key)).for_each(|e| self.collect(&path.field(&e.key), &e.value, owned));
            }
            Data::List(list) if !whole && !list.is_empty() => match items(list, node) {
                Some(items) => items.iter().for_each(|(step, item)| {
                    owned.insert(&path.then(step.clone()));
                    self.collect(&path.then(step.clone()), item, owned);
                }),
                None => owned.insert(path),
            },
            _ => owned.insert(path),
        }
    }
}

fn is_identity(path: &Path, key: &str) -> bool {
    *path == Path::of_fields(["metadata"]) && (key == "name" || key == "namespace")
}

/// Removes the maps above a removed field that hold nothing any more, unless the repository wants them empty.
fn drop_emptied(after: &mut Value, desired: &Value, removed: &[Step]) {
    let Some((_, above)) = removed.split_last().filter(|(_, above)| !above.is_empty()) else { return };
    let path = Path(above.to_vec());
    let emptied = lookup(after, &path).and_then(Value::as_map).is_some_and(Map::is_empty);
    if emptied && lookup(desired, &path).is_none() {
        remove(after, above);
        drop_emptied(after, desired, above);
    }
}

fn remove(value: &mut Value, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else { return };
    match (&mut value.data, step) {
        (Data::Map(map), Step::Field(key)) if rest.is_empty() => drop(map.remove(key)),
        (Data::Map(map), Step::Field(key)) => {
            if let Some(next) = map.get_mut(key) {
                remove(next, rest);
            }
        }
        (Data::List(items), step) => match position_of(items, step) {
            Some(at) if rest.is_empty() => drop(items.remove(at)),
            Some(at) => remove(&mut items[at], rest),
            None => {}
        },
        _ => {}
    }
}
