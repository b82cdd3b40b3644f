//! Objects that can only become what is wanted by being made again: what goes with them, and whose word allows it.

use super::{Guards, ReleaseFacts, order};
use crate::diff::ObjectComparison;
use crate::manifest::ObjectId;
use crate::value::{Path, Value};

/// How many custom resources of a definition are named.
const NAMED: usize = 5;

/// Why an object has to be made again.
pub(super) fn reason(fields: &[Path]) -> String {
    let names: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    let noun = if names.len() == 1 { "the field" } else { "the fields" };
    format!("{noun} {} cannot be changed after creation", names.join(", "))
}

/// What goes with an object that is deleted, each in a few words.
pub(super) fn loses(object: &ObjectComparison, releases: &[ReleaseFacts]) -> Vec<String> {
    let Some(live) = object.live.as_ref().map(|live| &live.body) else { return Vec::new() };
    match object.id.kind.to_string().as_str() {
        "Deployment.apps" | "ReplicaSet.apps" | "ReplicationController" => pods(live, &["status", "replicas"]),
        "DaemonSet.apps" => pods(live, &["status", "currentNumberScheduled"]),
        "StatefulSet.apps" => {
            let lost = pods(live, &["status", "replicas"]).into_iter();
            let stay = claims(live).unwrap_or_default();
            lost.map(|pods| pods + stay).chain(going_claims(live)).collect()
        }
        "Job.batch" => {
            let mut lost = pods(live, &["status", "active"]);
            lost.push("its record of what it did: it runs again".to_owned());
            lost
        }
        "Pod" => vec!["the pod, with what it keeps in its own volumes".to_owned()],
        "Service" => addresses(live, object.desired.as_ref().map(|it| &it.body)),
        "RoleBinding.rbac.authorization.k8s.io" | "ClusterRoleBinding.rbac.authorization.k8s.io" => {
            vec!["the rights that it gives, until it is there again".to_owned()]
        }
        "PersistentVolumeClaim" => vec!["its data, unless the reclaim policy of its volume is Retain".to_owned()],
        "PersistentVolume" => vec!["the binding to its claim, and the data with it".to_owned()],
        "CustomResourceDefinition.apiextensions.k8s.io" => resources(object, releases),
        _ => Vec::new(),
    }
}

fn pods(live: &Value, count: &[&str]) -> Vec<String> {
    match live.dig(count).and_then(Value::as_i64) {
        Some(1) => vec!["its pod".to_owned()],
        Some(count) if count > 1 => vec![format!("its {count} pods")],
        _ => Vec::new(),
    }
}

/// That the claims of a stateful set stay, if it has any and they do.
fn claims(live: &Value) -> Option<&'static str> {
    let templates = live.dig(&["spec", "volumeClaimTemplates"])?.as_list()?;
    (!templates.is_empty() && going_claims(live).is_none()).then_some(" (its claims stay, with their data)")
}

/// The claims of a stateful set that are deleted with it.
fn going_claims(live: &Value) -> Option<String> {
    let policy = live.dig(&["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"])?.as_str()?;
    (policy == "Delete").then(|| "its claims and their data (`whenDeleted: Delete`)".to_owned())
}

/// The addresses that a Service gets anew, where the repository does not say them.
fn addresses(live: &Value, desired: Option<&Value>) -> Vec<String> {
    let mut lost = Vec::new();
    let wanted = desired.and_then(|it| it.dig(&["spec", "clusterIP"])).and_then(Value::as_str);
    let address = live.dig(&["spec", "clusterIP"]).and_then(Value::as_str).filter(|it| *it != "None");
    if let Some(address) = address.filter(|address| wanted != Some(address)) {
        lost.push(format!("its cluster IP {address}"));
    }
    let ingress = live.dig(&["status", "loadBalancer", "ingress"]).and_then(Value::as_list).unwrap_or_default();
    let outside = ingress.iter().filter_map(|it| it.get("ip").or_else(|| it.get("hostname"))?.as_str());
    lost.extend(outside.map(|address| format!("its address {address} at the load balancer")));
    lost
}

/// The custom resources of a definition that an inventory knows.
fn resources(object: &ObjectComparison, releases: &[ReleaseFacts]) -> Vec<String> {
    // It is the kind that is there, not the one that is wanted.
    let there = ObjectComparison { desired: None, ..object.clone() };
    let Some(kind) = order::defined(&there) else { return Vec::new() };
    let known = releases.iter().flat_map(|release| &release.inventory).filter(|id| id.kind == kind);
    let known: Vec<String> = known.map(|id| format!("`{id}`")).collect();
    let mut lost: Vec<String> = known.iter().take(NAMED).cloned().collect();
    if known.len() > NAMED {
        lost.push(format!("{} more that are known", known.len() - NAMED));
    }
    lost.push(format!("every other {} in the cluster", kind.kind));
    lost
}

/// Whether a word of the user names this object.
pub(super) fn allowed(id: &ObjectId, guards: &Guards) -> bool {
    guards.replace.iter().any(|word| names(word, id))
}

/// What `--replace` needs to hear.
pub(super) fn word(id: &ObjectId) -> String {
    match &id.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", id.kind, id.name),
        None => format!("{}/{}", id.kind, id.name),
    }
}

/// `KIND/NAME`, with the kind's group and the namespace where they are said.
fn names(word: &str, id: &ObjectId) -> bool {
    let parts: Vec<&str> = word.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, None, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => return false,
    };
    let is_kind = kind.eq_ignore_ascii_case(&id.kind.kind) || kind.eq_ignore_ascii_case(&id.kind.to_string());
    is_kind && name == id.name && namespace.is_none_or(|namespace| id.namespace.as_deref() == Some(namespace))
}
