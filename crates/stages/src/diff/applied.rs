//! What was last applied, as an inventory keeps it: text, until somebody asks what is in it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use weft_base::value::Value;

/// An object as the repository said it at its last apply, each secret replaced by its digest. Of what did not change since,
/// nobody ever asks for more than the hashes beside it, so that JSON is read when it is first looked into. It
/// dereferences to the [`Value`]; clones share what was read.
#[derive(Clone)]
pub struct Applied(Arc<Inner>);

struct Inner {
    /// The JSON of one that came from an inventory.
    json: Option<Box<RawValue>>,
    value: OnceLock<Value>,
}

impl Applied {
    /// The value of one that was made by this run. What came from JSON holds no masked leaf, and is `None`.
    pub fn made(&self) -> Option<&Value> {
        if self.0.json.is_some() { None } else { self.0.value.get() }
    }

    fn json(&self) -> Option<&str> {
        self.0.json.as_ref().map(|json| json.get())
    }
}

impl Deref for Applied {
    type Target = Value;

    fn deref(&self) -> &Value {
        // The syntax was checked when the inventory was read, and what we apply nests no deeper than JSON is read.
        let read = || self.json().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        self.0.value.get_or_init(read)
    }
}

impl From<Value> for Applied {
    fn from(value: Value) -> Self {
        Self(Arc::new(Inner { json: None, value: value.into() }))
    }
}

impl PartialEq for Applied {
    fn eq(&self, other: &Self) -> bool {
        let same_text = self.json().is_some_and(|own| Some(own) == other.json());
        Arc::ptr_eq(&self.0, &other.0) || same_text || **self == **other
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Applied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.json {
            Some(json) => json.serialize(serializer),
            None => (**self).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Applied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Arc::new(Inner { json: Some(json), value: OnceLock::new() })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Applied {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn it_is_equal_whether_it_was_read_or_made() {
        let made: Applied = Value::from([("a", 1i64)].into_iter().collect::<weft_base::value::Map>()).into();
        assert_eq!(read(r#"{"a":1}"#), made);
        assert_eq!(read(r#"{"a":1}"#), read(r#"{ "a": 1 }"#));
        assert_ne!(read(r#"{"a":2}"#), made);
        assert!(made.made().is_some() && read("{}").made().is_none());
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let json = r#"{"b":1,"a":[1.50,null]}"#;
        assert_eq!(serde_json::to_string(&read(json)).unwrap(), json);
        assert!(serde_json::from_str::<Applied>(r#"{"a":}"#).is_err());
    }
}
