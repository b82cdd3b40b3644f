//! Values as they are shown. A comparison holds fingerprints where there were secrets.

use serde_json::Value as Json;

use super::escape::line;
use crate::diff::{After, Class, FieldChange};
use crate::value::Value;

/// Longer values are cut in texts; the YAML view has them whole.
const WIDEST: usize = 60;

/// The value as JSON. Values hold nothing that JSON cannot.
pub(super) fn json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// The value in few words: JSON without spaces, cut; `(none)` where there is none.
fn short(value: Option<&Value>) -> String {
    let Some(value) = value else { return "(none)".into() };
    let text = match value.as_str() {
        Some(secret) if secret.starts_with("(secret ") => line(secret),
        _ => line(&json(value).to_string()),
    };
    match text.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A field change on one line: `spec.replicas: drift 5 -> 3, by kubectl-edit (Update) at 2026-01-01T00:00:00Z`.
pub(super) fn change(change: &FieldChange) -> String {
    let [base, live] = [&change.base, &change.live].map(|side| short(side.as_ref()));
    let desired = match &change.desired {
        After::Server => "(the server decides)".to_owned(),
        After::Value(_) | After::Nothing => short(change.desired.value()),
    };
    let what = match &change.class {
        Class::Release => format!("release, {live} stays"),
        Class::Acquire => format!("acquire {live}"),
        Class::Met => format!("met {live}, applied was {base}"),
        Class::Conflict if change.base.is_some() => format!("conflict {live} -> {desired}, applied was {base}"),
        Class::Unknown(reason) | Class::Ignored(reason) => format!("{}, {}", change.class, line(reason)),
        class => format!("{class} {live} -> {desired}"),
    };
    let by: Vec<String> = change.writers.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {}", line(&by.join(", "))) };
    format!("{}: {what}{by}", line(&change.path.to_string()))
}
