//! A document without what [`Schemas`](crate::Schemas) never looks at, which is most of it.

use super::{KINDS, STATUS};
use weft_base::value::{Data, Map, Value};

/// Leaves of a server's document the types without their descriptions, and the kinds of the paths that tell which status
/// is a subresource. [`Schemas::add_document`](crate::Schemas::add_document) makes the same of it.
pub fn slim(mut document: Value) -> Value {
    let Some(map) = document.as_map_mut() else { return document };
    map.retain(|entry| ["components", "paths"].contains(&entry.key.as_str()));
    for entry in map.iter_mut() {
        match entry.key.as_str() {
            "paths" => entry.value = paths(&entry.value),
            _ => in_map(&mut entry.value, "schemas", |schemas| each(schemas, schema)),
        }
    }
    document
}

fn paths(paths: &Value) -> Value {
    let kept = |kind: &Value| -> Value {
        let patch: Map = [(KINDS, kind.clone())].into_iter().collect();
        [("patch", Value::from(patch))].into_iter().collect::<Map>().into()
    };
    let of_status = paths.as_map().into_iter().flatten().filter(|path| path.key.ends_with(STATUS));
    let kinds = of_status.filter_map(|path| Some((path.key.clone(), kept(path.value.dig(&["patch", KINDS])?))));
    kinds.collect::<Map>().into()
}

/// Only where a schema stands: a field, a default or an example may be called as its keywords are.
fn schema(value: &mut Value) {
    let Some(map) = value.as_map_mut() else { return };
    map.retain(|entry| !["description", "example"].contains(&entry.key.as_str()));
    for entry in map.iter_mut() {
        match entry.key.as_str() {
            "properties" => each(&mut entry.value, schema),
            "items" | "additionalProperties" | "not" => schema(&mut entry.value),
            "allOf" | "anyOf" | "oneOf" => {
                if let Data::List(all) = &mut entry.value.data {
                    all.iter_mut().for_each(schema);
                }
            }
            _ => {}
        }
    }
}

fn each(map: &mut Value, work: fn(&mut Value)) {
    map.as_map_mut().into_iter().flat_map(Map::iter_mut).for_each(|entry| work(&mut entry.value));
}

fn in_map(value: &mut Value, key: &str, work: impl FnOnce(&mut Value)) {
    if let Some(entry) = value.as_map_mut().and_then(|map| map.iter_mut().find(|entry| entry.key == key)) {
        work(&mut entry.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn types_and_paths_of_statuses_stay() {
        let full = r#"{"openapi": "3.0", "info": {"title": "Kubernetes"}, "components": {"schemas": {"Kind": {
            "description": "words", "type": "object", "properties": {
                "description": {"type": "string", "description": "words", "default": {"description": "stays"}},
                "list": {"type": "array", "items": {"description": "words", "type": "string"}},
                "any": {"allOf": [{"$ref": "x", "description": "words"}], "enum": [{"example": 1}], "example": 1}}}}},
            "paths": {"/kinds/{name}": {"patch": {"x-kubernetes-group-version-kind": {"kind": "Kind"}}},
                "/kinds/{name}/status": {"get": {}, "patch": {"summary": "words",
                    "x-kubernetes-group-version-kind": {"kind": "Kind"}}},
                "/others/{name}/status": {"get": {}}}}"#;
        let slimmed = slim(read(full));
        let expected = r#"{"components": {"schemas": {"Kind": {"type": "object", "properties": {
                "description": {"type": "string", "default": {"description": "stays"}},
                "list": {"type": "array", "items": {"type": "string"}},
                "any": {"allOf": [{"$ref": "x"}], "enum": [{"example": 1}]}}}}},
            "paths": {"/kinds/{name}/status": {"patch": {"x-kubernetes-group-version-kind": {"kind": "Kind"}}}}}"#;
        assert_eq!(slimmed, read(expected));
        assert_eq!(slim(slimmed.clone()), slimmed);
        assert_eq!(slim(read("[]")), read("[]"));
    }
}
