//! The changes of an object as lines of YAML, with a few lines around them.

use similar::{ChangeTag, TextDiff};

use super::values;
use crate::diff::ObjectComparison;
use crate::masked::FingerprintKey;
use crate::value::Value;
use crate::yaml;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// What the server writes, and nobody wants to read in a difference.
const SERVER_FIELDS: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// What a line of the view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The same before and after.
    Same,
    /// Only before.
    Removed,
    /// Only after.
    Added,
    /// Lines are left out here.
    Gap,
}

/// One line of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sign: Sign,
    pub(super) text: String,
}

impl Sign {
    /// The character before the line.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Same => " ",
            Self::Removed => "-",
            Self::Added => "+",
            Self::Gap => "…",
        }
    }
}

/// The lines of what the server has and of what an apply would make of it.
pub(super) fn lines(object: &ObjectComparison, key: &FingerprintKey) -> Vec<Line> {
    let before = object.live.as_ref().map(|live| &live.body);
    let after = match (&object.after, &object.desired) {
        (Some(after), _) => Some(after.as_ref()),
        (None, Some(desired)) if before.is_none() => Some(&desired.body),
        (None, Some(_)) => return Vec::new(),
        (None, None) => None,
    };
    let [before, after] = [before, after].map(|side| side.map(|body| text(body, key)).unwrap_or_default());
    let diff = TextDiff::from_lines(&before, &after);
    let groups = diff.grouped_ops(CONTEXT);
    let mut lines = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        if at > 0 {
            lines.push(Line { sign: Sign::Gap, text: String::new() });
        }
        lines.extend(group.iter().flat_map(|op| diff.iter_changes(op)).map(|change| Line {
            sign: match change.tag() {
                ChangeTag::Equal => Sign::Same,
                ChangeTag::Delete => Sign::Removed,
                ChangeTag::Insert => Sign::Added,
            },
            text: super::escape::line(change.value().trim_end_matches('\n')),
        }));
    }
    lines
}

fn text(body: &Value, key: &FingerprintKey) -> String {
    let mut body = values::shown(body, key);
    if let Some(map) = body.as_map_mut() {
        map.remove("status");
        if let Some(meta) = map.get_mut("metadata").and_then(Value::as_map_mut) {
            meta.retain(|entry| !SERVER_FIELDS.contains(&entry.key.as_str()));
        }
    }
    yaml::write(&body)
}
