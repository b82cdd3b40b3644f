//! The data of Secrets: `stringData` folded into `data`, one spelling of base64, everything masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::place::Source;
use super::{ManifestError, ObjectId};
use weft_base::value::{Data, Entry, Map, Path, Value};

/// Folds `stringData` into `data` as a server would do, but before it is applied: a server owns `stringData` as a
/// field of its own, and so would never remove a key that left it.
pub fn fold(body: &mut Map, id: &ObjectId, source: Source) -> Result<(), ManifestError> {
    let odd = |field: &str, entry: &Entry, problem: String| ManifestError::SecretData {
        id: id.clone().into(),
        field: Path::of_fields([field, &entry.key]),
        problem,
        origin: source.origin(entry.mark),
    };
    let mut data = Map::new();
    for entry in entries(body, "data") {
        let encoded = recode(&entry.value).map_err(|problem| odd("data", &entry, problem))?;
        data.insert_entry(Entry { value: encoded, ..entry });
    }
    for entry in entries(body, "stringData") {
        let encoded = encode(&entry.value).map_err(|problem| odd("stringData", &entry, problem))?;
        data.insert_entry(Entry { value: encoded, ..entry });
    }
    let place = body.entry("data").or_else(|| body.entry("stringData")).map(|e| (e.mark, e.value.origin.clone()));
    if let Some((mark, origin)) = place.filter(|_| !data.is_empty()) {
        body.insert_entry(Entry { key: "data".into(), mark, value: Value::from(data).at(origin) });
    }
    body.remove("stringData");
    Ok(())
}

fn entries(body: &Map, key: &str) -> Vec<Entry> {
    body.get(key).and_then(Value::as_map).map(|map| map.iter().cloned().collect()).unwrap_or_default()
}

/// The text of a leaf, masked or not; null is empty text.
fn text(value: &Value) -> Result<Zeroizing<String>, String> {
    let data = match &value.data {
        Data::Masked(it) => it.expose(),
        data => data,
    };
    match data {
        Data::Text(text) => Ok(Zeroizing::new(text.clone())),
        Data::Null => Ok(Zeroizing::default()),
        _ => Err(format!("of kind `{}`, not text", Value::from(data.clone()).kind())),
    }
}

fn encode(value: &Value) -> Result<Value, String> {
    Ok(Value::from(STANDARD.encode(text(value)?.as_bytes())).at(value.origin.clone()).masked())
}

/// Reads base64 as Go does, who skips line breaks, and writes it again.
fn recode(value: &Value) -> Result<Value, String> {
    let compact: Zeroizing<String> =
        Zeroizing::new(text(value)?.chars().filter(|c| !matches!(c, '\r' | '\n')).collect());
    let bytes = STANDARD.decode(compact.as_bytes()).map_err(|_| "not in base64".to_owned())?;
    let bytes = Zeroizing::new(bytes);
    Ok(Value::from(STANDARD.encode(bytes.as_slice())).at(value.origin.clone()).masked())
}
