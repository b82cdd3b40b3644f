//! Values that look secret, and those that do not.

use weft_base::value::{Data, Entry, Map, Value};

/// Parts of keys whose texts are taken for secrets.
const SECRETIVE: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "privatekey",
    "private_key",
    "credential",
    "accesskey",
    "connectionstring",
];
/// Ends of keys that only name where a secret is.
const NAMES: [&str; 8] = ["name", "key", "file", "path", "ref", "enabled", "type", "namespace"];

/// Values, parted by whether they look secret.
pub struct Parted {
    /// What does not look secret.
    pub clear: Value,
    /// What does.
    pub hidden: Value,
    /// The paths of what does, in the order of the values.
    pub paths: Vec<String>,
}

/// Parts values by whether they look secret; those whose path is among `plain` do not.
pub fn part(values: Value, plain: &[String]) -> Parted {
    let mut paths = Vec::new();
    let (clear, hidden) = split(values, plain, &mut Vec::new(), &mut paths);
    Parted { clear, hidden, paths }
}

fn split(value: Value, plain: &[String], path: &mut Vec<String>, found: &mut Vec<String>) -> (Value, Value) {
    let Data::Map(map) = value.data else { return (value, Value::default()) };
    let (mut clear, mut hidden) = (Map::new(), Map::new());
    for entry in map {
        path.push(entry.key.to_string());
        let shown = path.join(".");
        let is_plain = plain.contains(&shown);
        match &entry.value.data {
            Data::Map(below) if !below.is_empty() && !is_plain => {
                let (open, closed) = split(entry.value, plain, path, found);
                if is_filled(&open) {
                    clear.insert_entry(Entry { key: entry.key.clone(), value: open, mark: entry.mark });
                }
                if is_filled(&closed) {
                    hidden.insert_entry(Entry { key: entry.key, value: closed, mark: entry.mark });
                }
            }
            data if !is_plain && (is_secretive(&entry.key, data) || holds_key(data)) => {
                found.push(shown);
                hidden.insert_entry(entry);
            }
            _ => drop(clear.insert_entry(entry)),
        }
        path.pop();
    }
    (clear.into(), hidden.into())
}

/// Whether it is a map that holds anything.
pub fn is_filled(value: &Value) -> bool {
    value.as_map().is_some_and(|map| !map.is_empty())
}

/// Whether a key says that its text is a secret.
fn is_secretive(key: &str, data: &Data) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    let is_text = matches!(data, Data::Text(text) if !text.is_empty());
    let names_only = NAMES.iter().any(|end| key.len() > end.len() && key.ends_with(end)) && !key.ends_with("apikey");
    let is_pair = key.ends_with("accesskey") || key.ends_with("private_key") || key.ends_with("privatekey");
    is_text && SECRETIVE.iter().any(|part| key.contains(part)) && (!names_only || is_pair || key.ends_with("api_key"))
}

/// Whether a text holds a private key, a list one of its own, or a map in a list a secret.
fn holds_key(data: &Data) -> bool {
    match data {
        Data::Text(text) => text.contains("PRIVATE KEY-----"),
        Data::List(items) => items.iter().any(|item| match &item.data {
            Data::Map(map) => {
                let named = map.get("name").and_then(Value::as_str).unwrap_or_default();
                map.iter().any(|it| {
                    is_secretive(&it.key, &it.value.data)
                        || holds_key(&it.value.data)
                        || &*it.key == "value" && is_secretive(named, &it.value.data)
                })
            }
            other => holds_key(other),
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_told_by_its_key_or_its_text() {
        let text = |it: &str| Data::Text(it.to_owned());
        for key in
            ["password", "adminPassword", "DB_TOKEN", "secretKey".trim_end_matches("Key"), "privateKey", "apiKey"]
        {
            assert!(is_secretive(key, &text("x")), "{key}");
        }
        for key in ["secretName", "existingSecretPasswordKey", "tokenPath", "user", "passwordFile"] {
            assert!(!is_secretive(key, &text("x")), "{key}");
        }
        assert!(!is_secretive("password", &text("")) && !is_secretive("password", &Data::Bool(true)));
        assert!(holds_key(&text("-----BEGIN RSA PRIVATE KEY-----")));
        let env: Value = serde_json::from_str(r#"[{"name": "DB_PASSWORD", "value": "x"}]"#).unwrap();
        assert!(holds_key(&env.data));
    }
}
