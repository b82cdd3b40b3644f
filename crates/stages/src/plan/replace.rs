//! Objects that must be recreated to become what is wanted: what is lost with them, and who may allow it.

use std::collections::BTreeSet;

use super::{Dependents, Guards, PlanContext, ReleaseFacts, immutable, order, prune};
use crate::diff::{ObjectComparison, Residents};
use crate::manifest::ObjectId;
use crate::project::ReplaceRule;
use weft_base::value::{Path, Value};

/// How many custom resources of a definition are named.
const NAMED: usize = 100;

/// Why an object has to be recreated, and what of it stays.
pub(super) fn reason(fields: &[Path], owned: Dependents) -> String {
    let names: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    let noun = if names.len() == 1 { "the field" } else { "the fields" };
    let stays = match owned {
        Dependents::Go => "",
        Dependents::Stay => " (its pods and claims stay, and the new one takes them over)",
    };
    format!("{noun} {} cannot be changed after creation{stays}", names.join(", "))
}

/// What becomes of what the object owns. A stateful set leaves its pods and claims behind, unless the new one could not
/// take the pods over: it would not select them, or their volumes would not be those of its claim templates.
pub(super) fn owned(object: &ObjectComparison) -> Dependents {
    if !is_stateful_set(object) {
        return Dependents::Go;
    }
    let bodies = (object.live.as_ref().map(|it| &it.body), object.desired.as_ref().map(|it| &it.body));
    let selects = !object.about_to_change().any(|change| change.path.to_string().starts_with("spec.selector"));
    let same_claims = bodies.0.map(claims) == bodies.1.map(claims);
    if selects && same_claims { Dependents::Stay } else { Dependents::Go }
}

/// Whether an object may be recreated at all: never if data would be lost.
pub(super) fn replaceable(object: &ObjectComparison) -> bool {
    let live = object.live.as_ref().map(|live| &live.body);
    let claims_go = owned(object) == Dependents::Go && live.is_some_and(|live| going_claims(live).is_some());
    let loses_data = is_stateful_set(object) && claims_go;
    !loses_data && !prune::is_guarded(&object.id)
}

fn is_stateful_set(object: &ObjectComparison) -> bool {
    object.id.kind.to_string() == "StatefulSet.apps"
}

/// The names of the claim templates.
fn claims(body: &Value) -> BTreeSet<&str> {
    let templates = body.dig(&["spec", "volumeClaimTemplates"]).and_then(Value::as_list).unwrap_or_default();
    templates.iter().filter_map(|it| it.dig(&["metadata", "name"])?.as_str()).collect()
}

/// What goes with an object that is deleted, each in a few words.
pub(super) fn loses(object: &ObjectComparison, around: &PlanContext<'_>) -> Vec<String> {
    let Some(live) = object.live.as_ref().map(|live| &live.body) else { return Vec::new() };
    match object.id.kind.to_string().as_str() {
        "Deployment.apps" | "ReplicaSet.apps" | "ReplicationController" => pods(live, &["status", "replicas"]),
        "DaemonSet.apps" => pods(live, &["status", "currentNumberScheduled"]),
        "StatefulSet.apps" if owned(object) == Dependents::Stay => Vec::new(),
        "StatefulSet.apps" => {
            let lost = pods(live, &["status", "replicas"]).into_iter();
            let stay = if going_claims(live).is_none() { " (its claims stay, with their data)" } else { "" };
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
        "CustomResourceDefinition.apiextensions.k8s.io" => resources(object, around),
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

/// The claims of a stateful set that are deleted with it.
fn going_claims(live: &Value) -> Option<String> {
    let policy = live.dig(&["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"])?.as_str()?;
    let templates = live.dig(&["spec", "volumeClaimTemplates"])?.as_list()?;
    let go = policy == "Delete" && !templates.is_empty();
    go.then(|| "its claims and their data, as long as it says `whenDeleted: Delete`".to_owned())
}

/// The addresses that a recreated Service gets anew unless the repository fixes them.
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

/// The custom resources of a definition: all that the cluster has, or, where it could not be asked, those that an
/// inventory knows.
fn resources(object: &ObjectComparison, around: &PlanContext<'_>) -> Vec<String> {
    // It is the kind that is there, not the one that is wanted.
    let there = ObjectComparison { desired: None, ..object.clone() };
    let Some(kind) = order::defined(&there) else { return Vec::new() };
    let (known, rest): (Vec<ObjectId>, _) = match around.residents.get(&object.id) {
        Some(Residents::Known(all)) if all.is_empty() => {
            (Vec::new(), Some(format!("no object: the cluster has no {}", kind.kind)))
        }
        Some(Residents::Known(all)) => (all.iter().cloned().collect(), None),
        Some(Residents::Unknown(_)) | None => {
            let known = around.releases.iter().flat_map(|release| release.inventory.ids()).filter(|id| id.kind == kind);
            (known.collect(), Some(format!("every other {} in the cluster", kind.kind)))
        }
    };
    let mut lost: Vec<String> = known.iter().take(NAMED).map(|id| format!("`{id}`")).collect();
    if known.len() > NAMED {
        lost.push(format!("{} more", known.len() - NAMED));
    }
    lost.into_iter().chain(rest).collect()
}

/// Whether a word of the user names this object, or rules allow that these fields lead to it.
pub(super) fn allowed(object: &ObjectComparison, facts: Option<&ReleaseFacts>, guards: &Guards) -> bool {
    let id = &object.id;
    let fields = immutable::immutable(object);
    let is_about = |rule: &&ReplaceRule| rule.objects.fits(&id.kind, id.namespace.as_deref(), &id.name);
    let rules: Vec<&ReplaceRule> = facts.iter().flat_map(|facts| &facts.replace).filter(is_about).collect();
    let covers = |rule: &&ReplaceRule, field| rule.paths.is_empty() || rule.paths.iter().any(|it| it.covers(field));
    let by_rule = !fields.is_empty() && fields.iter().all(|field| rules.iter().any(|rule| covers(rule, field)));
    by_rule || guards.replace.iter().any(|word| names(word, id))
}

/// What `--replace` needs to hear.
pub(super) fn word(id: &ObjectId) -> String {
    match &id.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", id.kind, id.name),
        None => format!("{}/{}", id.kind, id.name),
    }
}

/// Whether a word names an object: `KIND/NAME`, with the kind's group and the namespace where they are said.
pub(crate) fn names(word: &str, id: &ObjectId) -> bool {
    let parts: Vec<&str> = word.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, None, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => return false,
    };
    let is_kind = kind.eq_ignore_ascii_case(&id.kind.kind) || kind.eq_ignore_ascii_case(&id.kind.to_string());
    is_kind && name == id.name && namespace.is_none_or(|namespace| id.namespace.as_deref() == Some(namespace))
}
