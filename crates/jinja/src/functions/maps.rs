//! Combining maps. None of these changes a map: each makes a new one.

use minijinja::value::Rest;
use minijinja::{Error, Value as Dynamic};

use crate::convert::{self, invalid};
use crate::node::{self, Secrets};
use weft_base::value::{Data, Entry, Map, Value};

/// `merge(a, b, ...)`: all keys of all maps; the right one wins, maps merge at every depth.
pub fn merge(maps: Rest<Dynamic>) -> Result<Dynamic, Error> {
    let mut merged = Map::new();
    for map in maps.0 {
        into(&mut merged, as_map(&map)?);
    }
    Ok(dynamic(merged))
}

/// `map | pick("a", "b")`: only these keys, where they are there.
pub fn pick(map: &Dynamic, keys: Rest<String>) -> Result<Dynamic, Error> {
    let mut map = as_map(map)?;
    map.retain(|entry| keys.iter().any(|key| *key == entry.key));
    Ok(dynamic(map))
}

/// `map | omit("a", "b")`: all but these keys.
pub fn omit(map: &Dynamic, keys: Rest<String>) -> Result<Dynamic, Error> {
    let mut map = as_map(map)?;
    map.retain(|entry| !keys.iter().any(|key| *key == entry.key));
    Ok(dynamic(map))
}

fn into(left: &mut Map, right: Map) {
    for Entry { key, value, .. } in right {
        match (left.get_mut(&key).map(|it| &mut it.data), value.data) {
            (Some(Data::Map(inner)), Data::Map(other)) => into(inner, other),
            (_, data) => drop(left.insert(key, data)),
        }
    }
}

fn as_map(dynamic: &Dynamic) -> Result<Map, Error> {
    match convert::value(dynamic)?.data {
        Data::Map(map) => Ok(map),
        Data::Null => Ok(Map::new()),
        other => Err(invalid(format!("a map is wanted here, not a {}", Value::from(other).kind()))),
    }
}

fn dynamic(map: Map) -> Dynamic {
    node::dynamic(&map.into(), Secrets::Refused)
}
