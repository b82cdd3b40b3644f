//! The one value type from YAML to the wire.
//!
//! A [`Value`] is what a document, a values file, a rendered object or a live object is made of. It keeps maps in the
//! order in which they were written, and every node knows the file and place it came from. A leaf that came from a
//! secret is [`Data::Masked`]: code that forgets about secrets prints a mask, never the value.
//!
//! Serialising a [`Value`] prints masks; what goes to a server goes through [`Value::exposed`].

mod json;
mod map;
mod order;
mod path;
mod pattern;
mod serde;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

pub use self::json::go_json;
pub use self::map::{Entry, Map};
pub use self::path::{Path, Step};
pub use self::pattern::{Part, Pattern, PatternError};
pub use self::serde::Exposed;
use crate::masked::Masked;

/// A key of a map. Nearly all are short, and need no memory of their own.
pub type Key = compact_str::CompactString;

/// A place within one file: line and column, both counted from 1; 0 means that it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Where a node was written: the file (relative to the project's root) and the place in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file, shared by all nodes that came from it; `None` for a node that no file holds.
    pub file: Option<Arc<String>>,
    /// The place in the file.
    pub mark: Mark,
}

impl Origin {
    /// The place `mark` of `file`.
    pub fn new(file: &Arc<String>, mark: Mark) -> Self {
        Self { file: Some(Arc::clone(file)), mark }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().map_or("(built in)", String::as_str);
        match self.mark {
            Mark { line: 0, .. } => f.write_str(file),
            Mark { line, column: 0 } => write!(f, "{file}:{line}"),
            Mark { line, column } => write!(f, "{file}:{line}:{column}"),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One node: its data and where it was written. Two values are equal when their data are, wherever they came from.
#[derive(Clone, Default)]
pub struct Value {
    /// What the node holds.
    pub data: Data,
    /// Where it was written.
    pub origin: Origin,
}

/// What a node holds. Numbers compare by value, so `Int(1)` equals `Float(1.0)`, as the API server sees them.
#[derive(Clone, Default)]
pub enum Data {
    /// `null`, and a key without a value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer above `i64::MAX`; smaller ones are always [`Data::Int`].
    Uint(u64),
    /// Any other number; never NaN or infinite.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order in which it was written.
    Map(Map),
    /// A leaf that came from a secret; never a list or a map, and never itself masked.
    Masked(Masked<Data>),
}

impl Value {
    /// The same data at another place.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// The text of a leaf that is text and no secret.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean of a leaf that is one and no secret.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(it) => Some(it),
            _ => None,
        }
    }

    /// The integer of a leaf that is one, fits, and is no secret.
    pub fn as_i64(&self) -> Option<i64> {
        match self.data {
            Data::Int(it) => Some(it),
            _ => None,
        }
    }

    /// The map of a node that is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The map of a node that is one, to be changed.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items of a node that is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// Whether the node is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Whether the node is a leaf that came from a secret.
    pub fn is_masked(&self) -> bool {
        matches!(self.data, Data::Masked(_))
    }

    /// The value under `key` of a map; `None` for anything else.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The value under nested keys, such as `["metadata", "name"]`.
    pub fn dig(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The kind of the node in words: `null`, `boolean`, `integer`, `number`, `text`, `list`, `map` or `secret`.
    pub fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "null",
            Data::Bool(_) => "boolean",
            Data::Int(_) | Data::Uint(_) => "integer",
            Data::Float(_) => "number",
            Data::Text(_) => "text",
            Data::List(_) => "list",
            Data::Map(_) => "map",
            Data::Masked(_) => "secret",
        }
    }

    /// Puts a leaf behind a mask; lists and maps get each of their leaves masked. Null stays null, as it holds nothing.
    #[must_use]
    pub fn masked(self) -> Self {
        let data = match self.data {
            Data::List(items) => Data::List(items.into_iter().map(Value::masked).collect()),
            Data::Map(map) => Data::Map(map.into_iter().map(|e| Entry { value: e.value.masked(), ..e }).collect()),
            Data::Null => Data::Null,
            Data::Masked(it) => Data::Masked(it),
            leaf => Data::Masked(Masked::new(leaf)),
        };
        Self { data, origin: self.origin }
    }

    /// The value as it goes to a server, secrets included. Only `cluster` and `secrets` may ask for it.
    pub fn exposed(&self) -> Exposed<'_> {
        Exposed(self)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl PartialEq for Data {
    /// A masked leaf equals the same leaf unmasked: whether a live value is the desired one does not depend on masks.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a float equals an integer where both are the same float, as in JSON"
    )]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Uint(a), Self::Uint(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => (*a as f64) == *b,
            (Self::Uint(a), Self::Float(b)) | (Self::Float(b), Self::Uint(a)) => (*a as f64) == *b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Masked(a), Self::Masked(b)) => a == b,
            (Self::Masked(a), b) | (b, Self::Masked(a)) => a.is(b),
            _ => false,
        }
    }
}

impl Zeroize for Data {
    fn zeroize(&mut self) {
        if let Self::Text(text) = self {
            text.zeroize();
        }
        *self = Self::Null;
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.fmt(f)
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(it) => write!(f, "{it}"),
            Self::Int(it) => write!(f, "{it}"),
            Self::Uint(it) => write!(f, "{it}"),
            Self::Float(it) => write!(f, "{it:?}"),
            Self::Text(it) => write!(f, "{it:?}"),
            Self::List(it) => f.debug_list().entries(it).finish(),
            Self::Map(it) => f.debug_map().entries(it.iter().map(|e| (&e.key, &e.value))).finish(),
            Self::Masked(it) => write!(f, "{it}"),
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self { data, origin: Origin::default() }
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Data::Bool(it).into()
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Data::Int(it).into()
    }
}

impl From<u64> for Value {
    fn from(it: u64) -> Self {
        i64::try_from(it).map_or(Data::Uint(it), Data::Int).into()
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Data::Float(it).into()
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Data::Text(it.to_owned()).into()
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Data::Text(it).into()
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Data::List(items).into()
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Data::Map(map).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_stays_small() {
        assert!(size_of::<Value>() <= 48, "10,000 objects have a million nodes");
    }

    #[test]
    fn a_masked_leaf_prints_as_a_mask_and_compares_by_value() {
        let secret = Value::from("hunter2").masked();
        assert_eq!(format!("{secret:?}"), "(masked)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"(masked)\"");
        assert_eq!(serde_json::to_string(&secret.exposed()).unwrap(), "\"hunter2\"");
        assert_eq!(secret, Value::from("hunter2"));
        assert_ne!(secret, Value::from("hunter3"));
    }

    #[test]
    fn maps_are_equal_in_any_order_and_numbers_by_value() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": [2]}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b": [2.0], "a": 1}"#).unwrap();
        assert_eq!(one, two);
    }
}
