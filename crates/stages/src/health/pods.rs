//! Pods: how they are, and what is wrong with one.

use super::conditions::condition;
use super::trouble::{Trouble, TroubleKind, by_words};
use super::{Health, integer, items, text};
use weft_base::value::Value;

/// Reasons of waiting containers that are part of a good start.
const STARTING: [&str; 3] = ["ContainerCreating", "PodInitializing", ""];

/// What registries and runtimes say of an image that will not be there the next time either.
const IMAGE: [(TroubleKind, &[&str]); 1] = [(
    TroubleKind::NoImage,
    &[
        "not found",
        "manifest unknown",
        "no match for platform",
        "does not exist",
        "access denied",
        "unauthorized",
        "authentication required",
        "403 forbidden",
    ],
)];

/// What a scheduler says; what is in the first rows goes before.
const UNSCHEDULABLE: [(TroubleKind, &[&str]); 4] = [
    (TroubleKind::Missing, &["persistentvolumeclaim \"", "not found"]),
    (TroubleKind::Passing, &["unbound immediate", "is being deleted", "waiting for"]),
    (TroubleKind::NoRoom, &["insufficient", "too many pods", "free ports", "max volume count"]),
    (TroubleKind::NoNode, &[""]),
];

/// A Pod is ready, or has ended well.
pub(super) fn pod(object: &Value) -> Health {
    match (text(object, &["status", "phase"]), trouble(object)) {
        ("Succeeded", _) => Health::Current,
        ("Failed", Some(trouble)) => Health::Failed(trouble.reason),
        ("Failed", None) => Health::Failed("it failed".into()),
        ("Running", _) if condition(object, "Ready").is_some_and(|it| it.status == "True") => Health::Current,
        (_, Some(trouble)) => Health::InProgress(trouble.reason),
        ("Running", None) => Health::InProgress("it is running, and not ready yet".into()),
        _ => Health::InProgress("it has not started yet".into()),
    }
}

/// What keeps a pod from being ready, if something is wrong with it: not scheduled, an image that cannot be pulled, a
/// container that cannot be made, that crashes or was killed, a probe that fails.
pub fn trouble(pod: &Value) -> Option<Trouble> {
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|it| it.status == "False") {
        let unschedulable = scheduled.reason == "Unschedulable";
        let sort = by_words(scheduled.message, &UNSCHEDULABLE).filter(|_| unschedulable);
        return Some(Trouble::new(sort.unwrap_or(TroubleKind::Passing), scheduled.said()));
    }
    let lists = [&["status", "initContainerStatuses"], &["status", "containerStatuses"]];
    lists.iter().flat_map(|keys| items(pod, *keys)).find_map(container).or_else(|| ended(pod)).or_else(|| unready(pod))
}

/// A pod that was ended from outside: evicted, preempted, not admitted by its node.
fn ended(pod: &Value) -> Option<Trouble> {
    let reason = text(pod, &["status", "reason"]);
    let message = text(pod, &["status", "message"]);
    let said = [reason, message].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(": ");
    let failed = text(pod, &["status", "phase"]) == "Failed" && !said.is_empty();
    failed.then(|| Trouble::new(TroubleKind::Passing, said))
}

/// A container that runs, and whose probe does not succeed.
fn unready(pod: &Value) -> Option<Trouble> {
    let is_unready = |it: &&Value| {
        it.dig(&["state", "running"]).is_some() && it.get("ready").and_then(Value::as_bool) == Some(false)
    };
    let found = items(pod, &["status", "containerStatuses"]).iter().find(is_unready)?;
    let name = text(found, &["name"]);
    let spec = items(pod, &["spec", "containers"]).iter().find(|it| text(it, &["name"]) == name)?;
    let started = found.get("started").and_then(Value::as_bool) != Some(false);
    let probe = [("startupProbe", "startup", !started), ("readinessProbe", "readiness", true)];
    let (_, probe, _) = probe.into_iter().find(|(key, _, counts)| *counts && spec.get(key).is_some())?;
    let reason = format!("container `{name}` is running, and its {probe} probe does not succeed");
    Some(Trouble { log: Some((name.to_owned(), false)), ..Trouble::new(TroubleKind::Passing, reason) })
}

fn container(status: &Value) -> Option<Trouble> {
    let name = text(status, &["name"]);
    let waiting = text(status, &["state", "waiting", "reason"]);
    let restarts = integer(status, &["restartCount"]).unwrap_or(0);
    let ended = |at: &str| status.dig(&[at, "terminated"]).filter(|it| integer(it, &["exitCode"]) != Some(0));
    let crash = |said: String, before: bool| {
        let log = Some((name.to_owned(), before));
        Some(Trouble { log, ..Trouble::new(TroubleKind::Crash(restarts), said) })
    };
    if let Some(end) = ended("state") {
        return crash(format!("container `{name}` {}", ending(end)), false);
    }
    if STARTING.contains(&waiting) {
        return None;
    }
    if let Some(end) = ended("lastState").filter(|_| waiting == "CrashLoopBackOff") {
        return crash(format!("container `{name}` {}, and was restarted {restarts} times", ending(end)), true);
    }
    if waiting == "CrashLoopBackOff" {
        let said = format!("container `{name}` ends again and again, and was restarted {restarts} times");
        return crash(said, true);
    }
    let message = text(status, &["state", "waiting", "message"]);
    let image = text(status, &["image"]);
    let said = if message.is_empty() { format!("image `{image}`") } else { message.to_owned() };
    Some(Trouble::new(waits(waiting, message), format!("container `{name}`: {waiting}: {said}")))
}

/// The sort of trouble that keeps a container waiting (kubelet `pkg/kubelet/images/types.go`, `container/sync_result.go`).
fn waits(reason: &str, message: &str) -> TroubleKind {
    match reason {
        "ImagePullBackOff"
        | "ErrImagePull"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => by_words(message, &IMAGE).unwrap_or(TroubleKind::Image),
        "CreateContainerConfigError" if ["not found", "couldn't find key"].iter().any(|it| message.contains(it)) => {
            TroubleKind::Missing
        }
        "InvalidImageName" | "ErrImageNeverPull" | "CreateContainerConfigError" => TroubleKind::Impossible,
        "CreateContainerError" | "RunContainerError" | "PreStartHookError" | "PostStartHookError" => {
            TroubleKind::Container
        }
        _ => TroubleKind::Passing,
    }
}

/// What the kubelet's event says more about an image than the container's status, which older ones leave at
/// `Back-off pulling image`.
pub(super) fn image_sort(message: &str) -> TroubleKind {
    by_words(message, &IMAGE).unwrap_or(TroubleKind::Image)
}

fn ending(end: &Value) -> String {
    let code = integer(end, &["exitCode"]).unwrap_or(-1);
    match (text(end, &["reason"]), text(end, &["message"]).trim()) {
        ("OOMKilled", _) => format!("used more memory than its limit (exit code {code})"),
        ("StartError" | "ContainerCannotRun", message) if !message.is_empty() => {
            format!("cannot be started: {message}")
        }
        ("" | "Error", _) => format!("ended with exit code {code}"),
        (reason, _) => format!("ended with exit code {code} ({reason})"),
    }
}
