//! What lives in a namespace, or is of a kind: objects that nothing else owns, whoever made them.

use std::collections::BTreeSet;

use futures::StreamExt as _;

use super::{Cluster, ClusterError};
use weft_base::value::Value;
use weft_schema::{Discovery, GroupKind, Resource, Scope};
use weft_stages::manifest::ObjectId;

/// Kinds that only tell of other objects.
const ECHOES: [&str; 3] = ["Event", "Endpoints", "EndpointSlice"];
/// What a cluster puts into every namespace.
const GIVEN: [(&str, &str); 2] = [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")];
/// Lists that are worked on at once; how many requests are sent is decided by `flight`.
const LISTS: usize = 32;

impl Cluster {
    /// The objects of a kind, in all namespaces, that no other object owns.
    pub async fn objects_of(
        &self,
        kind: &GroupKind,
        discovery: &Discovery,
    ) -> Result<BTreeSet<ObjectId>, ClusterError> {
        match discovery.versions(kind).first() {
            Some(resource) => self.unowned(resource, None).await,
            None => Ok(BTreeSet::new()),
        }
    }

    /// The objects in a namespace that no other object owns, without those that every namespace has.
    pub async fn objects_in(&self, namespace: &str, discovery: &Discovery) -> Result<BTreeSet<ObjectId>, ClusterError> {
        let can = |resource: &Resource, verb: &str| resource.verbs.iter().any(|it| it == verb);
        let preferred = discovery.resources.values().filter_map(|versions| versions.first());
        // What cannot be deleted, such as a measurement, is made up whenever somebody asks.
        let kinds = preferred.filter(|it| it.scope == Scope::Namespaced && can(it, "list") && can(it, "delete"));
        let kinds: Vec<&Resource> = kinds.filter(|it| !ECHOES.contains(&it.gvk.kind.as_str())).collect();
        let lists = kinds.into_iter().map(|resource| self.unowned(resource, Some(namespace)));
        let mut lists = futures::stream::iter(lists).buffer_unordered(LISTS);
        let mut found = BTreeSet::new();
        while let Some(list) = lists.next().await {
            found.extend(list?);
        }
        found.retain(|id| !GIVEN.contains(&(id.kind.kind.as_str(), id.name.as_str())));
        Ok(found)
    }

    async fn unowned(&self, resource: &Resource, namespace: Option<&str>) -> Result<BTreeSet<ObjectId>, ClusterError> {
        let mut found = BTreeSet::new();
        let kind = resource.gvk.group_kind();
        let mut each = |object: Value| {
            let Some(metadata) = object.get("metadata") else { return };
            let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
            let owners = metadata.get("ownerReferences").and_then(Value::as_list).unwrap_or_default();
            if let Some(name) = text("name").filter(|_| owners.is_empty()) {
                found.insert(ObjectId { kind: kind.clone(), namespace: text("namespace"), name });
            }
        };
        self.list(resource, namespace, "", &mut each).await?;
        Ok(found)
    }
}
