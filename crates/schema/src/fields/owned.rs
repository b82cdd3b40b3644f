//! Sets of fields as a server sent them: text, until somebody asks what is in it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::{FieldSet, FieldsError};
use weft_base::value::Value;

/// The fields that somebody owns, as the server encodes them (fieldsV1). They are half of an object's bytes, and most
/// of them are never looked into: it stays text until it is asked for as a [`Value`] (to which it dereferences) or as
/// a [`FieldSet`]. Clones share what was read.
#[derive(Clone)]
pub struct Fields(Arc<Text>);

struct Text {
    json: String,
    value: OnceLock<Value>,
    set: OnceLock<FieldSet>,
}

impl Fields {
    /// The set that this JSON describes.
    pub fn new(json: impl Into<String>) -> Self {
        Self(Arc::new(Text { json: json.into(), value: OnceLock::new(), set: OnceLock::new() }))
    }

    /// The JSON.
    pub fn text(&self) -> &str {
        &self.0.json
    }

    /// The set, which is read only once.
    pub fn set(&self) -> Result<&FieldSet, FieldsError> {
        if let Some(set) = self.0.set.get() {
            return Ok(set);
        }
        let set = FieldSet::from_fields_v1(&self.read())?;
        Ok(self.0.set.get_or_init(|| set))
    }

    /// JSON that is broken is no map, which is an error to whoever takes it for a set.
    fn read(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|_| self.text().into())
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::new("{}")
    }
}

impl Deref for Fields {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.0.value.get_or_init(|| self.read())
    }
}

impl From<Value> for Fields {
    fn from(value: Value) -> Self {
        let fields = Self::new(serde_json::to_string(&value).unwrap_or_default());
        fields.0.value.get_or_init(|| value);
        fields
    }
}

impl From<&FieldSet> for Fields {
    fn from(set: &FieldSet) -> Self {
        Self::from(set.to_fields_v1())
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() || **self == **other
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_equal_however_they_are_written() {
        let one = Fields::new(r#"{"f:a":{},"f:b":{}}"#);
        let two = Fields::new(r#"{ "f:b": {}, "f:a": {} }"#);
        assert_eq!(one, two);
        assert_ne!(one, Fields::default());
        assert_eq!(one.set().unwrap(), two.set().unwrap());
        assert_eq!(Fields::from(one.set().unwrap()).text(), one.text());
    }

    #[test]
    fn broken_text_is_no_set() {
        assert!(Fields::new("{").set().is_err());
        assert!(Fields::new("[]").set().is_err());
    }
}
