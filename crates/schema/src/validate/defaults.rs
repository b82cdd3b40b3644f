//! The defaults of a definition, which the server sets before it validates.

use super::flag;
use super::place::declared;
use weft_base::value::{Data, Map, Value};

/// Sets what is not written and has a default, from the outside to the inside. A null where there must be none counts
/// as not written.
pub(super) fn fill(value: &mut Value, schema: &Value) {
    match &mut value.data {
        Data::Map(map) => {
            set(map, schema);
            for entry in map.iter_mut() {
                if let Some(schema) = declared(schema, &entry.key) {
                    fill(&mut entry.value, schema);
                }
            }
        }
        Data::List(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    fill(item, schema);
                }
            }
        }
        _ => {}
    }
}

fn set(map: &mut Map, schema: &Value) {
    for entry in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
        let written = map.get(&entry.key);
        let is_null = written.is_some_and(Value::is_null) && !flag(&entry.value, "nullable");
        match entry.value.get("default") {
            Some(default) if written.is_none() || is_null => drop(map.insert(entry.key.as_str(), default.clone())),
            None if is_null => drop(map.remove(&entry.key)),
            _ => {}
        }
    }
}
