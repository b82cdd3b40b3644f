//! A comparison as text: for each object what changes, as a unified difference of its YAML, and by whom.

use std::borrow::Cow;
use std::sync::Arc;

use similar::{ChangeTag, TextDiff};

use super::changes::is_server_field;
use super::places::position;
use super::{Class, FieldChange, Judged, ObjectComparison, Verdict};
use weft_base::value::{Data, Entry, Path, Step, Value};
use weft_base::yaml;

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// One line of the text view, without colour and line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What sort of line it is.
    pub kind: LineKind,
    /// The text, with its sign in front.
    pub text: String,
}

/// What sort of line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The object: `~`, `+`, `-` or `?`, its identity and its release.
    Header,
    /// Lines that were left out.
    Gap,
    /// An unchanged line.
    Context,
    /// A line that will be there.
    Added,
    /// A line that will be gone.
    Removed,
    /// A field with its class and who wrote it, or the reason why something is not known.
    Note,
}

/// The text view of an object: nothing for one that is unchanged. It prints what the comparison keeps, in which
/// secrets are fingerprints.
pub fn text(object: &ObjectComparison) -> Vec<Line> {
    let Some(header) = header(object) else { return Vec::new() };
    let mut lines = vec![header];
    let before = object.live.as_ref().map(|live| view(&live.body)).unwrap_or_default();
    match &object.verdict {
        Verdict::Leftover => lines.extend(hunks(&before, "")),
        Verdict::Create | Verdict::Update => {
            let after = object.after.as_ref().map(|after| view(after)).unwrap_or_default();
            lines.extend(hunks(&before, &after));
        }
        Verdict::Unchanged | Verdict::Gone | Verdict::Unknown(_) => {}
    }
    lines.extend(notes(object));
    lines
}

/// The comparison without the changes that rules ignore: in them its two states are the same.
pub fn without_ignored(object: &ObjectComparison) -> Cow<'_, ObjectComparison> {
    let is_ignored = |field: &&FieldChange| matches!(field.class, Class::Ignored(_));
    let mut ignored = object.fields.iter().filter(is_ignored).peekable();
    let (Some(live), Some(after), Some(_)) = (&object.live, &object.after, ignored.peek()) else {
        return Cow::Borrowed(object);
    };
    let mut after = Value::clone(after);
    ignored.for_each(|field| put_back(&mut after, &live.body, &field.path.0));
    let fields = object.fields.iter().filter(|field| !is_ignored(field)).cloned().collect();
    Cow::Owned(ObjectComparison { fields, after: Some(Arc::new(after)), ..object.clone() })
}

/// Gives a field the value that it has in `live`, or takes it away.
fn put_back(after: &mut Value, live: &Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else { return after.clone_from(live) };
    match (&mut after.data, step) {
        (Data::Map(map), Step::Field(key)) => match (map.get_mut(key), live.get(key)) {
            (Some(after), Some(live)) => put_back(after, live, rest),
            (None, Some(live)) => drop(map.insert(key.as_str(), live.clone())),
            (Some(_), None) => drop(map.remove(key)),
            (None, None) => {}
        },
        (Data::List(items), step) => {
            let theirs = live.as_list().and_then(|live| live.get(position(live, step, None)?));
            match (position(items, step, None), theirs) {
                (Some(at), Some(live)) => put_back(&mut items[at], live, rest),
                (None, Some(live)) => items.push(live.clone()),
                (Some(at), None) => drop(items.remove(at)),
                (None, None) => {}
            }
        }
        _ => {}
    }
}

fn header(object: &ObjectComparison) -> Option<Line> {
    let sign = match object.verdict {
        Verdict::Create => '+',
        Verdict::Update => '~',
        Verdict::Leftover => '-',
        Verdict::Unknown(_) => '?',
        Verdict::Unchanged | Verdict::Gone => return None,
    };
    Some(Line { kind: LineKind::Header, text: format!("{sign} {} (release {})", object.id, object.release) })
}

/// The YAML of an object without what the server keeps for itself.
fn view(body: &Value) -> String {
    let strip = |value: &Value, path: &Path, kept: &[&str]| match &value.data {
        Data::Map(map) => {
            let shown = |entry: &&Entry| kept.contains(&entry.key.as_str()) || !is_server_field(path, &entry.key);
            Value::from(Data::Map(map.iter().filter(shown).cloned().collect()))
        }
        _ => value.clone(),
    };
    let mut object = strip(body, &Path::root(), &["apiVersion", "kind"]);
    if let Some(metadata) = object.as_map_mut().and_then(|map| map.get_mut("metadata")) {
        *metadata = strip(metadata, &Path::of_fields(["metadata"]), &[]);
    }
    yaml::write(&object)
}

fn hunks(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if at > 0 {
            lines.push(Line { kind: LineKind::Gap, text: "  ...".into() });
        }
        lines.extend(group.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let (kind, sign) = match change.tag() {
                ChangeTag::Equal => (LineKind::Context, ' '),
                ChangeTag::Insert => (LineKind::Added, '+'),
                ChangeTag::Delete => (LineKind::Removed, '-'),
            };
            Line { kind, text: format!("{sign} {}", change.value().trim_end_matches('\n')) }
        }));
    }
    lines
}

/// Why fields differ, where it is not simply that the repository changed; and how the verdict was found, where it was
/// not the server that said it.
fn notes(object: &ObjectComparison) -> Vec<Line> {
    let note = |text: String| Line { kind: LineKind::Note, text: format!("# {text}") };
    let mut lines = Vec::new();
    if let Verdict::Unknown(why) = &object.verdict {
        lines.push(note(format!("could not tell: {why}")));
    }
    if let Judged::Predicted(reason) = &object.judged {
        lines.push(note(format!("predicted, since {reason}")));
    }
    if let Judged::Refused(message) = &object.judged {
        lines.push(note(format!("the server refuses it: {message}")));
    }
    lines.extend(object.fields.iter().filter(|field| field.class != Class::Pending).map(|field| note(tell(field))));
    lines
}

/// `drift: spec.replicas, written by kubectl-edit (Update) at 2026-01-01T00:00:00Z`.
fn tell(field: &FieldChange) -> String {
    let class = &field.class;
    let path = &field.path;
    match class {
        Class::Ignored(why) | Class::Unknown(why) => format!("{class}: {path}: {why}{}", by(field)),
        _ => format!("{class}: {path}{}", by(field)),
    }
}

/// Who wrote a field. Nobody owns a field that is gone, so of that one it is only known who wrote the object later.
fn by(field: &FieldChange) -> String {
    let writers = field.writers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let removed = field.live.is_none() && field.base.is_some() && field.class != Class::Acquire;
    match (removed, writers.is_empty()) {
        (true, true) => ", removed by somebody who left no trace".to_owned(),
        (true, false) => format!(", removed, perhaps by {writers}"),
        (false, true) => String::new(),
        (false, false) => format!(", written by {writers}"),
    }
}
