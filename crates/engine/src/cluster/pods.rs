//! Reading what tells why an object is not as it should be: pods, their logs, and events.

use super::kinds::{events, pods, storage_classes};
use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::{Cluster, ClusterError};
use weft_base::percent;
use weft_base::value::Value;
use weft_stages::health::ObjectEvent;
use weft_stages::manifest::ObjectId;

/// How many lines of a log are shown.
const LINES: usize = 8;
/// How much of the log of a test is shown at most.
const LOG_LINES: usize = 10_000;
const LOG_BYTES: usize = 1 << 20;

impl Cluster {
    /// The pods of a workload: those that its selector picks.
    pub async fn pods_of(&self, workload: &Value) -> Result<Vec<Value>, ClusterError> {
        let (Some(namespace), Some(selector)) =
            (workload.dig(&["metadata", "namespace"]).and_then(Value::as_str), selector(workload))
        else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let selector = format!("&labelSelector={}", percent::segment(&selector));
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

    /// What was said in a namespace, without known secrets.
    pub async fn said_in(&self, namespace: &str) -> Result<Vec<ObjectEvent>, ClusterError> {
        let mut found = Vec::new();
        self.list(&events(), Some(namespace), "", &mut |event| found.push(self.event(&event))).await?;
        Ok(found)
    }

    fn event(&self, event: &Value) -> ObjectEvent {
        let text = |keys: &[&str]| event.dig(keys).and_then(Value::as_str).unwrap_or_default();
        let times = [
            text(&["series", "lastObservedTime"]),
            text(&["lastTimestamp"]),
            text(&["eventTime"]),
            text(&["metadata", "creationTimestamp"]),
        ];
        ObjectEvent {
            time: times.into_iter().max().unwrap_or_default().to_owned(),
            kind: text(&["involvedObject", "kind"]).to_owned(),
            name: text(&["involvedObject", "name"]).to_owned(),
            warning: text(&["type"]) == "Warning",
            reason: text(&["reason"]).to_owned(),
            message: self.redact(text(&["message"])),
        }
    }

    /// What a container wrote, at most its last 10,000 lines and 1 MiB, without known secrets.
    pub async fn log(&self, pod: &ObjectId, container: &str) -> Result<String, ClusterError> {
        let query = format!("tailLines={LOG_LINES}&limitBytes={LOG_BYTES}");
        let request = log_request(pod, container, &query);
        let answer = self.send(&request).await?;
        if !answer.is_success() {
            return Err(self.refused(&request, &answer));
        }
        Ok(self.redact(String::from_utf8_lossy(&answer.body).trim_end()))
    }

    /// The last lines that a container wrote; `previous` for the one that crashed before it. Empty where there are none.
    pub async fn last_lines(&self, pod: &ObjectId, container: &str, previous: bool) -> Result<String, ClusterError> {
        let request = log_request(pod, container, &format!("previous={previous}&tailLines={LINES}"));
        let answer = self.send(&request).await?;
        if !answer.is_success() {
            return Ok(String::new());
        }
        Ok(self.redact(String::from_utf8_lossy(&answer.body).trim_end()))
    }
}

/// Asks for what a container of a pod wrote.
fn log_request(pod: &ObjectId, container: &str, query: &str) -> Request {
    let at = path(&pods(), pod.namespace.as_deref(), Some(&pod.name));
    let mut right = Right::new("get", &pods(), pod.namespace.as_deref());
    right.resource += "/log";
    let path = format!("{at}/log?container={}&{query}", percent::segment(container));
    Request { accept: "*/*", ..Request::get(path, format!("read the log of {pod}")).needs(right) }
}

/// The label selector of a workload as a query has it; `None` for one that picks everything.
fn selector(workload: &Value) -> Option<String> {
    let selector = workload.dig(&["spec", "selector"])?;
    let is_old = selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
    let labels = if is_old { Some(selector) } else { selector.get("matchLabels") };
    let pairs = labels.and_then(Value::as_map).into_iter().flatten();
    let pairs = pairs.filter_map(|it| Some(format!("{}={}", it.key, it.value.as_str()?)));
    let expressions = selector.get("matchExpressions").and_then(Value::as_list).unwrap_or_default();
    let joined = pairs.chain(expressions.iter().filter_map(requirement)).collect::<Vec<_>>().join(",");
    (!joined.is_empty()).then_some(joined)
}

/// An entry of `matchExpressions` as a query has it.
fn requirement(expression: &Value) -> Option<String> {
    let key = expression.get("key").and_then(Value::as_str)?;
    let values = expression.get("values").and_then(Value::as_list).unwrap_or_default();
    let values = values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    match expression.get("operator").and_then(Value::as_str)? {
        "In" => Some(format!("{key} in ({values})")),
        "NotIn" => Some(format!("{key} notin ({values})")),
        "Exists" => Some(key.to_owned()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use weft_base::yaml::{self, Rules};

    #[test]
    fn selectors_are_written_as_queries() {
        for (spec, expected) in [
            ("{matchLabels: {app: web, tier: a}}", Some("app=web,tier=a")),
            ("{app: web}", Some("app=web")),
            ("{matchExpressions: [{key: app, operator: In, values: [a, b]}]}", Some("app in (a,b)")),
            (
                "{matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d]}, \
                 {key: e, operator: Exists}, {key: f, operator: DoesNotExist}]}",
                Some("a=b,c notin (d),e,!f"),
            ),
            ("{}", None),
        ] {
            let file = Arc::new("object.yaml".to_owned());
            let object = yaml::document(&format!("spec: {{selector: {spec}}}"), &file, Rules::Kubernetes).unwrap();
            assert_eq!(selector(&object).as_deref(), expected);
        }
    }
}
