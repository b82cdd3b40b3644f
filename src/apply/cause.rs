//! Why an object does not become healthy: its pods, their logs, and the warnings about them.

use crate::cluster::Cluster;
use crate::diff::LiveObject;
use crate::health;
use crate::manifest::ObjectId;
use crate::schema::GroupKind;
use crate::value::Value;

/// Kinds whose pods tell more than they do.
const WORKLOADS: [&str; 6] = ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job"];

/// The cause, as far as it can be seen; who may not see pods or events is told nothing more.
pub(super) async fn of(cluster: &Cluster, object: &LiveObject) -> Option<String> {
    let kind = object.id.kind.kind.as_str();
    if kind == "Pod" {
        return of_pod(cluster, &object.body).await;
    }
    if WORKLOADS.contains(&kind) {
        let mut pods = cluster.pods_of(&object.body).await.unwrap_or_default();
        pods.sort_by(|a, b| created(b).cmp(created(a)));
        for pod in &pods {
            if let Some(cause) = of_pod(cluster, pod).await {
                return Some(format!("pod {}: {cause}", name(pod)));
            }
        }
    }
    cluster.warnings_about(&object.id).await.ok()?.pop()
}

async fn of_pod(cluster: &Cluster, pod: &Value) -> Option<String> {
    let trouble = health::trouble(pod)?;
    let id = ObjectId {
        kind: GroupKind { group: String::new(), kind: "Pod".into() },
        namespace: pod.dig(&["metadata", "namespace"]).and_then(Value::as_str).map(str::to_owned),
        name: name(pod).to_owned(),
    };
    let mut said = trouble.reason;
    if said.contains("probe")
        && let Some(warning) = cluster.warnings_about(&id).await.ok().and_then(|mut all| all.pop())
    {
        said = format!("{said}\n{warning}");
    }
    if let Some((container, previous)) = trouble.log {
        let lines = cluster.last_lines(&id, &container, previous).await.unwrap_or_default();
        if !lines.is_empty() {
            said = format!(
                "{said}; its last lines:\n{}",
                lines.lines().map(|it| format!("  {it}")).collect::<Vec<_>>().join("\n")
            );
        }
    }
    Some(said)
}

fn name(object: &Value) -> &str {
    object.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default()
}

fn created(object: &Value) -> &str {
    object.dig(&["metadata", "creationTimestamp"]).and_then(Value::as_str).unwrap_or_default()
}
