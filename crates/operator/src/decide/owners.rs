//! Who owns a ConfigMap.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{CopyOwner, DesiredCopy};
use crate::marks::{NamespacedName, OWNER_NAME, OWNER_NAMESPACE, OWNER_UID};

/// Who owns a ConfigMap, as far as it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// We do.
    Us,
    /// An object of our name, which was deleted, did.
    Before,
    /// Another ConfigMapSync does.
    Sync(NamespacedName),
    /// Another tool does.
    Tool(&'static str),
    /// Nobody says so.
    Nobody,
}

/// By which labels and annotations tools own an object.
const TOOLS: &[(&str, &str)] = &[
    ("meta.helm.sh/release-name", "Helm"),
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
];

/// Who owns a ConfigMap.
pub fn holder(meta: &ObjectMeta, owner: &CopyOwner) -> Holder {
    match owner_of(meta) {
        Some(key) if key == owner.key && uid_of(meta) == Some(&owner.uid) => Holder::Us,
        Some(key) if key == owner.key => tool(meta).map_or(Holder::Before, Holder::Tool),
        Some(key) => Holder::Sync(key),
        None => tool(meta).map_or(Holder::Nobody, Holder::Tool),
    }
}

/// Whether a ConfigMap is ours, for deleting it: labels, UID and name all say so. A label alone can be planted.
pub fn is_ours(object: &ConfigMap, owner: &CopyOwner, name: &str) -> bool {
    object.metadata.name.as_deref() == Some(name) && holder(&object.metadata, owner) == Holder::Us
}

/// Whether a ConfigMap is a copy, of whatever owner.
pub fn is_copy(meta: &ObjectMeta) -> bool {
    let labels = meta.labels.as_ref();
    labels.is_some_and(|it| it.contains_key(OWNER_NAMESPACE) || it.contains_key(OWNER_NAME))
}

/// Whether a copy of an object of our name is taken up again by us: it is just what we would write.
pub(super) fn is_taken_up(object: &ConfigMap, wanted: &DesiredCopy) -> bool {
    let mut marked = object.clone();
    let uid = wanted.annotations.get(OWNER_UID).cloned().unwrap_or_default();
    marked.metadata.annotations.get_or_insert_default().insert(OWNER_UID.to_owned(), uid);
    wanted.difference(&marked).is_none()
}

/// The owner that the labels name.
pub fn owner_of(meta: &ObjectMeta) -> Option<NamespacedName> {
    let labels = meta.labels.as_ref()?;
    Some(NamespacedName::new(labels.get(OWNER_NAMESPACE)?, labels.get(OWNER_NAME)?))
}

/// The UID of the owner that an annotation notes.
pub fn uid_of(meta: &ObjectMeta) -> Option<&String> {
    meta.annotations.as_ref()?.get(OWNER_UID)
}

fn tool(meta: &ObjectMeta) -> Option<&'static str> {
    let has = |keys: Option<&BTreeMap<String, String>>, key: &str| keys.is_some_and(|it| it.contains_key(key));
    let marked = TOOLS.iter().find(|(key, _)| has(meta.labels.as_ref(), key) || has(meta.annotations.as_ref(), key));
    let managed = meta.labels.as_ref().and_then(|it| it.get("app.kubernetes.io/managed-by"));
    marked.map(|(_, tool)| *tool).or_else(|| managed.is_some_and(|it| it == "Helm").then_some("Helm"))
}
