//! What changed between a saved plan and now, by object and field.

use std::fmt;
use std::sync::Arc;

use super::Proof;
use crate::diff::{self, Class, FieldChange, Judged, ObjectComparison, Verdict, Writer, shown};
use crate::manifest::ObjectId;
use crate::plan::{Action, Step};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Data, Path, Value};
use weft_schema::fields::FieldSet;

/// An object that changed since the plan was made.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanMismatch {
    pub id: ObjectId,
    pub release: Arc<str>,
    /// What happened.
    pub cause: MismatchCause,
    /// Its fields that moved, as far as they are known. Secrets in their values are replaced by their sketches.
    pub fields: Vec<FieldMismatch>,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MismatchCause {
    /// The repository renders it differently.
    Rendered,
    /// The repository has it now, and had not.
    Added,
    /// The repository has it no more.
    Removed,
    /// It is gone from the cluster.
    Gone,
    /// It is in the cluster now, and was not.
    Appeared,
    /// It was recreated: the two UIDs.
    Replaced(String, String),
    /// Another run applied it.
    Applied,
    /// Somebody changed what the plan owns or would touch.
    Changed,
    /// No inventory holds it any more.
    Dropped,
    /// Something else would be done with it: what the plan says, and what would be done now.
    Judged(String, String),
}

/// A field that changed since the plan was made.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldMismatch {
    pub path: Path,
    /// What was there.
    pub was: Option<Value>,
    /// What is there now.
    pub is: Option<Value>,
    /// Who else wrote it, the newest first.
    pub by: Vec<Writer>,
}

/// A step with what it was judged by.
#[derive(Clone, Copy)]
pub(super) struct ProvenStep<'p> {
    pub(super) step: &'p Step,
    pub(super) proof: &'p Proof,
}

impl PlanMismatch {
    /// An object without fields.
    pub fn new(step: &Step, cause: MismatchCause) -> Self {
        let object = &step.object;
        Self { id: object.id.clone(), release: Arc::clone(&object.release), cause, fields: Vec::new() }
    }

    /// An object that the repository renders differently.
    pub fn rendered(before: &Step, now: &Step, key: &FingerprintKey) -> Self {
        let body = |step: &Step| step.sent().map(|it| shown(&it.body, key)).filter(|it| !it.is_null());
        let mut fields = Vec::new();
        if let (Some(was), Some(is)) = (body(before), body(now)) {
            differing(Some(&was), Some(&is), &Path::root(), &mut fields);
        }
        Self { fields, ..Self::new(now, MismatchCause::Rendered) }
    }

    /// An object whose live state differs from the one that it was judged by; `None` if it does not.
    pub(super) fn live(before: ProvenStep<'_>, now: ProvenStep<'_>) -> Option<Self> {
        let other_record = before.proof.remembered != now.proof.remembered;
        let cause = cause(&before.step.object, &now.step.object, other_record);
        let same = same_deed(before.step, now.step) && digest(before.proof) == digest(now.proof);
        let fields = fields(before, now.step);
        let cause = match cause {
            Some(cause) => cause,
            None if same => return None,
            None if fields.is_empty() => MismatchCause::Judged(deed(&before.step.action), deed(&now.step.action)),
            None => MismatchCause::Changed,
        };
        Some(Self { fields, ..Self::new(now.step, cause) })
    }
}

fn digest(proof: &Proof) -> Option<&String> {
    proof.seen.as_ref().map(|it| &it.digest)
}

/// What happened to the whole object, if it is that.
fn cause(before: &ObjectComparison, now: &ObjectComparison, other_record: bool) -> Option<MismatchCause> {
    let uid = |it: &ObjectComparison| {
        let uid = it.live.as_ref()?.body.dig(&["metadata", "uid"])?.as_str()?;
        Some(uid.to_owned())
    };
    let is_absent = matches!(now.verdict, Verdict::Create | Verdict::Gone);
    match (uid(before), uid(now)) {
        (Some(_), None) if is_absent => return Some(MismatchCause::Gone),
        (Some(was), Some(is)) if was != is => return Some(MismatchCause::Replaced(was, is)),
        _ => {}
    }
    // A dry run that finds nothing to do also leaves a record, without an apply.
    let recorded_now = now.verdict == Verdict::Unchanged && matches!(now.judged, Judged::DryRun);
    let appeared = before.verdict == Verdict::Create && !is_absent;
    if other_record && !recorded_now {
        Some(MismatchCause::Applied)
    } else if appeared {
        Some(MismatchCause::Appeared)
    } else {
        None
    }
}

/// Whether the same would be done, for the same changes of fields, of which the same others own some.
fn same_deed(before: &Step, now: &Step) -> bool {
    let a = counted(before);
    let b = counted(now);
    let adopts = |step: &Step| step.object.adopts.as_ref().map(ToString::to_string);
    before.action == now.action
        && adopts(before) == adopts(now)
        && a.len() == b.len()
        && a.iter().zip(&b).all(|(a, b)| same_change(a, b))
}

fn same_change(a: &FieldChange, b: &FieldChange) -> bool {
    let same_writers = a.writers.len() == b.writers.len() && a.writers.iter().zip(&b.writers).all(|(a, b)| a.is(b));
    (&a.path, &a.class, &a.live, &a.desired) == (&b.path, &b.class, &b.live, &b.desired) && same_writers
}

/// The changes that rules do not ignore.
fn counted(step: &Step) -> Vec<&FieldChange> {
    step.object.fields.iter().filter(|change| !matches!(change.class, Class::Ignored(_))).collect()
}

fn deed(action: &Action) -> String {
    let reason = action.reason().map(|it| format!(": {it}")).unwrap_or_default();
    format!("{action}{reason}")
}

/// The fields that the plan owned or would touch, and those that would be touched now, as far as they moved.
fn fields(before: ProvenStep<'_>, now: &Step) -> Vec<FieldMismatch> {
    let ProvenStep { step: before, proof } = before;
    let owned = proof.seen.iter().filter_map(|seen| seen.owned.set().ok()).flat_map(FieldSet::leaves);
    let touched = counted(before).into_iter().chain(counted(now)).map(|change| change.path.clone());
    let mut moved: Vec<FieldMismatch> = Vec::new();
    for path in touched.chain(owned) {
        if moved.iter().any(|it| it.path.is_prefix_of(&path)) {
            continue;
        }
        let was = value(before, &path);
        let is = value_now(before, now, &path);
        let change = counted(now).into_iter().find(|it| it.path == path);
        let former = counted(before).into_iter().find(|it| it.path == path);
        let by = match (change, &now.object.live) {
            (Some(change), _) => change.writers.clone(),
            (None, Some(live)) => diff::writers(live, &path),
            (None, None) => Vec::new(),
        };
        let writers = former.zip(change).is_some_and(|(a, b)| !same_change(a, b));
        if was != is || writers {
            moved.push(FieldMismatch { path, was, is, by });
        }
    }
    moved
}

/// What a comparison says that is there.
fn value(step: &Step, path: &Path) -> Option<Value> {
    let change = step.object.fields.iter().find(|change| change.path == *path);
    let kept = || step.object.live.as_ref().and_then(|live| path.resolve(&live.body)).cloned();
    change.map_or_else(kept, |change| change.live.clone())
}

/// What is there now. Of an object that is as it should be only that is known: its fields are what the plan wanted.
fn value_now(before: &Step, now: &Step, path: &Path) -> Option<Value> {
    let wanted = before.object.fields.iter().find(|change| change.path == *path);
    match (&now.object.live, wanted) {
        (None, Some(change)) if now.object.verdict == Verdict::Unchanged => change.desired.value().cloned(),
        (None, None) if now.object.verdict == Verdict::Unchanged => value(before, path),
        _ => value(now, path),
    }
}

/// The places where two bodies differ; a list is one place.
fn differing(was: Option<&Value>, is: Option<&Value>, path: &Path, found: &mut Vec<FieldMismatch>) {
    if was == is {
        return;
    }
    if let (Some(Data::Map(a)), Some(Data::Map(b))) = (was.map(|it| &it.data), is.map(|it| &it.data)) {
        let added = b.iter().filter(|entry| a.get(&entry.key).is_none());
        let keys = a.iter().chain(added).map(|entry| &entry.key);
        keys.for_each(|key| differing(a.get(key), b.get(key), &path.field(key), found));
        return;
    }
    found.push(FieldMismatch { path: path.clone(), was: was.cloned(), is: is.cloned(), by: Vec::new() });
}

impl fmt::Display for PlanMismatch {
    /// The object with what happened to it, and a line for each field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of the release `{}`: {}", self.id, self.release, self.cause)?;
        self.fields.iter().try_for_each(|field| write!(f, "\n    {field}"))
    }
}

impl fmt::Display for MismatchCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rendered => f.write_str("the repository writes it otherwise"),
            Self::Added => f.write_str("the repository has it now, and had not"),
            Self::Removed => f.write_str("the repository has it no more"),
            Self::Gone => f.write_str("it is gone"),
            Self::Appeared => f.write_str("it is there now, and was not"),
            Self::Replaced(was, is) => write!(f, "it was deleted and made again (UID {was}, now {is})"),
            Self::Applied => f.write_str("another run has applied it"),
            Self::Dropped => f.write_str("another run has settled it"),
            Self::Changed => f.write_str("it was changed"),
            Self::Judged(was, is) => write!(f, "the plan says {was}, and now it would be {is}"),
        }
    }
}

impl fmt::Display for FieldMismatch {
    /// `data.greeting: was "Hello", is "Hacked", by kubectl-edit (Update) at 2026-01-01T00:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), |it| format!("{it:?}"));
        let by: Vec<String> = self.by.iter().map(ToString::to_string).collect();
        match by.join(", ") {
            by if self.was == self.is && by.is_empty() => write!(f, "{}: now by nobody else", self.path),
            by if self.was == self.is => write!(f, "{}: now by {by}", self.path),
            by => {
                write!(f, "{}: was {}, is {}", self.path, side(&self.was), side(&self.is))?;
                if by.is_empty() { Ok(()) } else { write!(f, ", by {by}") }
            }
        }
    }
}
