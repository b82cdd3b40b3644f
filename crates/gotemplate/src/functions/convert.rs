//! Values of templates from values of documents, and back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::dates::Time;
use super::runes::lossy;
use super::semver::Version;
use crate::{DEEPEST, List, Map, Object, Str, Value, downcast};
use weft_base::masked::MASK;
use weft_base::value::{self, Data, Entry, Mark};

/// What whole numbers of a document become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// `float64`, as in values files and what `fromYaml` and `fromJson` read.
    Floats,
    /// `int64`, as in live objects.
    Integers,
}

/// A document's value as templates see it. A masked leaf is its mask: whoever may expose it does so before.
#[allow(clippy::cast_precision_loss, reason = "as Go reads numbers")]
pub fn from_document(value: &value::Value, numbers: Numbers) -> Value {
    match &value.data {
        Data::Null => Value::Nil,
        Data::Bool(it) => Value::Bool(*it),
        Data::Int(it) if numbers == Numbers::Integers => Value::Int64(*it),
        Data::Int(it) => Value::Float(*it as f64),
        Data::Uint(it) => Value::Float(*it as f64),
        Data::Float(it) => Value::Float(*it),
        Data::Text(it) => it.as_str().into(),
        Data::List(items) => List::new(items.iter().map(|it| from_document(it, numbers)).collect()).into(),
        Data::Map(map) => {
            map.iter().map(|it| (Str::from(it.key.as_str()), from_document(&it.value, numbers))).collect::<Map>().into()
        }
        Data::Masked(_) => MASK.into(),
    }
}

/// Why a value cannot be written as JSON or YAML: Go's message.
pub(super) type Unwritable = String;

/// A value as a document: what Go's JSON makes of it.
pub fn to_document(value: &Value) -> Result<value::Value, Unwritable> {
    within(value, DEEPEST)
}

fn within(value: &Value, depth: usize) -> Result<value::Value, Unwritable> {
    let depth = depth.checked_sub(1).ok_or_else(|| cycle(value))?;
    Ok(value::Value::from(match value {
        Value::Nil => Data::Null,
        Value::Bool(it) => Data::Bool(*it),
        Value::Int(it) | Value::Int64(it) => Data::Int(*it),
        Value::Uint8(it) => Data::Int(i64::from(*it)),
        Value::Uint64(it) => i64::try_from(*it).map_or(Data::Uint(*it), Data::Int),
        Value::Float(it) if it.is_finite() => Data::Float(*it),
        Value::Float(it) => return Err(unsupported(*it)),
        Value::Complex(..) => return Err(no_json(value)),
        Value::Str(it) => Data::Text(lossy(it)),
        Value::Bytes(it) => Data::Text(STANDARD.encode(it.as_bytes())),
        Value::List(list) if list.is_nil() => Data::Null,
        Value::List(list) => Data::List(list.iter().map(|it| within(it, depth)).collect::<Result<_, _>>()?),
        Value::Map(map) if map.is_nil() => Data::Null,
        Value::Map(map) => {
            let mut written = value::Map::new();
            for (key, it) in map.entries().iter() {
                let key = lossy(key).into();
                let value = within(it, depth)?;
                written.push_unique(Entry { key, mark: Mark::default(), value });
            }
            Data::Map(written)
        }
        Value::Object(object) => return within(&plain(value, &**object), depth),
    }))
}

/// The plain value that Go's JSON writes for an object.
pub(super) fn plain(value: &Value, object: &dyn Object) -> Value {
    if let Some(time) = downcast::<Time>(value) {
        return time.rfc3339().into();
    }
    if let Some(version) = downcast::<Version>(value) {
        return version.to_string().into();
    }
    object.underlying().unwrap_or_else(|| {
        object.fields().into_iter().map(|(name, value)| (Str::from(name), value)).collect::<Map>().into()
    })
}

pub(super) fn unsupported(number: f64) -> Unwritable {
    let name = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    };
    format!("json: unsupported value: {name}")
}

/// A type that JSON does not know.
pub(super) fn no_json(value: &Value) -> Unwritable {
    format!("json: unsupported type: {}", value.type_name())
}

pub(super) fn cycle(value: &Value) -> Unwritable {
    format!("json: unsupported value: encountered a cycle via {}", value.type_name())
}
