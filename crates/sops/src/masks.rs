//! Contents for outputs: keys and structure, with a sketch in place of each secret.

use data_encoding::HEXLOWER;

use super::cipher::Sealed;
use super::leaf;
use weft_base::masked::{FingerprintKey, Sketch};
use weft_base::value::{Data, Entry, Value};

/// The content with each secret replaced by what may be told of it: a fingerprint with this key, and a sort. A
/// ciphertext, where the file was not opened, is told by a fingerprint of itself.
pub fn masks(value: &Value, key: &FingerprintKey) -> Value {
    let data = match &value.data {
        Data::Map(map) => Data::Map(
            map.iter().map(|it| Entry { key: it.key.clone(), mark: it.mark, value: masks(&it.value, key) }).collect(),
        ),
        Data::List(items) => Data::List(items.iter().map(|item| masks(item, key)).collect()),
        Data::Masked(secret) => Data::Text(sketch(secret.expose(), key).to_string()),
        Data::Text(text) if Sealed::is_meant(text) => {
            Data::Text(format!("(encrypted {})", &hex(key, text.as_bytes())[..8]))
        }
        plain => plain.clone(),
    };
    Value { data, origin: value.origin.clone() }
}

fn sketch(secret: &Data, key: &FingerprintKey) -> Sketch {
    let plain = leaf::plain(secret).map(|(_, plain)| plain).unwrap_or_default();
    let digest = hex(key, plain.as_bytes());
    match secret {
        Data::Text(_) => Sketch::of_bytes(&digest, plain.as_bytes()),
        Data::Bool(_) => Sketch::of_scalar(&digest, "boolean"),
        _ => Sketch::of_scalar(&digest, "number"),
    }
}

fn hex(key: &FingerprintKey, bytes: &[u8]) -> String {
    HEXLOWER.encode(&key.digest(bytes))
}
