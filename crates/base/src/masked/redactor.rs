//! Removing known secrets from texts that others wrote.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::{MASK, Masked, Sketch};
use crate::percent;
use crate::value::{Data, Value, go_json};

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

    /// Whether one of the secrets can be read in a text. A short form has to stand by itself: chance would find it in a
    /// checksum or in another word.
    pub fn reads_in(&self, text: &str) -> bool {
        let by_itself = |at: usize, length: usize| {
            let joins = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
            !joins(text[..at].chars().next_back()) && !joins(text[at + length..].chars().next())
        };
        let found = |needle: &str| {
            if needle.len() > text.len() {
                return false;
            }
            let mut places = text.match_indices(needle).map(|(at, _)| at);
            places.any(|at| needle.len() >= SHORTEST * 2 || by_itself(at, needle.len()))
        };
        self.needles.iter().any(|needle| found(needle))
    }

    fn finds(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| text.contains(needle.as_str()))
    }
}

/// The texts in which a secret may turn up. The data of a Secret is in base64, and turns up as what it encodes, too.
fn forms(secret: &str) -> Vec<String> {
    let plain = STANDARD.decode(secret.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let plain = plain.filter(|it| !it.contains(|c: char| c.is_control() && !c.is_whitespace())).map(Zeroizing::new);
    let plain = plain.iter().flat_map(|it| spellings(it));
    spellings(secret).into_iter().chain(plain).collect()
}

/// A text as it is, line by line, quoted, in base64, in hexadecimal, and as in an address.
fn spellings(secret: &str) -> Vec<String> {
    let text = secret.trim();
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST * 2);
    let lines = lines.flat_map(|line| quoted(line).into_iter().chain([line.to_owned()]));
    let encoded = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].map(|base| base.encode(secret));
    let inner = [&STANDARD, &URL_SAFE].into_iter().flat_map(|base| (0..3).map(|place| inner(base, text, place)));
    let inner = inner.filter(|it| it.len() >= SHORTEST * 2);
    let hex = HEXLOWER.encode(secret.as_bytes());
    let spelled = [text.to_owned(), hex.to_uppercase(), hex];
    lines.chain(spelled).chain(quoted(text)).chain(escaped(text)).chain(encoded).chain(inner).collect()
}

/// As Rust and Go quote a text, as JSON does, and as Go writes JSON.
fn quoted(text: &str) -> [String; 3] {
    let json = serde_json::to_string(text).unwrap_or_default();
    let of_go = go_json(&json);
    [format!("{text:?}"), json, of_go].map(|it| it.get(1..it.len().saturating_sub(1)).unwrap_or_default().to_owned())
}

/// As in the path and in the query of an address.
fn escaped(text: &str) -> [String; 2] {
    let path = percent::part(text);
    [path.replace("%20", "+"), path]
}

/// What base64 of a longer text has of this one, which begins at this place of a group of three bytes there.
fn inner(base: &GeneralPurpose, text: &str, place: usize) -> String {
    let encoded = Zeroizing::new(base.encode([&[0; 2][..place], text.as_bytes()].concat()));
    let start = [0, 2, 3][place];
    let end = encoded.trim_end_matches('=').len() - usize::from(!(place + text.len()).is_multiple_of(3));
    encoded.get(start..end).unwrap_or_default().to_owned()
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
    fn a_secret_is_removed_however_it_is_spelled() {
        let secret = "p<&> \"w\"\nsecond line/é";
        let redactor = Redactor::new([&Masked::new(secret.to_owned())]);
        let json = serde_json::to_string(secret).unwrap();
        let mut said = vec![json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"), json];
        said.extend([
            "p%3C%26%3E%20%22w%22%0Asecond%20line%2F%C3%A9".into(),
            "p%3C%26%3E+%22w%22%0Asecond+line%2F%C3%A9".into(),
        ]);
        said.extend(["", "a", "ab"].map(|before| STANDARD.encode(format!("{before}{secret} and more"))));
        said.push("703c263e202277220a7365636f6e64206c696e652fc3a9".into());
        said.push("second line/é\np<&> \"w\"".into());
        for text in said {
            let left = redactor.redact(&text);
            assert!(left.contains(MASK) && !left.contains("econd"), "{text}: {left}");
        }
        assert!(!redactor.redact(&STANDARD.encode(format!("ab{secret}"))).contains("NlY29uZ"), "at the end of a text");
    }

    #[test]
    fn a_short_secret_is_read_where_it_stands_by_itself() {
        let redactor = Redactor::new([&Masked::new("beef".to_owned()), &Masked::new("abc".to_owned())]);
        assert!(
            redactor.reads_in("://app:beef@db") && redactor.reads_in("beefy beef") && redactor.reads_in("x=YmVlZg==")
        );
        assert!(!redactor.reads_in("0123beef4567") && !redactor.reads_in("abc") && !redactor.reads_in(""));
    }

    #[test]
    fn the_masked_leaves_of_a_value_are_known() {
        let value: Value = serde_json::from_str(r#"{"user": "flask", "pin": 123456, "deep": ["swordfish"]}"#).unwrap();
        let redactor = Redactor::of([&value.masked()]);
        assert_eq!(redactor.redact("flask 123456 swordfish x"), "(masked) (masked) (masked) x");
    }
}
