//! The part of an object that a set of fields names: what we own of it.

use super::canonical;
use super::fields::{FieldSet, element};
use super::lists::position_of;
use crate::value::{Data, Step, Value};

/// Appends what `set` names of `object`, in one canonical form: each owned value, each owned item's presence, and the
/// relative order of owned items. Fields that the set does not name leave no trace, so others may change them.
pub fn write(object: &Value, set: &FieldSet, out: &mut Vec<u8>) {
    if set.is_leaf() {
        return canonical::write(&object.data, out);
    }
    out.push(b'(');
    for (step, child) in set.branches() {
        canonical::text('f', &element::encode(step), out);
        match follow(object, step) {
            Some(node) => write(node, child, out),
            None => out.push(b'-'),
        }
    }
    out.push(b')');
    write_order(object, set, out);
}

/// The order in which the owned items stand: the server keeps it, and a change of it is a write.
fn write_order(object: &Value, set: &FieldSet, out: &mut Vec<u8>) {
    let Data::List(items) = &object.data else { return };
    let mut places: Vec<(Option<usize>, &Step)> =
        set.branches().map(|(step, _)| (position_of(items, step), step)).collect();
    places.sort();
    for (_, step) in places {
        canonical::text('o', &element::encode(step), out);
    }
}

fn follow<'v>(object: &'v Value, step: &Step) -> Option<&'v Value> {
    match (&object.data, step) {
        (Data::List(items), step) => items.get(position_of(items, step)?),
        (Data::Map(map), Step::Field(name)) => map.get(name),
        _ => None,
    }
}
