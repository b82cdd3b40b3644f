//! Which fields an object has: what its writer owns (`ToFieldSet`).

use std::collections::BTreeMap;

use super::form::{Form, form};
use super::keys;
use crate::fields::FieldSet;
use crate::{ListType, MapType, Strategy, Type};
use weft_base::value::{Map, Step, Value};

/// The step to an item that has lost its keys, which happens while an object is pruned. The list that holds it still
/// has something in it.
const NAMELESS: Step = Step::Index(usize::MAX);

/// The fields of an object that fits its shape.
pub fn fields(object: &Value, shape: Type<'_>) -> FieldSet {
    place(Some(shape), object).with_member(false)
}

fn place(shape: Option<Type<'_>>, value: &Value) -> FieldSet {
    match form(shape, value) {
        Form::Scalar(_) => FieldSet::whole(),
        Form::Map(map) if map.atomic => FieldSet::whole(),
        Form::List(list) if *list.strategy == Strategy::Atomic => FieldSet::whole(),
        Form::Map(map) => value.as_map().map(|entries| keys_of(map, entries)).unwrap_or_default(),
        Form::List(list) => value.as_list().map(|items| items_of(list, items)).unwrap_or_default(),
        Form::Undeclared => FieldSet::default(),
    }
}

/// A key of a free map is a member itself, and so is a field that holds nothing.
fn keys_of(map: MapType<'_>, entries: &Map) -> FieldSet {
    let mut set = FieldSet::default();
    for entry in entries {
        let mut below = place(map.field(&entry.key), &entry.value);
        let nothing = entry.value.is_null() || entry.value.as_map().is_some_and(Map::is_empty);
        below.member |= nothing || !map.declares(&entry.key);
        set.attach(Step::Field(entry.key.clone()), below);
    }
    set
}

/// An item is a member itself. Items with the same keys are one member, with nothing below it.
fn items_of(list: ListType<'_>, items: &[Value]) -> FieldSet {
    let mut found: BTreeMap<Step, Vec<&Value>> = BTreeMap::new();
    for item in items {
        found.entry(keys::step(list, item).unwrap_or(NAMELESS)).or_default().push(item);
    }
    let mut set = FieldSet::default();
    for (step, items) in found {
        let below = match items.as_slice() {
            [one] => place(Some(list.item), one).with_member(true),
            _ => FieldSet::whole(),
        };
        set.attach(step, below);
    }
    set
}
