//! One target: chooses the next step from what was found.

use k8s_openapi::api::core::v1::ConfigMap;

use super::owners::is_taken_up;
use super::{CopyOwner, DesiredCopy, Difference, Holder, TargetOutcome, holder};
use crate::{ConflictPolicy, DriftPolicy, SyncReason};

/// What was found at a target.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetState {
    /// The cache shows nothing, and nobody has read it.
    Unseen,
    /// It was read, and there is nothing.
    Absent,
    /// Our copy disappeared.
    Vanished,
    /// This is there.
    Present(Box<ConfigMap>),
}

/// The inputs of the decision about a target.
#[derive(Clone, Copy, Debug)]
pub struct TargetRules<'r> {
    /// The desired copy.
    pub wanted: &'r DesiredCopy,
    /// Whose it is.
    pub owner: &'r CopyOwner,
    /// What happens to a ConfigMap that is not ours.
    pub conflict: ConflictPolicy,
    /// What happens to a copy that somebody else changed.
    pub drift: DriftPolicy,
}

/// The next step. A write carries its preconditions, so the server refuses it if they no longer hold.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetStep {
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
    Done(TargetOutcome),
}

/// The next step at a target.
pub fn step(rules: &TargetRules<'_>, found: &TargetState) -> TargetStep {
    let object = match found {
        TargetState::Unseen | TargetState::Absent => return TargetStep::Create,
        TargetState::Vanished => return vanished(rules.drift),
        TargetState::Present(object) => object,
    };
    if object.metadata.deletion_timestamp.is_some() {
        return TargetStep::Done(TargetOutcome::pending(SyncReason::Pending, "the ConfigMap there is being deleted"));
    }
    match holder(&object.metadata, rules.owner) {
        Holder::Us => ours(rules, object),
        Holder::Before if is_taken_up(object, rules.wanted) => change(rules, object, false),
        other => foreign(rules, object, &other),
    }
}

fn vanished(policy: DriftPolicy) -> TargetStep {
    match policy {
        DriftPolicy::Correct => TargetStep::Create,
        DriftPolicy::Report => TargetStep::Done(TargetOutcome::failed(
            SyncReason::Drifted,
            "somebody deleted the copy; driftPolicy is Report",
        )),
        DriftPolicy::Ignore => TargetStep::Done(TargetOutcome::Synced),
    }
}

fn ours(rules: &TargetRules<'_>, object: &ConfigMap) -> TargetStep {
    let difference = rules.wanted.difference(object);
    if difference.is_none() {
        return TargetStep::Done(TargetOutcome::Synced);
    }
    let drift = is_current(rules.wanted, object);
    match rules.drift {
        DriftPolicy::Report if drift => {
            TargetStep::Done(TargetOutcome::failed(SyncReason::Drifted, drift_message(&difference)))
        }
        DriftPolicy::Ignore if drift => TargetStep::Done(TargetOutcome::Synced),
        _ => change(rules, object, drift),
    }
}

fn change(rules: &TargetRules<'_>, object: &ConfigMap, drift: bool) -> TargetStep {
    let difference = rules.wanted.difference(object);
    if object.immutable == Some(true) && difference.is_of_data() {
        return TargetStep::Replace;
    }
    TargetStep::Change { difference, drift }
}

/// Whether we wrote what is wanted now: whatever differs, somebody else changed.
fn is_current(wanted: &DesiredCopy, object: &ConfigMap) -> bool {
    let noted = object.metadata.annotations.as_ref().and_then(|it| it.get(crate::marks::SOURCE_HASH));
    noted.is_some_and(|it| **it == *wanted.hash)
}

fn foreign(rules: &TargetRules<'_>, object: &ConfigMap, holder: &Holder) -> TargetStep {
    let free = matches!(holder, Holder::Nobody | Holder::Before);
    match rules.conflict {
        ConflictPolicy::Skip => TargetStep::Done(TargetOutcome::Skipped),
        ConflictPolicy::Adopt if free => change(rules, object, false),
        _ => TargetStep::Done(TargetOutcome::Conflict(conflict(holder))),
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

fn drift_message(difference: &Difference) -> String {
    let Difference { extra_data, extra_binary, content, metadata, immutable } = difference;
    let extra: Vec<&str> = extra_data.iter().chain(extra_binary).map(String::as_str).take(8).collect();
    let mut parts = Vec::new();
    parts.extend((!extra.is_empty()).then(|| format!("added {}", extra.join(", "))));
    parts.extend(content.then(|| "changed its data".to_owned()));
    parts.extend(metadata.then(|| "changed its labels or annotations".to_owned()));
    parts.extend(immutable.then(|| "changed `immutable`".to_owned()));
    format!("somebody {}; driftPolicy is Report", parts.join(", "))
}
