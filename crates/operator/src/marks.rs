//! The labels and annotations that show who owns a copy.

/// The group of the kind, and of everything that marks a copy.
const DOMAIN: &str = "weaver.example.com";

/// The finalizer of a ConfigMapSync.
pub const FINALIZER: &str = "weaver.example.com/cleanup";

/// The finalizer that `kubectl delete --cascade=orphan` sets.
pub const ORPHAN_FINALIZER: &str = "orphan";

/// The label with the namespace of the owner.
pub const OWNER_NAMESPACE: &str = "weaver.example.com/owner-namespace";

/// The label with the name of the owner.
pub const OWNER_NAME: &str = "weaver.example.com/owner-name";

/// The annotation with the UID of the owner.
pub const OWNER_UID: &str = "weaver.example.com/owner-uid";

/// The annotation with the source, as `namespace/name`.
pub const SOURCE_NAME: &str = "weaver.example.com/source";

/// The annotation with the hash of what was copied.
pub const SOURCE_HASH: &str = "weaver.example.com/source-hash";

/// The annotation of a ConfigMapSync whose change forces a run.
pub const RECONCILE_AT: &str = "weaver.example.com/reconcile-at";

/// The annotation of a ConfigMapSync that is deleted and whose copies stay: the finalizer that says so goes early.
pub const KEEP_COPIES: &str = "weaver.example.com/keep-copies";

/// The field manager of the copies.
pub const MANAGER: &str = "weaver";

/// The field manager of the status.
pub const STATUS_MANAGER: &str = "weaver-status";

/// A namespace and a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespacedName {
    pub namespace: String,
    pub name: String,
}

impl NamespacedName {
    /// Of both parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl std::fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Whether a label or annotation is one of the operator's own.
pub fn is_ours(key: &str) -> bool {
    key.strip_prefix(DOMAIN).is_some_and(|rest| rest.starts_with('/'))
}
