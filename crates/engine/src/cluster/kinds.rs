//! The few built-in kinds that this module itself works with.

use weft_schema::{Gvk, Resource, Scope};

/// `v1` Secrets.
pub(super) fn secrets() -> Resource {
    resource("v1", "Secret", "secrets", Scope::Namespaced)
}

/// `v1` ConfigMaps.
pub(super) fn config_maps() -> Resource {
    resource("v1", "ConfigMap", "configmaps", Scope::Namespaced)
}

/// `v1` Namespaces.
pub(super) fn namespaces() -> Resource {
    resource("v1", "Namespace", "namespaces", Scope::Cluster)
}

/// `v1` Pods.
pub(super) fn pods() -> Resource {
    resource("v1", "Pod", "pods", Scope::Namespaced)
}

/// `v1` Events.
pub(super) fn events() -> Resource {
    resource("v1", "Event", "events", Scope::Namespaced)
}

/// Leases.
pub(super) fn leases() -> Resource {
    resource("coordination.k8s.io/v1", "Lease", "leases", Scope::Namespaced)
}

/// Storage classes.
pub(super) fn storage_classes() -> Resource {
    resource("storage.k8s.io/v1", "StorageClass", "storageclasses", Scope::Cluster)
}

/// Definitions of kinds.
pub(super) fn definitions() -> Resource {
    resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", Scope::Cluster)
}

fn resource(api_version: &str, kind: &str, plural: &str, scope: Scope) -> Resource {
    Resource { gvk: Gvk::new(api_version, kind), plural: plural.to_owned(), scope, verbs: Vec::new() }
}
