//! The text of a leaf, by which merged lists tell their items apart.

use std::borrow::Cow;

use weft_base::value::{Data, Value};

/// The text of a leaf as YAML writes it; empty for null, lists, maps and secrets.
pub fn text(value: &Value) -> Cow<'_, str> {
    match &value.data {
        Data::Text(text) => Cow::Borrowed(text),
        Data::Bool(it) => Cow::Borrowed(if *it { "true" } else { "false" }),
        Data::Int(it) => Cow::Owned(it.to_string()),
        Data::Uint(it) => Cow::Owned(it.to_string()),
        Data::Float(it) => Cow::Owned(it.to_string()),
        Data::Null | Data::List(_) | Data::Map(_) | Data::Masked(_) => Cow::Borrowed(""),
    }
}
