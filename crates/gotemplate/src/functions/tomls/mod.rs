//! TOML as Helm's library writes and reads it.

mod write;

use toml::Value as Toml;

use super::arguments::{any, text};
use super::dates::Time;
use super::runes::lossy;
use crate::{Function, List, Map, Str, Type, Value};

/// The functions of this module. Without `must`, what goes wrong is the text that is given.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("toToml", &[Type::Any], |_, args| match any(args, 0)? {
        Value::Nil => Err(NIL.into()),
        value => Ok(write::write(value).unwrap_or_else(|error| error).into()),
    }),
    Function::new("mustToToml", &[Type::Any], |_, args| match any(args, 0)? {
        Value::Nil => Err(NIL.into()),
        value => Ok(write::write(value)?.into()),
    }),
    Function::new("fromToml", &[Type::Str], |_, args| Ok(map_of(text(args, 0)?).into())),
];

/// What Go says of nil.
const NIL: &str = "reflect: call of reflect.Value.Type on zero Value";

/// The map that a text says; with a message under `Error` where it says none.
fn map_of(text: &[u8]) -> Map {
    match lossy(text).parse::<toml::Table>() {
        Ok(table) => entries(table),
        Err(error) => [("Error".into(), format!("toml: {}", error.message()).into())].into_iter().collect(),
    }
}

fn entries(table: toml::Table) -> Map {
    table.into_iter().map(|(key, value)| (Str::from(key), read(value))).collect()
}

fn read(value: Toml) -> Value {
    match value {
        Toml::String(text) => text.into(),
        Toml::Integer(number) => Value::Int64(number),
        Toml::Float(number) => number.into(),
        Toml::Boolean(it) => it.into(),
        Toml::Datetime(moment) => Time::of_toml(&moment.to_string()).value(),
        Toml::Array(items) => {
            let tables = !items.is_empty() && items.iter().all(Toml::is_table);
            let of = if tables { Type::MAP } else { Type::Any };
            List::typed(of, items.into_iter().map(read).collect()).into()
        }
        Toml::Table(table) => entries(table).into(),
    }
}
