//! Pods: how they are, and what is wrong with one.

use super::conditions::condition;
use super::{Health, integer, items, text};
use crate::value::Value;

/// What is wrong with a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What, in words.
    pub reason: String,
    /// The container whose log tells more, and whether it is that of the run before.
    pub log: Option<(String, bool)>,
}

/// Reasons of waiting containers that are part of a good start.
const STARTING: [&str; 3] = ["ContainerCreating", "PodInitializing", ""];

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
/// container that crashes or was killed, a probe that fails.
pub fn trouble(pod: &Value) -> Option<Trouble> {
    let only = |reason: String| Some(Trouble { reason, log: None });
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|it| it.status == "False") {
        return only(scheduled.said());
    }
    let lists = [&["status", "initContainerStatuses"], &["status", "containerStatuses"]];
    if let Some(found) = lists.iter().flat_map(|keys| items(pod, *keys)).find_map(container) {
        return Some(found);
    }
    if text(pod, &["status", "phase"]) == "Failed" {
        let (reason, message) = (text(pod, &["status", "reason"]), text(pod, &["status", "message"]));
        return only([reason, message].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(": "))
            .filter(|it| !it.reason.is_empty());
    }
    let unready = |it: &&Value| {
        it.dig(&["state", "running"]).is_some() && it.get("ready").and_then(Value::as_bool) == Some(false)
    };
    let found = items(pod, &["status", "containerStatuses"]).iter().find(unready)?;
    let name = text(found, &["name"]);
    let probed = |it: &&Value| text(it, &["name"]) == name && it.get("readinessProbe").is_some();
    items(pod, &["spec", "containers"]).iter().find(probed)?;
    Some(Trouble {
        reason: format!("container `{name}` is running, and its readiness probe does not succeed"),
        log: Some((name.to_owned(), false)),
    })
}

fn container(status: &Value) -> Option<Trouble> {
    let name = text(status, &["name"]);
    let waiting = text(status, &["state", "waiting", "reason"]);
    let ended = |at: &str| status.dig(&[at, "terminated"]).filter(|it| integer(it, &["exitCode"]) != Some(0));
    if let Some(end) = ended("state") {
        return Some(Trouble {
            reason: format!("container `{name}` {}", ending(end)),
            log: Some((name.to_owned(), false)),
        });
    }
    if STARTING.contains(&waiting) {
        return None;
    }
    if let Some(end) = ended("lastState").filter(|_| waiting == "CrashLoopBackOff") {
        let restarts = integer(status, &["restartCount"]).unwrap_or(0);
        let reason = format!("container `{name}` {}, and was restarted {restarts} times", ending(end));
        return Some(Trouble { reason, log: Some((name.to_owned(), true)) });
    }
    let message = text(status, &["state", "waiting", "message"]);
    let image = text(status, &["image"]);
    let said = if message.is_empty() { format!("image `{image}`") } else { message.to_owned() };
    Some(Trouble { reason: format!("container `{name}`: {waiting}: {said}"), log: None })
}

fn ending(end: &Value) -> String {
    let code = integer(end, &["exitCode"]).unwrap_or(-1);
    match text(end, &["reason"]) {
        "OOMKilled" => format!("used more memory than its limit (exit code {code})"),
        "" | "Error" => format!("ended with exit code {code}"),
        reason => format!("ended with exit code {code} ({reason})"),
    }
}
