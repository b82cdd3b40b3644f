//! Data that is lost with objects.

use super::{Consequence, StepChange};
use crate::plan::{Action, is_guarded};
use weft_base::value::Value;

/// The data that is lost if an object is deleted or recreated.
pub(super) fn lost(change: &StepChange) -> Option<Consequence> {
    let loses = match &change.step.action {
        Action::Delete | Action::Recreate { .. } => with_it(change)?,
        Action::Update => claims(change)?,
        _ => return None,
    };
    Some(Consequence::Data { loses })
}

fn with_it(change: &StepChange) -> Option<String> {
    let before = change.before?;
    match change.kind().as_str() {
        "PersistentVolumeClaim" => Some("what its volume holds, unless that one is retained".into()),
        "PersistentVolume" => Some("the binding to its claim, and what it holds unless it is retained".into()),
        "Namespace" => Some("everything in it".into()),
        "CustomResourceDefinition.apiextensions.k8s.io" => Some("every object of its kind".into()),
        "VolumeSnapshot.snapshot.storage.k8s.io" => Some("the snapshot, unless its content is retained".into()),
        "StatefulSet.apps" => {
            (retention(before, "whenDeleted") == Some("Delete")).then(|| "its claims with what they hold".into())
        }
        _ if is_guarded(&change.step.object.id) => Some("what it holds".into()),
        _ => None,
    }
}

/// The claims that go when a stateful set has fewer pods.
fn claims(change: &StepChange) -> Option<String> {
    let before = change.before?;
    let after = change.after?;
    let count = |object: &Value| object.dig(&["spec", "replicas"]).and_then(Value::as_i64).unwrap_or(1);
    let fewer = count(before) - count(after);
    let goes = change.kind() == "StatefulSet.apps" && fewer > 0 && retention(after, "whenScaled") == Some("Delete");
    goes.then(|| format!("the claims of {fewer} of its pods, as it says `whenScaled: Delete`"))
}

fn retention<'v>(object: &'v Value, when: &str) -> Option<&'v str> {
    object.dig(&["spec", "persistentVolumeClaimRetentionPolicy", when])?.as_str()
}
