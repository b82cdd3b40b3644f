//! Objects from the bytes of a server's answer.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Manager;
use weft_base::value::{Entry, Key, Map, Mark, Value};
use weft_schema::fields::Fields;

/// An object as a server sent it, who wrote it taken apart from the rest.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The object without `metadata.managedFields`.
    pub body: Value,
    /// Who wrote which field.
    pub managers: Vec<Manager>,
}

/// Reads objects out of the JSON `'t`. Objects that came out of one template are owned alike: what the fields of one
/// manager are is read once for all of them.
#[derive(Default)]
pub struct Reader<'t> {
    known: HashMap<&'t str, Fields>,
}

impl<'t> Reader<'t> {
    /// Reads one object, which is all of the text.
    pub fn object(text: &'t [u8]) -> Result<Sent, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let sent = (&mut Self::default()).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(sent)
    }

    fn fields(&mut self, text: Option<&'t RawValue>) -> Fields {
        let text = text.map_or("{}", RawValue::get);
        self.known.entry(text).or_insert_with(|| Fields::new(text)).clone()
    }
}

/// An entry of `metadata.managedFields`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Writer<'t> {
    manager: Option<String>,
    operation: Option<String>,
    subresource: Option<String>,
    api_version: Option<String>,
    time: Option<String>,
    #[serde(borrow)]
    fields_v1: Option<&'t RawValue>,
}

impl<'t> DeserializeSeed<'t> for &mut Reader<'t> {
    type Value = Sent;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Sent, D::Error> {
        let mut managers = Vec::new();
        let body = Node { reader: self, managers: &mut managers, is_metadata: false }.deserialize(deserializer)?;
        Ok(Sent { body, managers })
    }
}

/// The object itself, or its metadata.
struct Node<'r, 't> {
    reader: &'r mut Reader<'t>,
    managers: &'r mut Vec<Manager>,
    is_metadata: bool,
}

impl<'t> DeserializeSeed<'t> for Node<'_, 't> {
    type Value = Value;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Node<'_, 't> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::default())
    }

    fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<Key>()? {
            let value = match key.as_str() {
                "managedFields" if self.is_metadata => {
                    let writers = access.next_value::<Option<Vec<Writer<'t>>>>()?.unwrap_or_default();
                    self.managers.extend(writers.into_iter().map(|it| it.manager(self.reader)));
                    continue;
                }
                "metadata" if !self.is_metadata => access.next_value_seed(Node {
                    reader: &mut *self.reader,
                    managers: &mut *self.managers,
                    is_metadata: true,
                })?,
                _ => access.next_value()?,
            };
            map.insert_entry(Entry { key, mark: Mark::default(), value });
        }
        map.shrink_to_fit();
        Ok(map.into())
    }
}

impl<'t> Writer<'t> {
    fn manager(self, reader: &mut Reader<'t>) -> Manager {
        Manager {
            name: self.manager.unwrap_or_default(),
            operation: self.operation.unwrap_or_default(),
            subresource: self.subresource.unwrap_or_default(),
            api_version: self.api_version.unwrap_or_default(),
            time: self.time,
            fields: reader.fields(self.fields_v1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::live;

    #[test]
    fn bytes_and_values_are_the_same_object() {
        let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
            {"manager":"weft","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:00:00Z",
             "fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}},
            {"manager":"x","operation":"Update","subresource":"status"}]},
            "data":{"managedFields":"kept","metadata":"kept"}}"#;
        let read = Reader::object(text.as_bytes()).unwrap().live().unwrap();
        let other = live(serde_json::from_str::<Value>(text).unwrap()).unwrap();
        assert_eq!((&read.id, &read.body, &read.managers), (&other.id, &other.body, &other.managers));
        assert_eq!(read.managers.len(), 2);
    }

    #[test]
    fn the_same_fields_are_kept_once() {
        let object = r#"{"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}}},{"fieldsV1":{"f:a":{}}}]}}"#;
        let managers = Reader::object(object.as_bytes()).unwrap().managers;
        assert_eq!(managers[0].fields.text().as_ptr(), managers[1].fields.text().as_ptr());
    }
}
