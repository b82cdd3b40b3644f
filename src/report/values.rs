//! Values as they are shown: secrets as fingerprints.

use serde_json::Value as Json;

use crate::diff::{Class, FieldChange};
use crate::masked::FingerprintKey;
use crate::value::{Data, Entry, Value};

/// Longer values are cut in texts; the YAML view has them whole.
const WIDEST: usize = 60;

/// The value with each of its secrets replaced by its fingerprint.
pub(super) fn shown(value: &Value, key: &FingerprintKey) -> Value {
    let data = match &value.data {
        Data::List(items) => Data::List(items.iter().map(|item| shown(item, key)).collect()),
        Data::Map(map) => {
            let entry = |e: &Entry| Entry { key: e.key.clone(), mark: e.mark, value: shown(&e.value, key) };
            Data::Map(map.iter().map(entry).collect())
        }
        leaf => value.fingerprint(key).map_or_else(|| leaf.clone(), |it| Data::Text(it.to_string())),
    };
    Value { data, origin: value.origin.clone() }
}

/// The value as JSON. Numbers that JSON cannot hold do not occur in values.
pub(super) fn json(value: &Value, key: &FingerprintKey) -> Json {
    serde_json::to_value(shown(value, key)).unwrap_or(Json::Null)
}

/// The value in few words: JSON without spaces, cut; `(none)` where there is none.
fn short(value: Option<&Value>, key: &FingerprintKey) -> String {
    let Some(value) = value else { return "(none)".into() };
    let text = match value.fingerprint(key) {
        Some(fingerprint) => fingerprint.to_string(),
        None => super::escape::line(&json(value, key).to_string()),
    };
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A field change on one line: `spec.replicas: drift 5 -> 3, by kubectl-edit (Update) at 2026-01-01T00:00:00Z`.
pub(super) fn change(change: &FieldChange, key: &FingerprintKey) -> String {
    let [base, live, desired] = [&change.base, &change.live, &change.desired].map(|side| short(side.as_ref(), key));
    let what = match &change.class {
        Class::Release => format!("release, {live} stays"),
        Class::Acquire => format!("acquire {live}"),
        Class::Conflict if change.base.is_some() => format!("conflict {live} -> {desired}, applied was {base}"),
        Class::Unknown(reason) | Class::Ignored(reason) => format!("{}, {}", change.class, super::escape::line(reason)),
        class => format!("{class} {live} -> {desired}"),
    };
    let by: Vec<String> = change.writers.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {}", super::escape::line(&by.join(", "))) };
    format!("{}: {what}{by}", super::escape::line(&change.path.to_string()))
}
