//! One target: from what was found, the next step.

use k8s_openapi::api::core::v1::ConfigMap;

use super::owners::is_taken_up;
use super::{Difference, Holder, Outcome, Owner, Wanted, holder};
use crate::{ConflictPolicy, DriftPolicy, Reason};

/// What was found at a target.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The cache shows nothing, and nobody looked.
    Unseen,
    /// Somebody looked, and there is nothing.
    Absent,
    /// There was a copy of ours, and there is nothing.
    Vanished,
    /// This is there.
    Present(Box<ConfigMap>),
}

/// What a target is decided by.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'r> {
    /// What the copy shall be.
    pub wanted: &'r Wanted,
    /// Whose it is.
    pub owner: &'r Owner,
    /// What happens to a ConfigMap that is not ours.
    pub conflict: ConflictPolicy,
    /// What happens to a copy that somebody else changed.
    pub drift: DriftPolicy,
}

/// The next step. A write is sent with what it was decided by: where that is no longer so, the server refuses it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Create the copy.
    Create,
    /// Change what differs in the object of this resource version, in one write: a copy is never half of one.
    Change {
        /// What differs.
        difference: Difference,
        /// Whether somebody had changed it.
        drift: bool,
    },
    /// Delete the object of this UID and resource version, for it cannot be changed; then it is absent.
    Replace,
    /// There is nothing to do.
    Done(Outcome),
}

/// The next step at a target.
pub fn step(rules: &Rules<'_>, found: &Found) -> Step {
    let object = match found {
        Found::Unseen | Found::Absent => return Step::Create,
        Found::Vanished => return vanished(rules.drift),
        Found::Present(object) => object,
    };
    if object.metadata.deletion_timestamp.is_some() {
        return Step::Done(Outcome::pending(Reason::Pending, "the ConfigMap there is being deleted"));
    }
    match holder(&object.metadata, rules.owner) {
        Holder::Us => ours(rules, object),
        Holder::Before if is_taken_up(object, rules.wanted) => change(rules, object, false),
        other => foreign(rules, object, &other),
    }
}

fn vanished(policy: DriftPolicy) -> Step {
    match policy {
        DriftPolicy::Correct => Step::Create,
        DriftPolicy::Report => {
            Step::Done(Outcome::failed(Reason::Drifted, "somebody deleted the copy; driftPolicy is Report"))
        }
        DriftPolicy::Ignore => Step::Done(Outcome::Synced),
    }
}

fn ours(rules: &Rules<'_>, object: &ConfigMap) -> Step {
    let difference = rules.wanted.difference(object);
    if difference.is_none() {
        return Step::Done(Outcome::Synced);
    }
    let drift = is_current(rules.wanted, object);
    match rules.drift {
        DriftPolicy::Report if drift => Step::Done(Outcome::failed(Reason::Drifted, said(&difference))),
        DriftPolicy::Ignore if drift => Step::Done(Outcome::Synced),
        _ => change(rules, object, drift),
    }
}

fn change(rules: &Rules<'_>, object: &ConfigMap, drift: bool) -> Step {
    let difference = rules.wanted.difference(object);
    if object.immutable == Some(true) && difference.is_of_data() {
        return Step::Replace;
    }
    Step::Change { difference, drift }
}

/// Whether we wrote what is wanted now: whatever differs, somebody else changed.
fn is_current(wanted: &Wanted, object: &ConfigMap) -> bool {
    let noted = object.metadata.annotations.as_ref().and_then(|it| it.get(crate::marks::SOURCE_HASH));
    noted.is_some_and(|it| **it == *wanted.hash)
}

fn foreign(rules: &Rules<'_>, object: &ConfigMap, holder: &Holder) -> Step {
    let free = matches!(holder, Holder::Nobody | Holder::Before);
    match rules.conflict {
        ConflictPolicy::Skip => Step::Done(Outcome::Skipped),
        ConflictPolicy::Adopt if free => change(rules, object, false),
        _ => Step::Done(Outcome::Conflict(conflict(holder))),
    }
}

fn conflict(holder: &Holder) -> String {
    let there = "a ConfigMap of this name is there, which";
    match holder {
        Holder::Sync(key) => format!("{there} the ConfigMapSync {key} owns"),
        Holder::Tool(tool) => format!("{there} {tool} owns"),
        Holder::Before => format!("{there} a deleted ConfigMapSync of this name owned, and which differs"),
        Holder::Us | Holder::Nobody => format!("{there} is not ours"),
    }
}

fn said(difference: &Difference) -> String {
    let Difference { extra_data, extra_binary, content, metadata, immutable } = difference;
    let extra: Vec<&str> = extra_data.iter().chain(extra_binary).map(String::as_str).take(8).collect();
    let mut parts = Vec::new();
    parts.extend((!extra.is_empty()).then(|| format!("added {}", extra.join(", "))));
    parts.extend(content.then(|| "changed its data".to_owned()));
    parts.extend(metadata.then(|| "changed its labels or annotations".to_owned()));
    parts.extend(immutable.then(|| "changed `immutable`".to_owned()));
    format!("somebody {}; driftPolicy is Report", parts.join(", "))
}
