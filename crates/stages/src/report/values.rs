//! Formats values and field changes. A comparison has sketches in place of secrets.

use serde_json::Value as Json;

use super::escape::line;
use crate::diff::{After, Class, FieldChange, brief};
use weft_base::value::Value;

/// Longer values are cut in texts; the YAML view has them whole.
const WIDEST: usize = 60;

/// The value as JSON. Values hold nothing that JSON cannot; a secret stands as its mask.
pub fn json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// The value on one line: JSON without spaces, or `(none)`.
pub(super) fn whole(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), |value| line(&brief(value, usize::MAX)))
}

/// The same, cut.
fn short(value: Option<&Value>) -> String {
    cut(&whole(value), WIDEST)
}

/// What will be there after an apply.
pub(super) fn after(change: &FieldChange) -> String {
    match &change.desired {
        After::Server => "(the server decides)".to_owned(),
        After::Value(_) | After::Nothing => whole(change.desired.value()),
    }
}

/// Cuts a text to a number of characters; the last one is an ellipsis if some are left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The two parts of an object's changes, and what rules say not to show.
#[derive(Default)]
pub(super) struct ChangeParts<'a> {
    /// What others changed since the last apply.
    pub since: Vec<&'a FieldChange>,
    /// What an apply would change.
    pub next: Vec<&'a FieldChange>,
    /// What rules ignore.
    pub ignored: Vec<&'a FieldChange>,
}

impl<'a> ChangeParts<'a> {
    /// The parts of all changes; a field that others changed and an apply would put back is in both.
    pub fn from_fields(fields: impl IntoIterator<Item = &'a FieldChange>) -> Self {
        let mut parts = Self::default();
        for change in fields {
            if let Class::Ignored(_) = change.class {
                parts.ignored.push(change);
                continue;
            }
            if change.drifted {
                parts.since.push(change);
            }
            if change.class != Class::Met {
                parts.next.push(change);
            }
        }
        parts
    }

    /// Each part that has anything, with its heading and a line for each change.
    pub fn lines(&self) -> Vec<(&'static str, Vec<String>)> {
        let lines = |part: &[&FieldChange], tell: fn(&FieldChange) -> String| part.iter().map(|it| tell(it)).collect();
        let parts = [
            ("changed since the last apply", lines(&self.since, since)),
            ("about to change", lines(&self.next, next)),
            ("ignored", lines(&self.ignored, ignored)),
        ];
        parts.into_iter().filter(|(_, lines): &(_, Vec<String>)| !lines.is_empty()).collect()
    }
}

/// `spec.replicas: drift 3 -> 5, by kubectl-edit (Update) at 2026-01-01T00:00:00Z`.
fn since(change: &FieldChange) -> String {
    let base = short(change.base.as_ref());
    let live = short(change.live.as_ref());
    format!("{}: {} {base} -> {live}{}", path(change), change.class, by(change))
}

/// `spec.image: pending "app:1" -> "app:2"`. Who wrote what others changed stands in the other part.
fn next(change: &FieldChange) -> String {
    let live = short(change.live.as_ref());
    let desired = cut(&after(change), WIDEST);
    let what = match &change.class {
        Class::Release => format!("release, {live} stays"),
        Class::Acquire => format!("acquire {live}"),
        Class::Unknown(reason) => format!("unknown, {}", line(reason)),
        class => format!("{class} {live} -> {desired}"),
    };
    let by = if change.drifted { String::new() } else { by(change) };
    format!("{}: {what}{by}", path(change))
}

/// `spec.replicas: 5 -> 3 (an HPA scales it)`.
fn ignored(change: &FieldChange) -> String {
    let stays = change.live.as_ref() == change.desired.value();
    let base = short(change.base.as_ref());
    let live = short(change.live.as_ref());
    let after = cut(&after(change), WIDEST);
    let (from, to) = if stays { (base, live) } else { (live, after) };
    format!("{}: {from} -> {to} ({}){}", path(change), line(&reason(change)), by(change))
}

/// Why a field is ignored or unknown; empty for all others.
pub(super) fn reason(change: &FieldChange) -> String {
    match &change.class {
        Class::Ignored(reason) | Class::Unknown(reason) => reason.clone(),
        _ => String::new(),
    }
}

/// The path, escaped.
pub(super) fn path(change: &FieldChange) -> String {
    line(&change.path.to_string())
}

/// Who wrote the field: `, by kubectl-edit (Update)`. Of a field that is gone nobody knows for sure.
fn by(change: &FieldChange) -> String {
    let perhaps = if removed(change) { "perhaps " } else { "" };
    match writers(change) {
        nobody if nobody.is_empty() => String::new(),
        writers => format!(", {perhaps}by {writers}"),
    }
}

/// Those who wrote the field, escaped; empty if nobody else did.
pub(super) fn writers(change: &FieldChange) -> String {
    line(&change.writers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// Whether others removed the field.
fn removed(change: &FieldChange) -> bool {
    change.live.is_none() && change.base.is_some() && change.drifted
}
