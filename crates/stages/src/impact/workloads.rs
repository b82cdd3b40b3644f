//! Pods that restart because their template changes.

use super::{Consequence, StepChange};
use crate::plan::Action;
use weft_base::value::{Path, Value};

/// Kinds that make pods, and where their template is.
pub(super) const TEMPLATES: [(&str, &[&str]); 8] = [
    ("Deployment.apps", &["spec", "template"]),
    ("StatefulSet.apps", &["spec", "template"]),
    ("DaemonSet.apps", &["spec", "template"]),
    ("ReplicaSet.apps", &["spec", "template"]),
    ("ReplicationController", &["spec", "template"]),
    ("Job.batch", &["spec", "template"]),
    ("CronJob.batch", &["spec", "jobTemplate", "spec", "template"]),
    ("Pod", &[]),
];

/// Where the pod template of a kind is; empty where the object is the pod.
pub(super) fn template(kind: &str) -> Option<&'static [&'static str]> {
    TEMPLATES.iter().find(|(name, _)| *name == kind).map(|(_, path)| *path)
}

/// What becomes of the pods of an object whose template changes.
pub(super) fn restarted(change: &StepChange) -> Option<Consequence> {
    let kind = change.kind();
    let path = template(&kind).filter(|path| !path.is_empty())?;
    if change.step.action != Action::Update {
        return None;
    }
    let template = Path::of_fields(path.iter().copied());
    let below = change.step.object.about_to_change().filter(|it| template.is_prefix_of(&it.path));
    let fields: Vec<String> = below.map(|it| it.path.to_string()).collect();
    if fields.is_empty() {
        return None;
    }
    Some(match stays(&kind, change.after?) {
        Some(why) => Consequence::NoRestart { why: why.to_owned() },
        None => Consequence::Restart {
            pods: if kind == "DaemonSet.apps" { nodes(change) } else { Some(replicas(change.after?)) },
            fields,
            at_once: text(change.after?, &["spec", "strategy", "type"]) == Some("Recreate"),
        },
    })
}

/// Why the pods of an object stay when its template changes.
fn stays(kind: &str, object: &Value) -> Option<&'static str> {
    let on_delete = text(object, &["spec", "updateStrategy", "type"]) == Some("OnDelete");
    match kind {
        "ReplicaSet.apps" | "ReplicationController" => {
            Some("its pods are made of the old template until they are deleted")
        }
        "CronJob.batch" => Some("its next run has the new template"),
        "Job.batch" => Some("a run that goes on keeps its template"),
        "Deployment.apps" if object.dig(&["spec", "paused"]).and_then(Value::as_bool) == Some(true) => {
            Some("it is paused")
        }
        _ if on_delete => Some("its pods are made again when they are deleted (`OnDelete`)"),
        _ => None,
    }
}

/// How many pods an object asks for.
pub(super) fn replicas(object: &Value) -> i64 {
    let count = |keys: &[&str]| object.dig(keys).and_then(Value::as_i64);
    count(&["spec", "replicas"]).or_else(|| count(&["spec", "parallelism"])).unwrap_or(1)
}

/// On how many nodes a daemon set has a pod, if it has any yet.
pub(super) fn nodes(change: &StepChange) -> Option<i64> {
    let live = change.step.object.live.as_ref()?;
    live.body.dig(&["status", "desiredNumberScheduled"]).and_then(Value::as_i64)
}

fn text<'v>(object: &'v Value, keys: &[&str]) -> Option<&'v str> {
    object.dig(keys).and_then(Value::as_str)
}
