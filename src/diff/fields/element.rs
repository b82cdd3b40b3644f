//! One step of a path, as fieldsV1 writes it.
//!
//! `f:<name>` is a field, `k:{...}` the item of an associative list by its keys (sorted by name), `v:<json>` a member
//! of a set, `i:<n>` a place in a list. The name after `f:` is raw: it may hold dots, slashes and quotes, or be empty.

use super::FieldsError;
use crate::value::{Data, Step, Value};

/// The text of a step, in the one form in which the server writes it.
pub fn encode(step: &Step) -> String {
    match step {
        Step::Field(name) => format!("f:{name}"),
        Step::Item(keys) => {
            let mut sorted: Vec<_> = keys.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs: Vec<String> =
                sorted.iter().map(|(k, v)| format!("{}:{}", json(&k.as_str().into()), json(v))).collect();
            format!("k:{{{}}}", pairs.join(","))
        }
        Step::Member(value) => format!("v:{}", json(value)),
        Step::Index(at) => format!("i:{at}"),
    }
}

/// The step of a text; `None` for a prefix that is not known, which readers have to skip.
pub fn decode(text: &str) -> Result<Option<Step>, FieldsError> {
    let odd = |source| FieldsError::Element { element: text.to_owned(), source };
    Ok(Some(match text.split_at_checked(2) {
        Some(("f:", name)) => Step::Field(name.to_owned()),
        Some(("v:", value)) => Step::Member(serde_json::from_str(value).map_err(odd)?),
        Some(("k:", keys)) => Step::Item(keys_of(text, serde_json::from_str(keys).map_err(odd)?)?),
        Some(("i:", at)) => Step::Index(at.parse().map_err(|_| FieldsError::Shape { element: text.to_owned() })?),
        _ => return Ok(None),
    }))
}

fn keys_of(text: &str, keys: Value) -> Result<Vec<(String, Value)>, FieldsError> {
    match keys.data {
        Data::Map(map) if !map.is_empty() => {
            let mut pairs: Vec<_> = map.into_iter().map(|e| (e.key, e.value)).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(pairs)
        }
        _ => Err(FieldsError::Shape { element: text.to_owned() }),
    }
}

/// Compact JSON, in which a whole number has no fraction: `1.0` and `1` are the same key.
fn json(value: &Value) -> String {
    match value.data {
        Data::Float(it) => it.to_string(),
        _ => serde_json::to_string(value).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_server() {
        for text in [
            r"f:",
            r"f:example.com/a.b",
            r#"k:{"containerPort":80,"protocol":"TCP"}"#,
            r#"k:{"name":"with \"quotes\" and <tags>"}"#,
            r#"v:"kubernetes.io/pvc-protection""#,
            "v:7",
            "v:true",
            "i:3",
        ] {
            assert_eq!(encode(&decode(text).unwrap().unwrap()), text);
        }
    }

    #[test]
    fn keys_have_one_spelling() {
        let spelled = |text| encode(&decode(text).unwrap().unwrap());
        assert_eq!(
            spelled(r#"k:{"protocol": "TCP", "containerPort": 80.0}"#),
            r#"k:{"containerPort":80,"protocol":"TCP"}"#
        );
    }

    #[test]
    fn unknown_prefixes_are_skipped_and_broken_json_is_an_error() {
        assert_eq!(decode("x:1").unwrap(), None);
        assert_eq!(decode("é").unwrap(), None);
        for broken in ["v:1 2", "k:{", "k:[]", "k:{}", "i:x"] {
            assert!(decode(broken).is_err(), "{broken}");
        }
    }
}
