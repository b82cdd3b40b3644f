//! The order of kinds: the rank of each, and what namespaces and definitions contain.

use std::sync::LazyLock;

use crate::diff::ObjectComparison;
use crate::diff::table::{fits, rows};
use crate::manifest::ObjectId;
use weft_base::value::Value;
use weft_schema::GroupKind;

static RANKS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| rows(include_str!("order.txt")).collect());

/// Whether it is a namespace.
pub(super) fn is_namespace(id: &ObjectId) -> bool {
    id.kind.is_namespace()
}

/// The namespace of this name.
pub(super) fn namespace(name: &str) -> ObjectId {
    ObjectId { kind: GroupKind::namespace(), namespace: None, name: name.to_owned() }
}

/// The kind that a CRD defines.
pub(super) fn defined(object: &ObjectComparison) -> Option<GroupKind> {
    if !object.id.kind.is_definition() {
        return None;
    }
    let bodies = [object.desired.as_ref().map(|d| &d.body), object.live.as_ref().map(|l| &l.body)];
    let spec = bodies.into_iter().flatten().find_map(|body| body.get("spec"))?;
    let text = |keys: &[&str]| spec.dig(keys).and_then(Value::as_str).map(str::to_owned);
    Some(GroupKind { group: text(&["group"])?, kind: text(&["names", "kind"])? })
}

/// The line of the table: one that names the kind, else one that names its ending, else the one for all others.
pub(super) fn rank(kind: &GroupKind) -> usize {
    let name = kind.to_string();
    let line = |fits: &dyn Fn(&str) -> bool| RANKS.iter().position(|row| row.iter().any(|pattern| fits(pattern)));
    line(&|pattern| pattern == name)
        .or_else(|| line(&|pattern| pattern != "*" && fits(pattern, &kind.kind)))
        .or_else(|| line(&|pattern| pattern == "*"))
        .unwrap_or(RANKS.len())
}

/// Whether no line of the table names the kind: custom resources, most of all.
pub(super) fn is_other(kind: &GroupKind) -> bool {
    RANKS.get(rank(kind)).is_some_and(|row| row.as_slice() == ["*"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank_of(kind: &str) -> usize {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        rank(&GroupKind { group: group.into(), kind: kind.into() })
    }

    #[test]
    fn kinds_come_after_what_they_depend_on() {
        let order = [
            "Namespace",
            "CustomResourceDefinition.apiextensions.k8s.io",
            "StorageClass.storage.k8s.io",
            "ServiceAccount",
            "RoleBinding.rbac.authorization.k8s.io",
            "ConfigMap",
            "PersistentVolumeClaim",
            "Service",
            "Deployment.apps",
            "Ingress.networking.k8s.io",
            "ConfigMapSync.weaver.example.com",
            "APIService.apiregistration.k8s.io",
            "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        ];
        let ranks: Vec<usize> = order.iter().map(|kind| rank_of(kind)).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        assert_eq!(rank_of("GatewayClass.gateway.networking.k8s.io"), rank_of("StorageClass.storage.k8s.io"));
    }
}
