//! The data of the cases: JSON, in which a map with one key that begins with `$` is a value of another type.

use serde_json::Value as Json;
use weft::gotemplate::{List, Map, Str, Type, Value};

use super::things;

/// The value that JSON stands for, as the Go program reads it.
pub fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(it) => Value::Bool(*it),
        Json::Number(it) => Value::Float(it.as_f64().unwrap()),
        Json::String(it) => it.as_str().into(),
        Json::Array(items) => List::new(items.iter().map(value).collect()).into(),
        Json::Object(map) => match map.iter().next() {
            Some((kind, inner)) if kind.starts_with('$') => typed(kind, inner),
            _ => map.iter().map(|(key, it)| (Str::from(key.as_str()), value(it))).collect::<Map>().into(),
        },
    }
}

fn typed(kind: &str, json: &Json) -> Value {
    let int = |json: &Json| json.as_i64().unwrap();
    let text = |json: &Json| Value::from(json.as_str().unwrap());
    let items =
        |of, item: &dyn Fn(&Json) -> Value| List::typed(of, json.as_array().unwrap().iter().map(item).collect()).into();
    let entries = |of, item: &dyn Fn(&Json) -> Value| {
        Map::typed_of(of, json.as_object().unwrap().iter().map(|(key, it)| (key.as_str().into(), item(it)))).into()
    };
    match kind {
        "$int" => Value::Int(int(json)),
        "$int64" => Value::Int64(int(json)),
        "$uint8" => Value::Uint8(u8::try_from(int(json)).unwrap()),
        "$uint64" => Value::Uint64(u64::try_from(int(json)).unwrap()),
        "$bytes" => Value::Bytes(json.as_str().unwrap().into()),
        "$nilmap" => Map::nil(Type::Any).into(),
        "$nillist" => List::nil(Type::Any).into(),
        "$ints" => items(Type::Int, &|it| Value::Int(int(it))),
        "$strings" => items(Type::Str, &text),
        "$mapint" => entries(Type::Int, &|it| Value::Int(int(it))),
        "$mapstring" => entries(Type::Str, &text),
        "$thing" => things::thing(json.as_str().unwrap()),
        "$label" => things::label(json.as_str().unwrap()),
        "$seconds" => things::seconds(int(json)),
        other => panic!("unknown kind {other}"),
    }
}
