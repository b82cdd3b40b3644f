//! Why an object is not as it should be: facts about its pods and what was said about them -> [`Cause`].

use std::fmt;
use std::sync::Arc;

use super::conditions::condition;
use super::pods::{image_sort, trouble};
use super::trouble::{Trouble, TroubleKind, by_words};
use super::{items, observed, text};
use weft_base::value::Value;

/// What was seen around an object.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Its pods, in any order.
    pub pods: Vec<Value>,
    /// What was said about it and its pods, in any order.
    pub events: Arc<Vec<ObjectEvent>>,
    /// When we last changed it, as servers write a time; what was said before is about an older version.
    pub since: String,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectEvent {
    /// When it was said last, as servers write a time.
    pub time: String,
    /// The kind that it is about.
    pub kind: String,
    /// The name that it is about.
    pub name: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// A word for it, such as `FailedCreate`.
    pub reason: String,
    /// All of it.
    pub message: String,
}

/// Why an object is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What is wrong.
    pub trouble: Trouble,
    /// The pod with which that is wrong, where it is one of the object's pods or itself.
    pub pod: Option<String>,
    /// Whether that pod is the object itself.
    pub own: bool,
}

/// What is said of a pod that is not made; what is in the first rows goes before.
const REFUSED: [(TroubleKind, &[&str]); 4] = [
    (TroubleKind::Quota, &["exceeded quota"]),
    (TroubleKind::Webhook, &["failed calling webhook", "failed to call webhook"]),
    (TroubleKind::Missing, &["error looking up service account", "priorityclass"]),
    (TroubleKind::Denied, &["denied the request", "violates podsecurity", "forbidden", "is invalid"]),
];

/// Kinds of which it is known which pods belong to the newest version.
const WORKLOADS: [&str; 7] =
    ["Pod", "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job"];

/// Signs that a node is being made for a pod: the cluster autoscaler, Karpenter, a preemption.
const COMING: [&str; 4] = ["TriggeredScaleUp", "Nominated", "NominatedNode", "Preempting"];

/// The annotation and the label that name the version of a `DaemonSet`.
const TEMPLATE: (&str, &str) = ("deprecated.daemonset.template.generation", "pod-template-generation");

impl Around {
    /// What was said about an object, the newest first.
    fn about<'a>(&'a self, kind: &str, name: &str) -> Vec<&'a ObjectEvent> {
        let is_new = |it: &&ObjectEvent| second(&it.time) >= second(&self.since);
        let mut found: Vec<&ObjectEvent> = self.events.iter().filter(|it| it.kind == kind && it.name == name).collect();
        found.retain(is_new);
        found.sort_by(|a, b| b.cmp(a));
        found
    }
}

/// Why an object is not as it should be, as far as that can be seen. Trouble of the pods of its newest version goes
/// before what is said about itself, and the surer one before the less sure.
pub fn cause(object: &Value, around: &Around) -> Option<Cause> {
    let mut found: Vec<Cause> = newest(object, &around.pods).filter_map(|pod| of_pod(object, pod, around)).collect();
    found.sort_by_key(|it| it.trouble.sort.patience().map_or((true, None), |patience| (false, Some(patience))));
    let refused = || of_itself(object, around).map(|trouble| Cause { trouble, pod: None, own: false });
    let found = found.into_iter().next();
    let found = found.or_else(refused).or_else(|| of_old_pods(object, around)).or_else(|| last_word(object, around));
    found.map(|mut it| {
        if !is_sure(object) {
            it.trouble.sort = TroubleKind::Passing;
        }
        it
    })
}

/// Whether it can be told what belongs to the newest version of an object: its controller has seen that version, and
/// the kind is one whose pods are known.
fn is_sure(object: &Value) -> bool {
    WORKLOADS.contains(&text(object, &["kind"])) && observed(object).is_none()
}

/// What is wrong with one pod of an object, by its status and by what is said about it.
fn of_pod(object: &Value, pod: &Value, around: &Around) -> Option<Cause> {
    let name = text(pod, &["metadata", "name"]);
    let said = around.about("Pod", name);
    let mut trouble = trouble(pod).or_else(|| mount(&said))?;
    let word = |reasons: &[&str], part: &str| {
        said.iter().find(|it| reasons.contains(&it.reason.as_str()) && it.message.contains(part))
    };
    match trouble.sort {
        TroubleKind::NoNode | TroubleKind::NoRoom if word(&COMING, "").is_some() => trouble.sort = TroubleKind::Passing,
        // A Job counts the failures of its pods itself.
        TroubleKind::Crash(_) if text(object, &["kind"]) == "Job" => trouble.sort = TroubleKind::Passing,
        TroubleKind::Image => {
            if let Some(pull) = word(&["Failed"], "Failed to pull") {
                trouble.sort = image_sort(&pull.message);
                trouble.reason = format!("{}\n{}", trouble.reason, pull.said());
            }
        }
        TroubleKind::Passing => {
            if let Some(probe) = word(&["Unhealthy"], "").filter(|_| trouble.reason.contains("probe")) {
                trouble.reason = format!("{}\n{}", trouble.reason, probe.said());
            }
        }
        _ => {}
    }
    Some(Cause { trouble, pod: Some(name.to_owned()), own: text(object, &["kind"]) == "Pod" })
}

/// A volume that cannot be mounted keeps a pod from starting, and only events say so.
fn mount(said: &[&ObjectEvent]) -> Option<Trouble> {
    let failed = |it: &&&ObjectEvent| it.warning && ["FailedMount", "FailedAttachVolume"].contains(&it.reason.as_str());
    let said = said.iter().find(failed)?;
    let missing = said.message.contains("not found") || said.message.contains("references non-existent");
    Some(Trouble::new(if missing { TroubleKind::Missing } else { TroubleKind::Passing }, said.said()))
}

/// Why an object's controller makes no pods: by its condition, or, where it has none, by what was said after the
/// newest pod was made.
fn of_itself(object: &Value, around: &Around) -> Option<Trouble> {
    let sort = |message: &str| by_words(message, &REFUSED).unwrap_or(TroubleKind::Passing);
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|it| it.status == "True") {
        return Some(Trouble::new(sort(failure.message), failure.said()));
    }
    let last = around.pods.iter().map(|it| second(text(it, &["metadata", "creationTimestamp"]))).max();
    let said = around.about(text(object, &["kind"]), text(object, &["metadata", "name"]));
    let refused = |it: &&&ObjectEvent| {
        it.warning && it.reason == "FailedCreate" && last.is_none_or(|last| second(&it.time) > last)
    };
    let said = said.iter().find(refused)?;
    Some(Trouble::new(sort(&said.message), said.said()))
}

/// Pods of an older version do not say that the new one is wrong, but they may keep it from coming.
fn of_old_pods(object: &Value, around: &Around) -> Option<Cause> {
    let mut old = around.pods.iter().filter(|pod| is_alive(pod) && !is_newest(object, pod));
    let mut cause = old.find_map(|pod| of_pod(object, pod, around))?;
    cause.trouble.sort = TroubleKind::Passing;
    cause.trouble.reason = format!("of the version before: {}", cause.trouble.reason);
    Some(cause)
}

/// The last warning about an object.
fn last_word(object: &Value, around: &Around) -> Option<Cause> {
    let said = around.about(text(object, &["kind"]), text(object, &["metadata", "name"]));
    let said = said.into_iter().find(|it| it.warning)?;
    Some(Cause { trouble: Trouble::new(TroubleKind::Passing, said.said()), pod: None, own: false })
}

/// The pods of an object's newest version that are not on their way out, the youngest first.
fn newest<'a>(object: &'a Value, pods: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let mut pods: Vec<&Value> = pods.iter().filter(|pod| is_alive(pod) && is_newest(object, pod)).collect();
    pods.sort_by(|a, b| created(b).cmp(created(a)));
    pods.into_iter()
}

fn created(pod: &Value) -> &str {
    text(pod, &["metadata", "creationTimestamp"])
}

/// A pod that is being deleted, or that was evicted and is only kept to be looked at, is replaced by another.
fn is_alive(pod: &Value) -> bool {
    let owned_by =
        |kind: &str| items(pod, &["metadata", "ownerReferences"]).iter().any(|it| text(it, &["kind"]) == kind);
    let dead = text(pod, &["status", "phase"]) == "Failed"
        && !owned_by("Job")
        && !items(pod, &["metadata", "ownerReferences"]).is_empty();
    pod.dig(&["metadata", "deletionTimestamp"]).is_none() && !dead
}

/// Whether a pod is of the newest version of its object; where that cannot be told it is.
fn is_newest(object: &Value, pod: &Value) -> bool {
    let label = |key: &str| text(pod, &["metadata", "labels", key]);
    let same = |wanted: &str, found: &str| wanted.is_empty() || found.is_empty() || wanted == found;
    match text(object, &["kind"]) {
        "StatefulSet" => same(text(object, &["status", "updateRevision"]), label("controller-revision-hash")),
        "DaemonSet" => same(text(object, &["metadata", "annotations", TEMPLATE.0]), label(TEMPLATE.1)),
        "Deployment" => {
            let progress = condition(object, "Progressing").map(|it| it.message).unwrap_or_default();
            // `ReplicaSet "web-5d4f8c" is progressing.`, `Created new replica set "web-5d4f8c"`
            let parts: Vec<&str> = progress.split('"').collect();
            let is_named = parts[0].ends_with("eplicaSet ") || parts[0].ends_with("eplica set ");
            let set = parts.get(1).filter(|_| is_named).copied().unwrap_or_default();
            let owners = items(pod, &["metadata", "ownerReferences"]);
            set.is_empty() || owners.is_empty() || owners.iter().any(|it| text(it, &["name"]) == set)
        }
        _ => true,
    }
}

/// How an object that is gone ended, by what was said about it: a Job that is deleted once it is done is gone before
/// anybody looks. `None` where nothing was said.
pub fn ended(kind: &str, name: &str, around: &Around) -> Option<Result<(), String>> {
    let said = around.about(kind, name);
    let failed =
        said.iter().find(|it| it.warning && ["BackoffLimitExceeded", "DeadlineExceeded"].contains(&&*it.reason));
    match failed {
        Some(failed) => Some(Err(failed.said())),
        None => said.iter().any(|it| kind == "Job" && it.reason == "Completed").then_some(Ok(())),
    }
}

/// Whether an object runs pods that a selector picks: a workload, built in or not.
pub fn runs_pods(object: &Value) -> bool {
    object.dig(&["spec", "template", "spec"]).is_some() && object.dig(&["spec", "selector"]).is_some()
}

/// Whether a claim that is not bound waits for a pod that uses it, by what was said about it.
pub fn waits_for_consumer(claim: &Value, around: &Around) -> bool {
    let said = around.about("PersistentVolumeClaim", text(claim, &["metadata", "name"]));
    said.first().is_some_and(|it| ["WaitForFirstConsumer", "WaitForPodScheduled"].contains(&it.reason.as_str()))
}

impl fmt::Display for Cause {
    /// `pod web-1: container `web` ended with exit code 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pod {
            Some(pod) if !self.own => write!(f, "pod {pod}: {}", self.trouble.reason),
            _ => f.write_str(&self.trouble.reason),
        }
    }
}

impl ObjectEvent {
    /// `Reason: message`.
    fn said(&self) -> String {
        format!("{}: {}", self.reason, self.message.trim())
    }
}

/// A time up to its second: some have fractions, and some do not.
fn second(time: &str) -> &str {
    time.get(..19).unwrap_or(time)
}
