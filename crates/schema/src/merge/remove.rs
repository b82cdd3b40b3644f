//! An object without some of its fields (`RemoveItems`).

use super::form::{Form, form};
use super::keys;
use crate::fields::FieldSet;
use crate::{ListType, MapType, Strategy, Type};
use weft_base::value::{Data, Entry, Map, Step, Value};

/// The object without the fields of a set. A map or list that is emptied so, and is not in the set itself, is null
/// then.
pub fn remove(object: &Value, fields: &FieldSet, shape: Type<'_>) -> Value {
    if fields.is_empty() { object.clone() } else { place(Some(shape), object, fields) }
}

fn place(shape: Option<Type<'_>>, value: &Value, fields: &FieldSet) -> Value {
    let data = match (form(shape, value), &value.data) {
        (Form::Scalar(_), data) => data.clone(),
        (Form::Map(map), Data::Map(entries)) if !map.atomic => keys_left(map, entries, fields),
        (Form::List(list), Data::List(items)) if *list.strategy != Strategy::Atomic => items_left(list, items, fields),
        _ => Data::Null,
    };
    Value { data, origin: value.origin.clone() }
}

fn keys_left(map: MapType<'_>, entries: &Map, fields: &FieldSet) -> Data {
    let left = entries.iter().filter_map(|entry| {
        let value = left(map.field(&entry.key), &entry.value, fields.field(&entry.key))?;
        Some(Entry { key: entry.key.clone(), mark: entry.mark, value })
    });
    let left: Map = left.collect();
    if left.is_empty() { Data::Null } else { Data::Map(left) }
}

fn items_left(list: ListType<'_>, items: &[Value], fields: &FieldSet) -> Data {
    let below = |step: &Step| fields.step(step);
    let left: Vec<Value> = items
        .iter()
        .filter_map(|item| left(Some(list.item), item, keys::step(list, item).ok().as_ref().and_then(below)))
        .collect();
    if left.is_empty() { Data::Null } else { Data::List(left) }
}

fn left(shape: Option<Type<'_>>, value: &Value, below: Option<&FieldSet>) -> Option<Value> {
    match below {
        None => Some(value.clone()),
        Some(below) if below.is_member() => None,
        Some(below) => Some(place(shape, value, below)),
    }
}
