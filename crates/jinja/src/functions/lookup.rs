//! Reaching into values that may not be there.

use minijinja::{Error, Value as Dynamic};

/// `values | dig("a.b.0", default)`: what the path leads to, or the default, or null where it leads nowhere. The path
/// is a text with dots or a list of keys.
pub fn dig(value: &Dynamic, path: &Dynamic, other: Option<Dynamic>) -> Result<Dynamic, Error> {
    let keys: Vec<Dynamic> = match path.as_str() {
        Some(text) => text.split('.').map(Dynamic::from).collect(),
        None => path.try_iter()?.collect(),
    };
    let mut found = value.clone();
    for key in keys {
        found = step(&found, &key)?;
        if found.is_undefined() || found.is_none() {
            return Ok(other.unwrap_or_else(|| ().into()));
        }
    }
    Ok(found)
}

fn step(value: &Dynamic, key: &Dynamic) -> Result<Dynamic, Error> {
    if value.as_object().is_none() {
        return Ok(Dynamic::UNDEFINED);
    }
    let is_list = value.kind() == minijinja::value::ValueKind::Seq;
    match key.as_str().and_then(|text| text.parse::<usize>().ok()) {
        Some(at) if is_list => value.get_item_by_index(at),
        _ => value.get_item(key),
    }
}
