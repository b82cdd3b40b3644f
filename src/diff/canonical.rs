//! One byte sequence per value, whatever order its maps are in: what hashes are taken of.

use zeroize::Zeroizing;

use crate::masked::FingerprintKey;
use crate::value::{Data, Map, Value};

/// The keyed digest of a value, in hex. Secrets go into it as they are, and only the digest comes out.
pub fn digest(value: &Value, key: &FingerprintKey) -> String {
    let mut bytes = Zeroizing::new(Vec::new());
    write(&value.data, &mut bytes);
    hex(&key.digest(&bytes))
}

/// The keyed digest of a leaf that is secret. Text is hashed as it is, so that its fingerprint is the same everywhere.
pub fn secret_digest(value: &Value, key: &FingerprintKey) -> String {
    let data = match &value.data {
        Data::Masked(it) => it.expose(),
        data => data,
    };
    match data {
        Data::Text(text) => hex(&key.digest(text.as_bytes())),
        _ => digest(value, key),
    }
}

/// The text of some bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |it: u8| char::from_digit(it.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Appends a value. Each node begins with its kind and, where it varies, its length, so that no two values meet.
/// Equal numbers are the same bytes: `1` and `1.0`.
pub fn write(data: &Data, out: &mut Vec<u8>) {
    match data {
        Data::Null => out.push(b'z'),
        Data::Bool(it) => out.extend(if *it { b"b1" } else { b"b0" }),
        Data::Int(it) => text('n', &it.to_string(), out),
        Data::Uint(it) => text('n', &it.to_string(), out),
        // A whole float prints as the integer does.
        Data::Float(it) => text('n', &(it + 0.0).to_string(), out),
        Data::Text(it) => text('t', it, out),
        Data::List(items) => {
            text('l', &items.len().to_string(), out);
            for item in items {
                write(&item.data, out);
            }
        }
        Data::Map(map) => write_map(map, out),
        Data::Masked(it) => write(it.expose(), out),
    }
}

fn write_map(map: &Map, out: &mut Vec<u8>) {
    text('m', &map.len().to_string(), out);
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    for entry in entries {
        text('k', &entry.key, out);
        write(&entry.value.data, out);
    }
}

/// Appends a text with its length.
pub fn text(kind: char, it: &str, out: &mut Vec<u8>) {
    out.extend(format!("{kind}{}:", it.len()).into_bytes());
    out.extend(it.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_digests() {
        let key = FingerprintKey::new([7; 32]);
        let of = |text: &str| digest(&serde_json::from_str(text).unwrap(), &key);
        assert_eq!(of(r#"{"a": 1, "b": ["x"]}"#), of(r#"{"b": ["x"], "a": 1.0}"#));
        for other in [r#"{"a": "1"}"#, r#"{"a": [1]}"#, r#"{"a": null}"#, "{}", r#"{"a": 9223372036854775807}"#] {
            assert_ne!(of(r#"{"a": 1}"#), of(other));
        }
        assert_eq!(digest(&Value::from("x").masked(), &key), of(r#""x""#));
    }
}
