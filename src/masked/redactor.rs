//! Removing known secrets from texts that others wrote.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{MASK, Masked, Sketch};
use crate::value::{Data, Value};

/// Secrets shorter than this are left alone: replacing every `1` of a message would hide the message, not the secret.
const SHORTEST: usize = 4;

/// Knows secret values, and replaces them and their base64 forms in any text.
#[derive(Default)]
pub struct Redactor {
    /// Longest first, so that a secret that holds another is replaced whole.
    needles: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// A redactor of these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Masked<String>>) -> Self {
        Self::of_texts(secrets.into_iter().map(|secret| secret.0.as_str()))
    }

    /// A redactor of all masked leaves of these values.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut texts = Vec::new();
        values.into_iter().for_each(|value| collect(value, &mut texts));
        Self::of_texts(texts.iter().map(|text| text.as_str()))
    }

    fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<_> = texts.into_iter().flat_map(forms).map(Zeroizing::new).collect();
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles }
    }

    /// The text without any known secret.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for needle in self.needles.iter().filter(|n| !n.is_empty()) {
            if out.contains(needle.as_str()) {
                out = out.replace(needle.as_str(), MASK);
            }
        }
        out
    }
}

impl Redactor {
    /// Takes all known secrets out of the texts of a value that others wrote.
    pub fn redact_value(&self, value: &mut Value) {
        match &mut value.data {
            // The words of a sketch are ours: a secret that happens to be one of them would show itself by its mask.
            Data::Text(text) if self.finds(text) && !Sketch::is_one(text) => *text = self.redact(text),
            Data::List(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Data::Map(map) => map.iter_mut().for_each(|entry| self.redact_value(&mut entry.value)),
            _ => {}
        }
    }

    fn finds(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| text.contains(needle.as_str()))
    }
}

/// The texts in which a secret may turn up: as it is, quoted, line by line, in base64, and out of it.
fn forms(secret: &str) -> Vec<String> {
    let text = secret.trim();
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let encoded = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].map(|base| base.encode(secret));
    // The data of a Secret is in base64, and turns up as what it encodes.
    let plain = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let plain = plain.filter(|it| it.trim().len() >= SHORTEST && !it.contains(|c: char| c.is_control() && c != '\n'));
    let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST * 2).map(str::to_owned);
    let quoted = format!("{text:?}").trim_matches('"').to_owned();
    lines.chain([text.to_owned(), quoted]).chain(encoded).chain(plain).collect()
}

fn collect(value: &Value, texts: &mut Vec<Zeroizing<String>>) {
    match &value.data {
        Data::Masked(leaf) => match leaf.expose() {
            Data::Text(text) => texts.push(Zeroizing::new(text.clone())),
            other => texts.push(Zeroizing::new(format!("{other:?}"))),
        },
        Data::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Data::Map(map) => map.iter().for_each(|entry| collect(&entry.value, texts)),
        _ => {}
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor of {} texts", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_removed_plain_and_in_base64() {
        let redactor = Redactor::new([&Masked::new("hunter2".to_owned())]);
        let said = "spec.env: Invalid value: \"hunter2\" (aHVudGVyMg==)";
        assert_eq!(redactor.redact(said), "spec.env: Invalid value: \"(masked)\" ((masked))");
    }

    #[test]
    fn the_masked_leaves_of_a_value_are_known() {
        let value: Value = serde_json::from_str(r#"{"user": "flask", "pin": 123456, "deep": ["swordfish"]}"#).unwrap();
        let redactor = Redactor::of([&value.masked()]);
        assert_eq!(redactor.redact("flask 123456 swordfish x"), "(masked) (masked) (masked) x");
    }
}
