//! One byte sequence per value, whatever order its maps are in: what hashes are taken of.

use data_encoding::HEXLOWER;
use zeroize::optimization_barrier;

use weft_base::masked::FingerprintKey;
use weft_base::value::{Data, Entry, Map, Value};

/// Most objects need no more bytes: a buffer that does not grow leaves no copies of secrets behind.
const ROOM: usize = 2048;

/// What is hashed, secrets among it, and wiped then: what was written, at once. (`Zeroizing` wipes all of the room, byte
/// by byte, which is a tenth of a comparison.)
pub struct Buffer(pub Vec<u8>);

impl Buffer {
    pub fn new() -> Self {
        Self(Vec::with_capacity(ROOM))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.fill(0);
        optimization_barrier(self.0.as_slice());
    }
}

/// The keyed digest of a value, in hex. Secrets go into it as they are, and only the digest comes out.
pub fn digest(value: &Value, key: &FingerprintKey) -> String {
    let mut bytes = Buffer::new();
    write(&value.data, &mut bytes.0);
    HEXLOWER.encode(&key.digest(&bytes.0))
}

/// The keyed digest of a leaf that is secret. Text is hashed as it is, so that its fingerprint is the same everywhere.
pub fn secret_digest(value: &Value, key: &FingerprintKey) -> String {
    let data = match &value.data {
        Data::Masked(it) => it.expose(),
        data => data,
    };
    match data {
        Data::Text(text) => HEXLOWER.encode(&key.digest(text.as_bytes())),
        _ => digest(value, key),
    }
}

/// Appends a value. Each node begins with its kind and, where it varies, its length, so that no two values meet.
/// Equal numbers are the same bytes: `1` and `1.0`.
pub fn write(data: &Data, out: &mut Vec<u8>) {
    match data {
        Data::Null => out.push(b'z'),
        Data::Bool(it) => out.extend(if *it { b"b1" } else { b"b0" }),
        Data::Int(it) => text(b'n', &it.to_string(), out),
        Data::Uint(it) => text(b'n', &it.to_string(), out),
        // A whole float prints as the integer does.
        Data::Float(it) => text(b'n', &(it + 0.0).to_string(), out),
        Data::Text(it) => text(b't', it, out),
        Data::List(items) => {
            number(b'l', items.len(), out);
            for item in items {
                write(&item.data, out);
            }
        }
        Data::Map(map) => write_map(map, out),
        Data::Masked(it) => write(it.expose(), out),
    }
}

/// Appends the entries by their keys. A server sends most maps in that order.
fn write_map(map: &Map, out: &mut Vec<u8>) {
    number(b'm', map.len(), out);
    let mut write_entry = |entry: &Entry| {
        text(b'k', &entry.key, out);
        write(&entry.value.data, out);
    };
    if map.iter().is_sorted_by(|a, b| a.key <= b.key) {
        map.iter().for_each(write_entry);
    } else {
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        entries.into_iter().for_each(&mut write_entry);
    }
}

/// Appends a text with its length.
pub fn text(kind: u8, it: &str, out: &mut Vec<u8>) {
    number(kind, it.len(), out);
    out.extend(it.as_bytes());
}

/// Appends a number: a byte up to 127, seven bits a byte beyond.
pub fn number(kind: u8, mut it: usize, out: &mut Vec<u8>) {
    out.push(kind);
    while it > 0x7f {
        out.push(u8::try_from(it & 0x7f).unwrap_or_default() | 0x80);
        it >>= 7;
    }
    out.push(u8::try_from(it).unwrap_or_default());
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
