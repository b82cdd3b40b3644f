//! Removing known secrets from texts that others wrote.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::needles::{Match, Needles, SHORTEST};
use super::{MASK, Masked, Sketch};
use crate::percent;
use crate::value::{Data, Value, go_json};

/// Knows secret values, and replaces them and their base64 forms in any text. Secrets shorter than four characters are
/// left alone: replacing every `1` of a message would hide the message, not the secret.
#[derive(Default)]
pub struct Redactor {
    needles: Needles,
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
        // A secret that many objects have is spelled once.
        texts.sort_unstable_by(|a, b| a.as_str().cmp(b));
        texts.dedup();
        Self::of_texts(texts.iter().map(|text| text.as_str()))
    }

    fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self { needles: Needles::new(texts.into_iter().flat_map(forms).collect()) }
    }

    /// The text without any known secret. Of secrets that overlap the longest goes first, so that one that holds another
    /// is replaced whole.
    pub fn redact(&self, text: &str) -> String {
        let mut matches: Vec<Match> = self.needles.matches(text).collect();
        matches.sort_unstable_by_key(|it| (Reverse(it.len()), it.needle, it.start));
        let mut masked: BTreeMap<usize, usize> = BTreeMap::new();
        for Match { start, end, .. } in matches {
            let overlaps = masked.range(..end).next_back().is_some_and(|(_, other)| *other > start);
            if !overlaps {
                masked.insert(start, end);
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        for (start, end) in masked {
            out.push_str(&text[rest..start]);
            out.push_str(MASK);
            rest = end;
        }
        out + &text[rest..]
    }

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
        self.needles.matches(text).next().is_some()
    }
}

/// Tells which of several secrets can be read in a text.
pub struct SecretFinder {
    needles: Needles,
    /// By needle, the secrets of which it is a form.
    secrets: Vec<Vec<usize>>,
}

impl SecretFinder {
    /// Of these values; what is masked in each of them is one secret.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut known: Vec<(usize, Zeroizing<String>)> = Vec::new();
        for (secret, value) in values.into_iter().enumerate() {
            let mut texts = Vec::new();
            collect(value, &mut texts);
            known.extend(texts.iter().flat_map(|text| forms(text)).map(|form| (secret, form)));
        }
        let needles = Needles::new(known.iter().map(|(_, form)| form.clone()).collect());
        let mut secrets = vec![Vec::new(); needles.len()];
        for (secret, form) in known {
            if let Some(needle) = needles.position(&form) {
                secrets[needle].push(secret);
            }
        }
        Self { needles, secrets }
    }

    /// The secrets that can be read in a text, by their places in what the finder was made of. A short form has to stand by
    /// itself: chance would find it in a checksum or in another word.
    pub fn read_in(&self, text: &str) -> BTreeSet<usize> {
        let joins = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
        let by_itself =
            |it: &Match| !joins(text[..it.start].chars().next_back()) && !joins(text[it.end..].chars().next());
        let counts = |it: &Match| it.len() >= SHORTEST * 2 || by_itself(it);
        let found = self.needles.matches(text).filter(counts);
        found.flat_map(|it| self.secrets[it.needle].iter().copied()).collect()
    }
}

/// The texts in which a secret may turn up. The data of a Secret is in base64, and turns up as what it encodes, too.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let plain = STANDARD.decode(secret.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let plain = plain.filter(|it| !it.contains(|c: char| c.is_control() && !c.is_whitespace())).map(Zeroizing::new);
    let plain = plain.iter().flat_map(|it| spellings(it));
    spellings(secret).into_iter().chain(plain).map(Zeroizing::new).collect()
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
    use proptest::prelude::*;

    use super::super::needles::work::SEARCHES;
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
        let secrets = ["beef", "abc", "swordfish", "beef"].map(|it| Value::from(it).masked());
        let finder = SecretFinder::of(&secrets);
        let read = |text: &str| finder.read_in(text).into_iter().collect::<Vec<_>>();
        for text in ["://app:beef@db", "beefy beef", "x=YmVlZg=="] {
            assert_eq!(read(text), [0, 3], "{text}");
        }
        for text in ["0123beef4567", "abc", ""] {
            assert!(read(text).is_empty(), "{text}");
        }
        assert_eq!(read("aswordfishes:beef"), [0, 2, 3]);
    }

    #[test]
    fn the_masked_leaves_of_a_value_are_known() {
        let value: Value = serde_json::from_str(r#"{"user": "flask", "pin": 123456, "deep": ["swordfish"]}"#).unwrap();
        let redactor = Redactor::of([&value.masked()]);
        assert_eq!(redactor.redact("flask 123456 swordfish x"), "(masked) (masked) (masked) x");
    }

    /// What redacting means: each known text is replaced wherever it is, the longest first; a mask is not looked into.
    fn replaced_one_by_one(secrets: &[String], text: &str) -> String {
        let mut forms: Vec<String> = secrets.iter().flat_map(|it| forms(it)).map(|it| it.to_string()).collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let mut parts = vec![text.to_owned()];
        for form in forms {
            parts = parts.iter().flat_map(|part| part.split(&form)).map(str::to_owned).collect();
        }
        parts.join(MASK)
    }

    /// Secrets that overlap, hold and begin each other, and texts in which their forms touch.
    fn secrets_and_text() -> impl Strategy<Value = (Vec<String>, String)> {
        let secret = prop_oneof!["[ab]{3,9}", "[abc\"/&]{4,14}", "[ab\n é]{4,20}", "(YWJhYmFi){1,2}"];
        let secrets = proptest::collection::vec(secret, 1..6);
        let part = (0..1000_usize, 0..40_usize, 0..40_usize, "[ab \"=Y]{0,4}");
        (secrets, proptest::collection::vec(part, 0..8)).prop_map(|(secrets, parts)| {
            let known: Vec<String> = secrets.iter().flat_map(|it| forms(it)).map(|it| it.to_string()).collect();
            let mut text = String::new();
            for (which, skipped, taken, between) in parts {
                let form = known.get(which % known.len().max(1)).map_or("abab", String::as_str);
                text.extend(form.chars().skip(skipped / 8).take(taken));
                text.push_str(&between);
            }
            (secrets, text)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

        #[test]
        fn all_secrets_at_once_are_replaced_as_one_by_one((secrets, text) in secrets_and_text()) {
            let masked: Vec<Masked<String>> = secrets.iter().cloned().map(Masked::new).collect();
            let redactor = Redactor::new(&masked);
            let expected = replaced_one_by_one(&secrets, &text);
            prop_assert_eq!(redactor.redact(&text), &*expected);
            prop_assert_eq!(redactor.finds(&text), expected != text);
        }

        #[test]
        fn a_secret_is_read_wherever_one_of_its_forms_is((secrets, text) in secrets_and_text()) {
            let joins = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
            let is_read = |form: &Zeroizing<String>| (0..text.len()).any(|at| {
                let rest = text.get(at..).and_then(|rest| rest.strip_prefix(form.as_str()));
                rest.is_some_and(|rest| {
                    form.len() >= 8 || (!joins(text[..at].chars().next_back()) && !joins(rest.chars().next()))
                })
            });
            let expected: BTreeSet<usize> =
                (0..secrets.len()).filter(|at| forms(&secrets[*at]).iter().any(is_read)).collect();
            let values: Vec<Value> = secrets.iter().map(|it| Value::from(it.as_str()).masked()).collect();
            prop_assert_eq!(SecretFinder::of(&values).read_in(&text), expected);
        }
    }

    /// A text is searched as often for many secrets as for few. Looking for one after the other would be a hundred times
    /// as often.
    #[test]
    fn searching_does_not_grow_with_the_secrets() {
        let text = "the server says: metadata.name: Invalid value: \"web-17\": must not be empty, password-7";
        let searches = |count: usize| {
            let secrets: Vec<_> = (0..count).map(|at| Masked::new(format!("password-{at}"))).collect();
            let redactor = Redactor::new(&secrets);
            SEARCHES.with(|it| it.set(0));
            assert!(redactor.redact(text).ends_with(", (masked)"));
            SEARCHES.with(std::cell::Cell::get)
        };
        let few = searches(50);
        let many = searches(5_000);
        assert!(many <= 2 * few + 20, "{few} searches for 50 secrets, {many} for 5,000");
    }

    #[test]
    fn a_secret_is_not_looked_for_in_a_mask() {
        let redactor = Redactor::new(&["hunter2", "masked"].map(|it| Masked::new(it.to_owned())));
        assert_eq!(redactor.redact("hunter2 masked"), "(masked) (masked)");
    }
}
