//! The part of an object that a set of fields names: what we own of it.

use super::canonical;
use super::fields::FieldSet;
use super::lists::position_of;
use crate::value::{Data, Step, Value};

/// Appends what `set` names of `object`, in one canonical form: each owned value, each owned item's presence, and the
/// relative order of owned items. Fields that the set does not name leave no trace, so others may change them.
///
/// The names of the fields are not part of it: it says something together with the set, whose order it follows.
pub fn write(object: &Value, set: &FieldSet, out: &mut Vec<u8>) {
    if set.is_leaf() {
        return canonical::write(&object.data, out);
    }
    match &object.data {
        Data::List(items) => write_list(items, set, out),
        Data::Map(map) => {
            out.push(b'(');
            for (step, child) in set.branches() {
                let node = if let Step::Field(name) = step { map.get(name) } else { None };
                write_child(node, child, out);
            }
        }
        _ => out.push(b'!'),
    }
}

/// The items that are owned, and the order in which they stand: the server keeps it, and a change of it is a write.
fn write_list(items: &[Value], set: &FieldSet, out: &mut Vec<u8>) {
    out.push(b'[');
    let places: Vec<Option<usize>> = set.branches().map(|(step, _)| position_of(items, step)).collect();
    for ((_, child), place) in set.branches().zip(&places) {
        write_child(place.and_then(|at| items.get(at)), child, out);
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|at| places[*at]);
    for at in order {
        canonical::number(b'o', at, out);
    }
}

fn write_child(node: Option<&Value>, set: &FieldSet, out: &mut Vec<u8>) {
    match node {
        Some(node) => write(node, set, out),
        None => out.push(b'-'),
    }
}
