//! Sets of fields from and to fieldsV1, the server's JSON.

use super::{FieldSet, FieldsError, element};
use crate::value::{Map, Value};

/// The key that says that a node with children is a member itself.
const SELF: &str = ".";

impl FieldSet {
    /// Reads a set. An empty node is a member; one with children is, where it has the key `.`.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, FieldsError> {
        let mut root = node(fields)?;
        // The root is the whole object: nobody owns it, and an empty set is written as `{}` too.
        root.member = false;
        Ok(root)
    }

    /// Writes the set as the server does.
    pub fn to_fields_v1(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(SELF, Map::new());
        }
        for (key, child) in &self.children {
            map.insert(key.as_str(), child.to_fields_v1());
        }
        map.into()
    }
}

fn node(fields: &Value) -> Result<FieldSet, FieldsError> {
    let Some(map) = fields.as_map() else { return Err(FieldsError::Node { kind: fields.kind() }) };
    let mut set = FieldSet { member: map.is_empty() || map.contains(SELF), ..FieldSet::default() };
    for entry in map.iter().filter(|e| e.key != SELF) {
        if let Some(step) = element::decode(&entry.key)? {
            let child = node(&entry.value)?;
            set.children.insert(element::encode(&step), child);
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_wrote_comes_back() {
        let text = r#"{"f:metadata":{"f:labels":{".":{},"f:app.kubernetes.io/name":{}}},"f:spec":{"f:replicas":{},
            "f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}}}"#;
        let fields: Value = serde_json::from_str(text).unwrap();
        assert_eq!(FieldSet::from_fields_v1(&fields).unwrap().to_fields_v1(), fields);
    }

    #[test]
    fn a_set_that_is_no_map_is_an_error() {
        let fields: Value = serde_json::from_str(r#"{"f:a": 1}"#).unwrap();
        assert_eq!(
            FieldSet::from_fields_v1(&fields).unwrap_err().to_string(),
            "a set of fields has a node of kind `integer`"
        );
    }
}
