//! A place in a custom resource: the value with its schema, and what was there before.

use super::{text, texts};
use weft_base::value::{Data, Path, Step, Value};

/// What every object has, and no definition declares.
const OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// One place.
pub(super) struct Place<'a> {
    pub path: Path,
    pub schema: &'a Value,
    pub value: &'a Value,
    /// What was there, where that can be told: the items of a list that has no keys have no past.
    pub old: Option<&'a Value>,
    /// Whether it is a whole object.
    pub object: bool,
}

impl<'a> Place<'a> {
    pub(super) fn root(schema: &'a Value, value: &'a Value, old: Option<&'a Value>) -> Self {
        Self { path: Path::root(), schema, value, old, object: true }
    }

    /// The same place under another schema.
    pub(super) fn under(&self, schema: &'a Value) -> Self {
        Self { path: self.path.clone(), schema, value: self.value, old: self.old, object: self.object }
    }

    /// Whether it is as it was. The server lets pass what was there already.
    pub(super) fn is_unchanged(&self) -> bool {
        self.old.is_some_and(|old| old == self.value)
    }

    /// The places below it that its schema describes.
    pub(super) fn children(&self) -> Vec<Place<'a>> {
        match &self.value.data {
            Data::Map(map) => {
                let declared = |key: &str| declared(self.schema, key);
                let child = |entry: &'a weft_base::value::Entry| {
                    let schema = declared(&entry.key)?;
                    let old = self.old.and_then(|old| old.get(&entry.key));
                    Some(self.child(Step::Field(entry.key.clone()), schema, &entry.value, old))
                };
                map.iter().filter_map(child).collect()
            }
            Data::List(items) => self.schema.get("items").map_or_else(Vec::new, |schema| {
                let child = |(at, item)| self.child(Step::Index(at), schema, item, self.past(item));
                items.iter().enumerate().map(child).collect()
            }),
            _ => Vec::new(),
        }
    }

    fn child(&self, step: Step, schema: &'a Value, value: &'a Value, old: Option<&'a Value>) -> Self {
        let object = super::flag(schema, "x-kubernetes-embedded-resource");
        Self { path: self.path.then(step), schema, value, old, object }
    }

    /// The item of the old list that has the same keys.
    fn past(&self, item: &Value) -> Option<&'a Value> {
        if text(self.schema, "x-kubernetes-list-type") != Some("map") {
            return None;
        }
        let same =
            |old: &&Value| texts(self.schema, "x-kubernetes-list-map-keys").all(|key| old.get(key) == item.get(key));
        self.old?.as_list()?.iter().find(same)
    }

    /// Whether a missing key would be one that the server always has.
    pub(super) fn always_has(&self, key: &str) -> bool {
        self.object && OBJECT.contains(&key)
    }
}

/// The schema of a key, be it declared or any.
pub(super) fn declared<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let rest = || schema.get("additionalProperties").filter(|it| it.as_map().is_some());
    schema.get("properties").and_then(|properties| properties.get(key)).or_else(rest)
}
