//! The suffix of a generated resource's name: a hash of its content, as `kubectl` and kustomize compute it.

use sha2::{Digest, Sha256};

use super::resource::Resource;
use weft_base::value::{Value, go_json};

/// The hash of a ConfigMap's or Secret's kind and data, or of any other resource as a whole. The name counts as empty.
///
/// What came from encrypted files counts as it is encrypted: a hash of the content would tell a content that can be
/// guessed. Everything else counts as it does in kustomize.
pub fn suffix(resource: &Resource) -> String {
    let text = |key: &str| json(&resource.text(&[key]).into());
    let map = |key: &str| resource.body.get(key).filter(|it| it.as_map().is_some()).map(json);
    let data = map("data").unwrap_or_else(|| "\"\"".to_owned());
    let encoded = match resource.text(&["kind"]).as_str() {
        "ConfigMap" => {
            let binary = map("binaryData").map(|it| format!("\"binaryData\":{it},")).unwrap_or_default();
            format!("{{{binary}\"data\":{data},\"kind\":\"ConfigMap\",\"name\":\"\"}}")
        }
        "Secret" => {
            let strings = map("stringData").map(|it| format!(",\"stringData\":{it}")).unwrap_or_default();
            let kind = text("type");
            format!("{{\"data\":{data},\"kind\":\"Secret\",\"name\":\"\"{strings},\"type\":{kind}}}")
        }
        _ => json(&resource.body),
    };
    readable(&resource.sealed.iter().fold(encoded, |text, digest| text + digest))
}

/// The first ten digits of a hash, without those that make words.
fn readable(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(10);
    let letters = b"gh2k456789mbcdtf";
    digits.map(|digit| char::from(letters[usize::from(digit)])).collect()
}

/// JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped.
fn json(value: &Value) -> String {
    let sorted: std::collections::BTreeMap<_, _> = match value.as_map() {
        Some(map) => map.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect(),
        None => return go_json(&serde_json::to_string(value).unwrap_or_default()),
    };
    go_json(&serde_json::to_string(&sorted).unwrap_or_default())
}
