//! The rights that the operator needs, and those that its accounts need. The chart, the documentation and the tests
//! take them from here.

/// Verbs on a resource, with what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededRight {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The resource in the plural, with its subresource.
    pub resource: &'static str,
    /// The only resource name that is needed, if one is enough.
    pub name: Option<&'static str>,
    pub verbs: &'static [&'static str],
    /// What they are for.
    pub why: &'static str,
    /// The switch that makes them necessary.
    pub when: RightCondition,
}

/// The switch that makes a right necessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightCondition {
    /// Always.
    Always,
    /// Unless `--strict`.
    Default,
    /// With `--impersonate-for-cleanup`.
    Impersonating,
}

/// What the operator's own account needs in the whole cluster. The right to write a ConfigMap is not among them.
pub const OPERATOR: &[NeededRight] = &[
    needed("", "serviceaccounts/token", &["create"], "tokens, with which all ConfigMaps are read and written"),
    needed("weaver.example.com", "configmapsyncs", &["get", "list", "watch", "patch"], "the objects, and finalizers"),
    needed("weaver.example.com", "configmapsyncs/status", &["patch"], "their status"),
    needed("", "namespaces", &["get", "list", "watch"], "where copies go"),
    needed("", "serviceaccounts", &["list", "watch"], "whose rights there are"),
    NeededRight {
        when: RightCondition::Default,
        ..needed("", "configmaps", &["list", "watch"], "what changes; only metadata is asked for")
    },
    NeededRight {
        name: Some("configmapsyncs.weaver.example.com"),
        ..needed(
            "apiextensions.k8s.io",
            "customresourcedefinitions",
            &["get"],
            "whether the definition itself is deleted, which keeps the copies",
        )
    },
    needed("events.k8s.io", "events", &["create", "patch"], "events"),
    NeededRight {
        when: RightCondition::Impersonating,
        ..needed("", "serviceaccounts", &["impersonate"], "cleaning up after an account that is gone")
    },
];

/// What an account needs in the source's namespace.
pub const SOURCE: &[NeededRight] = &[needed("", "configmaps", &["get"], "the source")];

/// What an account needs in each namespace that is copied to.
pub const TARGET: &[NeededRight] =
    &[needed("", "configmaps", &["get", "list", "create", "patch", "delete"], "the copies")];

const fn needed(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    why: &'static str,
) -> NeededRight {
    NeededRight { group, resource, name: None, verbs, why, when: RightCondition::Always }
}
