//! Sets of fields from and to fieldsV1, the server's JSON.

use super::{FieldSet, FieldsError, element};
use weft_base::value::{Data, Entry, Key, Map, Mark, Value};

/// The key that says that a node with children is a member itself.
const SELF: &str = ".";

impl FieldSet {
    /// Reads a set. A node with nothing below it is a member; another is, where it has the key `.`.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, FieldsError> {
        let mut root = node(fields)?;
        // The root is the whole object: nobody owns it, and an empty set is written as `{}` too.
        root.member = false;
        Ok(root)
    }

    /// Writes the set as the server does, in its order.
    pub fn to_fields_v1(&self) -> Value {
        let own = (self.member && !self.is_leaf()).then(|| entry(SELF.into(), Map::new().into()));
        let below = self.branches().map(|(step, below)| entry(element::encode(step).into(), below.to_fields_v1()));
        own.into_iter().chain(below).collect::<Map>().into()
    }
}

fn entry(key: Key, value: Value) -> Entry {
    Entry { key, mark: Mark::default(), value }
}

fn node(fields: &Value) -> Result<FieldSet, FieldsError> {
    let map = match &fields.data {
        Data::Map(map) => map,
        Data::Null => return Ok(FieldSet::whole()),
        _ => return Err(FieldsError::Node { kind: fields.kind() }),
    };
    let mut set = FieldSet::default();
    for entry in map.iter().filter(|e| e.key != SELF) {
        if let Some(step) = element::decode(&entry.key)? {
            set.attach(step, node(&entry.value)?);
        }
    }
    set.member = set.is_leaf() || map.contains(SELF);
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FieldSet, FieldsError> {
        FieldSet::from_fields_v1(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_the_server_wrote_comes_back_byte_for_byte() {
        let text = concat!(
            r#"{"f:metadata":{"f:finalizers":{".":{},"v:\"b\"":{}},"#,
            r#""f:labels":{".":{},"f:a":{},"f:app.kubernetes.io/name":{}}},"f:spec":{"f:ports":{".":{},"#,
            r#""k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}},"#,
            r#""k:{\"containerPort\":443,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}},"f:replicas":{}}}"#
        );
        assert_eq!(serde_json::to_string(&read(text).unwrap().to_fields_v1()).unwrap(), text);
    }

    #[test]
    fn what_is_unknown_is_left_out_and_a_node_of_it_is_a_member() {
        assert_eq!(read(r#"{"f:a":{"x:b":{}}}"#).unwrap(), read(r#"{"f:a":{}}"#).unwrap());
        assert_eq!(read(r#"{"f:a":{".":{}}}"#).unwrap(), read(r#"{"f:a":{}}"#).unwrap());
        assert!(read("{}").unwrap().is_empty());
    }

    #[test]
    fn a_set_that_is_no_map_is_an_error() {
        let error = read(r#"{"f:a": 1}"#).unwrap_err();
        assert_eq!(error.to_string(), "a set of fields has a node of kind `integer`");
    }
}
