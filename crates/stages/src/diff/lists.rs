//! The places of items in lists, where no schema is at hand.

use weft_base::value::{Key, Step, Value};

/// The place in a list that a step leads to. The item of an associative list may lack a key that the server fills in.
pub fn position_of(items: &[Value], step: &Step) -> Option<usize> {
    match step {
        Step::Field(_) => None,
        Step::Index(at) => Some(*at),
        Step::Member(member) => items.iter().position(|item| item == member),
        Step::Item(keys) => position(items, keys),
    }
}

/// The place of the item with these keys: one that has them all, else one that lacks some and has the others.
fn position(items: &[Value], keys: &[(Key, Value)]) -> Option<usize> {
    let exact = |item: &Value| keys.iter().all(|(key, wanted)| item.get(key) == Some(wanted));
    let fits = |item: &Value| {
        let there = keys.iter().filter_map(|(key, wanted)| Some(item.get(key)? == wanted));
        there.fold(None, |all, same| Some(all.unwrap_or(true) && same)).unwrap_or(false)
    };
    items.iter().position(exact).or_else(|| items.iter().position(fits))
}
