//! Objects that run pods.

use super::conditions::condition;
use super::{Health, integer, text};
use weft_base::value::Value;

/// The first of these counts that is below what is wanted.
fn first_missing(wanted: i64, counts: &[(&str, Option<i64>)]) -> Option<Health> {
    let (what, have) = counts.iter().find(|(_, have)| have.unwrap_or(0) < wanted)?;
    Some(Health::InProgress(format!("{} of {wanted} replicas are {what}", have.unwrap_or(0))))
}

fn status(object: &Value, key: &str) -> Option<i64> {
    integer(object, &["status", key])
}

/// Until a controller has looked at an object, its status says nothing.
fn unseen(object: &Value) -> Option<Health> {
    let seen = status(object, "observedGeneration").is_some();
    (!seen).then(|| Health::InProgress("its controller has not seen it yet".into()))
}

/// All replicas are updated, available and ready, none is too many, and it says that it is available. A paused one has
/// nothing to become: its controller does not roll out what it got.
pub(super) fn deployment(object: &Value) -> Health {
    if object.dig(&["spec", "paused"]).and_then(Value::as_bool) == Some(true) {
        return Health::Current;
    }
    if let Some(missing) = unseen(object) {
        return missing;
    }
    let progressing = condition(object, "Progressing");
    if let Some(stuck) = progressing.as_ref().filter(|it| it.reason == "ProgressDeadlineExceeded") {
        return Health::Failed(stuck.said());
    }
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|it| it.status == "True") {
        return Health::InProgress(failure.said());
    }
    let wanted = integer(object, &["spec", "replicas"]).unwrap_or(1);
    if let Some(missing) = first_missing(wanted, &[("updated", status(object, "updatedReplicas"))]) {
        return missing;
    }
    let old = status(object, "replicas").unwrap_or(0) - wanted;
    if old > 0 {
        return Health::InProgress(format!("{old} old replicas are still there"));
    }
    let counts = [("available", status(object, "availableReplicas")), ("ready", status(object, "readyReplicas"))];
    if let Some(missing) = first_missing(wanted, &counts) {
        return missing;
    }
    match (condition(object, "Available"), progressing) {
        (Some(available), _) if available.status != "True" => Health::InProgress(available.said()),
        (_, Some(progress)) if progress.reason != "NewReplicaSetAvailable" => Health::InProgress(progress.said()),
        _ => Health::Current,
    }
}

/// All replicas are labelled, available and ready.
pub(super) fn replica_set(object: &Value) -> Health {
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|it| it.status == "True") {
        return Health::InProgress(failure.said());
    }
    let wanted = integer(object, &["spec", "replicas"]).unwrap_or(1);
    let counts = [
        ("there", status(object, "fullyLabeledReplicas")),
        ("available", status(object, "availableReplicas")),
        ("ready", status(object, "readyReplicas")),
    ];
    first_missing(wanted, &counts).unwrap_or(Health::Current)
}

/// All replicas are ready and of the newest revision; with a partition, those above it; with `OnDelete`, whatever.
pub(super) fn stateful_set(object: &Value) -> Health {
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Health::Current;
    }
    if let Some(missing) = unseen(object) {
        return missing;
    }
    let wanted = integer(object, &["spec", "replicas"]).unwrap_or(1);
    let counts = [("there", status(object, "replicas")), ("ready", status(object, "readyReplicas"))];
    if let Some(missing) = first_missing(wanted, &counts) {
        return missing;
    }
    let extra = status(object, "replicas").unwrap_or(0) - wanted;
    if extra > 0 {
        return Health::InProgress(format!("{extra} replicas too many are still there"));
    }
    let partition = integer(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    if partition > 0 {
        let counts = [("updated", status(object, "updatedReplicas"))];
        return first_missing((wanted - partition).max(0), &counts).unwrap_or(Health::Current);
    }
    let now = text(object, &["status", "currentRevision"]);
    let next = text(object, &["status", "updateRevision"]);
    if now == next {
        return Health::Current;
    }
    let updated = status(object, "updatedReplicas").unwrap_or(0);
    Health::InProgress(format!("{updated} of {wanted} replicas are of the new revision"))
}

/// A pod of the newest version is available on each node that wants one.
pub(super) fn daemon_set(object: &Value) -> Health {
    if let Some(missing) = unseen(object) {
        return missing;
    }
    let wanted = status(object, "desiredNumberScheduled").unwrap_or(0);
    let mut counts = vec![("scheduled", status(object, "currentNumberScheduled"))];
    if text(object, &["spec", "updateStrategy", "type"]) != "OnDelete" {
        counts.push(("updated", status(object, "updatedNumberScheduled")));
    }
    counts.extend([("available", status(object, "numberAvailable")), ("ready", status(object, "numberReady"))]);
    first_missing(wanted, &counts).unwrap_or(Health::Current)
}

/// A Job has to complete; one that is suspended has nothing to do.
pub(super) fn job(object: &Value) -> Health {
    let holds = |kind: &str| condition(object, kind).filter(|it| it.status == "True");
    if let Some(failed) = holds("Failed").or_else(|| holds("FailureTarget")) {
        return Health::Failed(failed.said());
    }
    let suspended = object.dig(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    if holds("Complete").is_some() || suspended {
        return Health::Current;
    }
    let done = status(object, "succeeded").unwrap_or(0);
    let active = status(object, "active").unwrap_or(0);
    let wanted = integer(object, &["spec", "completions"]).unwrap_or(1);
    Health::InProgress(format!("{done} of {wanted} completions, {active} pods are active"))
}
