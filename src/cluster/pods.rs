//! Reading what tells the cause of a failure: pods, their logs, and events.

use super::kinds::{events, pods, storage_classes};
use super::live::path;
use super::request::{Request, escape};
use super::rights::Right;
use super::{Cluster, ClusterError};
use crate::manifest::ObjectId;
use crate::value::Value;

/// How many lines of a log are shown.
const LINES: usize = 5;

impl Cluster {
    /// The pods of a workload: those that its selector picks.
    pub async fn pods_of(&self, workload: &Value) -> Result<Vec<Value>, ClusterError> {
        let (Some(namespace), Some(selector)) =
            (workload.dig(&["metadata", "namespace"]).and_then(Value::as_str), selector(workload))
        else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let selector = format!("&labelSelector={}", escape(&selector));
        self.list(&pods(), Some(namespace), &selector, &mut |pod| found.push(pod)).await?;
        Ok(found)
    }

    /// Whether a claim is only bound when a pod uses it, by its storage class. Who may not see classes is told no.
    pub async fn waits_for_consumer(&self, claim: &Value) -> bool {
        let class = claim.dig(&["spec", "storageClassName"]).and_then(Value::as_str).filter(|it| !it.is_empty());
        let Some(class) = class else { return false };
        let request = Request::get(path(&storage_classes(), None, Some(class)), format!("get the class {class}"));
        let found: Option<Value> = self.fetch(&request).await.ok().flatten();
        let mode = found.as_ref().and_then(|it| it.get("volumeBindingMode")).and_then(Value::as_str);
        mode == Some("WaitForFirstConsumer")
    }

    /// The warnings about an object, the newest last.
    pub async fn warnings_about(&self, id: &ObjectId) -> Result<Vec<String>, ClusterError> {
        let Some(namespace) = &id.namespace else { return Ok(Vec::new()) };
        let (name, kind) = (escape(&id.name), &id.kind.kind);
        let fields = format!("involvedObject.name%3D{name},involvedObject.kind%3D{kind},type%3DWarning");
        let mut found: Vec<(String, String)> = Vec::new();
        let mut each = |event: Value| {
            let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
            let time = [text("lastTimestamp"), text("eventTime")].into_iter().max().unwrap_or_default();
            found.push((time.to_owned(), self.redact(&format!("{}: {}", text("reason"), text("message").trim()))));
        };
        self.list(&events(), Some(namespace), &format!("&fieldSelector={fields}"), &mut each).await?;
        found.sort();
        Ok(found.into_iter().map(|(_, said)| said).collect())
    }

    /// The last lines that a container wrote; `previous` for the one that crashed before it. Empty where there are none.
    pub async fn last_lines(&self, pod: &ObjectId, container: &str, previous: bool) -> Result<String, ClusterError> {
        let at = path(&pods(), pod.namespace.as_deref(), Some(&pod.name));
        let container = escape(container);
        let mut right = Right::new("get", &pods(), pod.namespace.as_deref());
        right.resource += "/log";
        let request = Request::get(
            format!("{at}/log?container={container}&previous={previous}&tailLines={LINES}"),
            format!("read the log of {pod}"),
        );
        let request = Request { accept: "*/*", ..request.needs(right) };
        let answer = self.send(&request).await?;
        if !answer.is_success() {
            return Ok(String::new());
        }
        Ok(self.redact(String::from_utf8_lossy(&answer.body).trim_end()))
    }
}

/// The label selector of a workload as a query has it; only the labels, which every workload has.
fn selector(workload: &Value) -> Option<String> {
    let labels = workload.dig(&["spec", "selector", "matchLabels"]).or_else(|| workload.dig(&["spec", "selector"]))?;
    let pairs = labels.as_map()?.iter().filter_map(|it| Some(format!("{}={}", it.key, it.value.as_str()?)));
    let joined = pairs.collect::<Vec<_>>().join(",");
    (!joined.is_empty()).then_some(joined)
}
