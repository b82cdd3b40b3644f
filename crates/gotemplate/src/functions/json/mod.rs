//! JSON as Go's `encoding/json` writes and reads it.

mod read;
mod write;

use self::read::JsonError;
use super::arguments::{any, text};
use crate::{Fault, Function, List, Map, Type, Value};

pub(super) use self::write::{Style, write};

const A: Type = Type::Any;
const S: Type = Type::Str;

/// The functions of this module. Those without `must` swallow what goes wrong.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("toJson", &[A], |_, args| Ok(write(any(args, 0)?, Style::Html).unwrap_or_default().into())),
    Function::new("mustToJson", &[A], |_, args| Ok(write(any(args, 0)?, Style::Html)?.into())),
    Function::new("toPrettyJson", &[A], |_, args| Ok(write(any(args, 0)?, Style::Pretty).unwrap_or_default().into())),
    Function::new("mustToPrettyJson", &[A], |_, args| Ok(write(any(args, 0)?, Style::Pretty)?.into())),
    Function::new("toRawJson", &[A], |_, args| Ok(write(any(args, 0)?, Style::Raw)?.into())),
    Function::new("mustToRawJson", &[A], |_, args| Ok(write(any(args, 0)?, Style::Raw)?.into())),
    Function::new("fromJson", &[S], |_, args| Ok(map_of(text(args, 0)?).into())),
    Function::new("fromJsonArray", &[S], |_, args| Ok(list_of(text(args, 0)?).into())),
    Function::new("mustFromJson", &[S], |_, args| match read::read(text(args, 0)?) {
        Ok((value, None)) => Ok(value),
        Ok((_, Some(error))) | Err(error) => Err(Fault::new(error.to_string())),
    }),
];

/// The map that a text says; with the message under `Error` where it says none.
fn map_of(text: &[u8]) -> Map {
    let (map, error) = match read::read(text) {
        Ok((Value::Map(map), misfit)) => (map, misfit),
        Ok((Value::Nil, None)) => return Map::nil(A),
        Ok((other, misfit)) => {
            let wanted = JsonError::Kind { found: kind(&other), wanted: "map[string]interface {}" };
            (Map::new(), misfit.or(Some(wanted)))
        }
        Err(error) => (Map::new(), Some(error)),
    };
    if let Some(error) = error {
        // A new map takes every key.
        let _ = map.set("Error".into(), error.to_string().into());
    }
    map
}

/// The list that a text says; of one that says none, a list of the message.
fn list_of(text: &[u8]) -> List {
    let error = match read::read(text) {
        Ok((Value::List(list), None)) => return list,
        Ok((Value::Nil, None)) => return List::nil(A),
        Ok((_, Some(error))) | Err(error) => error,
        Ok((other, None)) => JsonError::Kind { found: kind(&other), wanted: "[]interface {}" },
    };
    List::new(vec![error.to_string().into()])
}

/// What JSON calls a value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "bool",
        Value::Str(_) | Value::Bytes(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) | Value::Object(_) => "object",
        Value::Int(_) | Value::Int64(_) | Value::Uint8(_) | Value::Uint64(_) | Value::Float(_) | Value::Complex(..) => {
            "number"
        }
    }
}
