//! Which leaves of a document came from secrets: those that another rendering, with stand-ins, has otherwise.

use weft_base::value::{Data, Entry, Value};

/// The document with every leaf masked that differs from the stand-in's. Where the two have another structure, all
/// leaves below are masked.
pub fn mask(real: Value, stand_in: &Value) -> Value {
    let data = match (real.data, &stand_in.data) {
        (Data::Map(map), Data::Map(other)) if map.len() == other.len() && map.keys().all(|key| other.contains(key)) => {
            let mask_entry = |entry: Entry| {
                let value = match other.get(&entry.key) {
                    Some(stand_in) => mask(entry.value, stand_in),
                    None => entry.value.masked(),
                };
                Entry { value, ..entry }
            };
            Data::Map(map.into_iter().map(mask_entry).collect())
        }
        (Data::List(items), Data::List(other)) if items.len() == other.len() => {
            Data::List(items.into_iter().zip(other).map(|(item, stand_in)| mask(item, stand_in)).collect())
        }
        (data, other) if data == *other => data,
        (data, _) => return Value { data, origin: real.origin }.masked(),
    };
    Value { data, origin: real.origin }
}

/// The document with all its leaves masked but for what tells which object it is.
pub fn mask_all(document: Value) -> Value {
    let identity = |value: Value| match value.data {
        Data::Map(map) => {
            let masked = |e: Entry| match e.key.as_str() {
                "name" | "namespace" => e,
                _ => Entry { value: e.value.masked(), ..e },
            };
            Data::Map(map.into_iter().map(masked).collect()).into()
        }
        _ => value.masked(),
    };
    let Data::Map(map) = document.data else { return document.masked() };
    let masked = |e: Entry| match e.key.as_str() {
        "apiVersion" | "kind" => e,
        "metadata" => Entry { value: identity(e.value), ..e },
        "items" => Entry { value: items(e.value), ..e },
        _ => Entry { value: e.value.masked(), ..e },
    };
    Value { data: Data::Map(map.into_iter().map(masked).collect()), origin: document.origin }
}

/// The items of a list of objects are objects.
fn items(value: Value) -> Value {
    match value.data {
        Data::List(items) => {
            let masked = |item: Value| if item.get("kind").is_some() { mask_all(item) } else { item.masked() };
            Value { data: Data::List(items.into_iter().map(masked).collect()), origin: value.origin }
        }
        _ => value.masked(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(real: &str, stand_in: &str) -> String {
        let parse = |text| serde_json::from_str::<Value>(text).unwrap();
        serde_json::to_string(&mask(parse(real), &parse(stand_in))).unwrap()
    }

    #[test]
    fn what_differs_is_masked_and_nothing_else() {
        assert_eq!(
            masked(r#"{"a":"x","b":"s","c":[1,"t"]}"#, r#"{"a":"x","b":"?","c":[1,"?"]}"#),
            r#"{"a":"x","b":"(masked)","c":[1,"(masked)"]}"#
        );
    }

    #[test]
    fn where_the_structure_differs_all_below_is_masked() {
        assert_eq!(
            masked(r#"{"a":{"k":"x","l":"y"},"b":1}"#, r#"{"a":{"?":"x","l":"y"},"b":1}"#),
            r#"{"a":{"k":"(masked)","l":"(masked)"},"b":1}"#
        );
        assert_eq!(masked(r#"{"a":["x","y"]}"#, r#"{"a":["x"]}"#), r#"{"a":["(masked)","(masked)"]}"#);
    }
}
