//! Which leaves of a document came from secrets: those that another rendering, with stand-ins, has otherwise.
//!
//! Keys, names and kinds are shown everywhere and cannot be masked. So a key that came from a secret is an error, and a
//! name that may have come from one is masked, which its reader refuses.

use super::public::Public;
use weft_base::value::{Data, Entry, Map, Mark, Value};

/// A key of a map came from a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// Where it is in the rendered text.
    pub mark: Mark,
}

/// The document with every leaf masked that differs from the stand-in's. Where the two have another structure, all
/// leaves below are masked.
///
/// # Errors
/// A key that the stand-in does not have, and for which `public` does not vouch.
pub fn mask(real: Value, stand_in: &Value, public: &Public) -> Result<Value, SecretKey> {
    let data = match (real.data, &stand_in.data) {
        (Data::Map(map), Data::Map(other)) if map.len() == other.len() && map.keys().all(|key| other.contains(key)) => {
            let mask_entry = |entry: Entry| {
                let value = match other.get(&entry.key) {
                    Some(stand_in) => mask(entry.value, stand_in, public)?,
                    None => mask_leaves(entry.value, public)?,
                };
                Ok(Entry { value, ..entry })
            };
            Data::Map(map.into_iter().map(mask_entry).collect::<Result<Map, SecretKey>>()?)
        }
        (Data::Map(map), Data::Map(other)) => {
            let is_known = |key: &str| other.contains(key) || public.vouches(key);
            Data::Map(map.into_iter().map(|entry| mask_entry(entry, is_known, public)).collect::<Result<_, _>>()?)
        }
        (Data::List(items), Data::List(other)) if items.len() == other.len() => {
            let pairs = items.into_iter().zip(other);
            Data::List(pairs.map(|(item, stand_in)| mask(item, stand_in, public)).collect::<Result<_, _>>()?)
        }
        (data, other) if data == *other => data,
        (data, _) => return mask_leaves(Value { data, origin: real.origin }, public),
    };
    Ok(Value { data, origin: real.origin })
}

/// The document with all its leaves masked but for what tells which object it is, if `public` vouches for that.
///
/// # Errors
/// A key for which `public` does not vouch.
pub fn mask_all(document: Value, public: &Public) -> Result<Value, SecretKey> {
    each_entry(document, public, |entry| match entry.key.as_str() {
        "apiVersion" | "kind" => vouched(entry, public),
        "metadata" => {
            let value = each_entry(entry.value, public, |entry| match entry.key.as_str() {
                "name" | "namespace" | "generateName" => vouched(entry, public),
                _ => mask_entry(entry, |key| public.vouches(key), public),
            })?;
            Ok(Entry { value, ..entry })
        }
        "items" => Ok(Entry { value: mask_items(entry.value, public)?, ..entry }),
        _ => mask_entry(entry, |key| public.vouches(key), public),
    })
}

/// The items of a list of objects are objects.
fn mask_items(value: Value, public: &Public) -> Result<Value, SecretKey> {
    let Data::List(items) = value.data else { return mask_leaves(value, public) };
    let mask_item =
        |item: Value| if item.get("kind").is_some() { mask_all(item, public) } else { mask_leaves(item, public) };
    let items = items.into_iter().map(mask_item).collect::<Result<_, _>>()?;
    Ok(Value { data: Data::List(items), origin: value.origin })
}

/// Does something with each entry of a map; anything else is masked.
fn each_entry(
    value: Value,
    public: &Public,
    act: impl Fn(Entry) -> Result<Entry, SecretKey>,
) -> Result<Value, SecretKey> {
    match value.data {
        Data::Map(map) => {
            let map = map.into_iter().map(act).collect::<Result<Map, SecretKey>>()?;
            Ok(Value { data: Data::Map(map), origin: value.origin })
        }
        data => mask_leaves(Value { data, origin: value.origin }, public),
    }
}

/// A part of an identity: left as it is only if it can be made without secrets.
fn vouched(entry: Entry, public: &Public) -> Result<Entry, SecretKey> {
    match entry.value.as_str() {
        Some(text) if public.vouches(text) => Ok(entry),
        _ => Ok(Entry { value: mask_leaves(entry.value, public)?, ..entry }),
    }
}

fn mask_entry(entry: Entry, is_known: impl Fn(&str) -> bool, public: &Public) -> Result<Entry, SecretKey> {
    if !is_known(&entry.key) {
        return Err(SecretKey { mark: entry.mark });
    }
    Ok(Entry { value: mask_leaves(entry.value, public)?, ..entry })
}

/// All leaves masked. Keys have to be public.
fn mask_leaves(value: Value, public: &Public) -> Result<Value, SecretKey> {
    let data = match value.data {
        Data::Map(map) => {
            let mask_entry = |entry| mask_entry(entry, |key| public.vouches(key), public);
            Data::Map(map.into_iter().map(mask_entry).collect::<Result<Map, SecretKey>>()?)
        }
        Data::List(items) => {
            Data::List(items.into_iter().map(|item| mask_leaves(item, public)).collect::<Result<_, _>>()?)
        }
        leaf => return Ok(Value { data: leaf, origin: value.origin }.masked()),
    };
    Ok(Value { data, origin: value.origin })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn masked(real: &str, stand_in: &str) -> Result<String, SecretKey> {
        let public = Public::of_text("a b c k l n x y extra data metadata name namespace kind apiVersion v1 ConfigMap");
        mask(parse(real), &parse(stand_in), &public).map(|it| serde_json::to_string(&it).unwrap())
    }

    #[test]
    fn what_differs_is_masked_and_nothing_else() {
        assert_eq!(
            masked(r#"{"a":"x","b":"s","c":[1,"t"]}"#, r#"{"a":"x","b":"?","c":[1,"?"]}"#).unwrap(),
            r#"{"a":"x","b":"(masked)","c":[1,"(masked)"]}"#
        );
    }

    #[test]
    fn where_the_structure_differs_all_below_is_masked() {
        assert_eq!(
            masked(r#"{"a":{"extra":"x","l":"y"},"b":1}"#, r#"{"a":{"l":"y"},"b":1}"#).unwrap(),
            r#"{"a":{"extra":"(masked)","l":"(masked)"},"b":1}"#
        );
        assert_eq!(masked(r#"{"a":["x","y"]}"#, r#"{"a":["x"]}"#).unwrap(), r#"{"a":["(masked)","(masked)"]}"#);
    }

    #[test]
    fn a_key_from_a_secret_is_an_error() {
        for real in [r#"{"a":{"hunter2":"x"}}"#, r#"{"a":["x",{"hunter2":"x"}]}"#, r#"{"a":{"l":{"hunter2":1}}}"#] {
            assert!(masked(real, r#"{"a":{"xxxxxx9":"x"}}"#).is_err(), "{real}");
        }
    }

    #[test]
    fn an_identity_that_nobody_vouches_for_is_masked() {
        let public = Public::of_text("apiVersion v1 kind ConfigMap metadata name n namespace app data c");
        let document = |name: &str| {
            let text = format!(
                r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"c":"d"}}}}"#
            );
            serde_json::to_string(&mask_all(parse(&text), &public).unwrap()).unwrap()
        };
        let shown = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"NAME"},"data":{"c":"(masked)"}}"#;
        assert_eq!(document("n-app-1"), shown.replace("NAME", "n-app-1"));
        assert_eq!(document("n-swordfish"), shown.replace("NAME", "(masked)"));
    }
}
