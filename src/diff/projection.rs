//! The part of an object that a set of fields names: what we own of it.

use super::canonical;
use super::fields::{FieldSet, element};
use super::lists::position_of;
use crate::value::{Data, Value};

/// Appends what `set` names of `object`, in one canonical form: each owned value, each owned item's presence, and the
/// relative order of owned items. Fields that the set does not name leave no trace, so others may change them.
pub fn write(object: &Value, set: &FieldSet, out: &mut Vec<u8>) {
    if set.children.is_empty() {
        return canonical::write(&object.data, out);
    }
    out.push(b'(');
    for (text, child) in &set.children {
        canonical::text('f', text, out);
        match step(object, text) {
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
    let mut places: Vec<(Option<usize>, &String)> =
        set.children.keys().map(|text| (place(items, text), text)).collect();
    places.sort();
    for (_, text) in places {
        canonical::text('o', text, out);
    }
}

fn step<'v>(object: &'v Value, text: &str) -> Option<&'v Value> {
    match &object.data {
        Data::List(items) => items.get(place(items, text)?),
        Data::Map(map) => map.get(text.strip_prefix("f:")?),
        _ => None,
    }
}

fn place(items: &[Value], text: &str) -> Option<usize> {
    position_of(items, &element::decode(text).ok()??)
}
