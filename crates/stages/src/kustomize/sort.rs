//! `sortOptions` and `--reorder legacy`.

use super::KustomizeError;
use super::id::Id;
use super::resources::Resources;
use super::spec::{LegacySortOptions, SortOptions};
use weft_base::value::Origin;
use weft_schema::Gvk;

/// The kinds that come first, and last, where nothing else is said.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Orders resources as the options of a kustomization say.
pub fn by_options(resources: &mut Resources, options: &SortOptions, origin: &Origin) -> Result<(), KustomizeError> {
    let legacy = options.legacy_sort_options.as_ref();
    match (options.order.as_str(), legacy) {
        ("legacy", Some(legacy)) => by_kind(resources, legacy),
        ("legacy", None) => by_kind(resources, &builtin()),
        ("fifo", None) => {}
        _ => return Err(KustomizeError::SortOptions { order: options.order.clone(), origin: origin.clone() }),
    }
    Ok(())
}

/// The order of kinds that `--reorder legacy` means.
pub fn builtin() -> LegacySortOptions {
    let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
    LegacySortOptions { order_first: owned(&FIRST), order_last: owned(&LAST) }
}

/// Orders resources by kind, then by what they are.
pub fn by_kind(resources: &mut Resources, options: &LegacySortOptions) {
    let rank = |kind: &str| {
        let first = options.order_first.iter().rposition(|it| it == kind);
        let last = options.order_last.iter().rposition(|it| it == kind);
        match (last, first) {
            (Some(at), _) => (2, at),
            (None, Some(at)) => (0, at),
            (None, None) => (1, 0),
        }
    };
    resources.rename().sort_by_cached_key(|it| {
        let id = it.id();
        (rank(&id.gvk.kind), by_group(&id.gvk), named(&id))
    });
}

/// What kinds are ordered by: those that come first, then by group, version and kind.
pub fn kind_key(group: &str, version: &str, kind: &str) -> (u8, usize, String) {
    let at = |list: &[&str]| list.iter().position(|it| *it == kind);
    let (part, place) = match (at(&LAST), at(&FIRST)) {
        (Some(at), _) => (2, at),
        (None, Some(at)) => (0, at),
        (None, None) => (1, 0),
    };
    (part, place, format!("{}_{}_{}", or(group, "~G"), or(version, "~V"), or(kind, "~K")))
}

fn or<'t>(text: &'t str, none: &'t str) -> &'t str {
    if text.is_empty() { none } else { text }
}

fn by_group(gvk: &Gvk) -> String {
    if gvk.kind == "Namespace" && gvk.group.is_empty() {
        return String::new();
    }
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

fn named(id: &Id) -> String {
    let (group, version, kind) = (or(&id.gvk.group, "[noGrp]"), or(&id.gvk.version, "[noVer]"), &id.gvk.kind);
    format!("{kind}.{version}.{group}|{}|{}", or(&id.namespace, "~X"), or(&id.name, "~N"))
}
