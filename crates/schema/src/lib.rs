#![doc = include_str!("../README.md")]
//!
//! What an API server serves: kinds, their versions and scopes, and the shapes of their objects.
//!
//! [`Discovery`] and [`Schemas`] are inputs of the pure stages. It comes from the target, or from the table shipped for a Kubernetes
//! version; the CRDs of a plan extend it.
#![deny(missing_docs)]

mod crd;
pub mod fields;
pub mod merge;
mod openapi;
pub mod patch;
pub mod quantity;
mod table;
mod types;
mod validate;
mod zeros;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::openapi::{builtin_schemas, slim};
pub use self::table::rows;
pub use self::table::{BUILTIN_VERSION, RELEASES, Removed, builtin, is_builtin_group, removed, served};
pub use self::types::{ListType, MapType, Scalar, Schemas, Strategy, Type, Zero};
pub use self::validate::{
    Documents, Expression, ExpressionError, Program, ProgramError, Stuck, Subject, Unanswered, Validated, Violation,
};

/// A group and a kind: what an object is, whatever version it is written in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

impl GroupKind {
    /// The kind of namespaces.
    pub fn namespace() -> Self {
        Self { group: String::new(), kind: "Namespace".to_owned() }
    }

    /// Whether its objects are namespaces.
    pub fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }

    /// Whether its objects are definitions of kinds (`CustomResourceDefinition`).
    pub fn is_definition(&self) -> bool {
        self.group == "apiextensions.k8s.io" && self.kind == "CustomResourceDefinition"
    }
}

/// A group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One for the whole cluster.
    Cluster,
    /// In a namespace.
    Namespaced,
}

/// One kind that a server serves in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The kind.
    pub gvk: Gvk,
    /// The name in URLs.
    pub plural: String,
    /// Where its objects live.
    pub scope: Scope,
    /// What can be done with it: `list`, `patch`, ...
    pub verbs: Vec<String>,
}

/// All that a server serves.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The server's version, such as `v1.36.3`.
    pub server_version: String,
    /// By kind, the served versions, the server's preferred one first.
    pub resources: BTreeMap<GroupKind, Vec<Resource>>,
    /// Groups that could not be asked (an aggregated API that is down), with the reason.
    pub unavailable: BTreeMap<String, String>,
}

impl Gvk {
    /// From the two fields that every object has.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// The field `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The same without the version.
    pub fn into_group_kind(self) -> GroupKind {
        GroupKind { group: self.group, kind: self.kind }
    }

    /// The same without the version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

impl Discovery {
    /// The resource of exactly this version.
    pub fn resource(&self, gvk: &Gvk) -> Option<&Resource> {
        self.versions(&gvk.group_kind()).iter().find(|r| r.gvk.version == gvk.version)
    }

    /// All served versions of a kind, the preferred one first; empty for an unknown kind.
    pub fn versions(&self, kind: &GroupKind) -> &[Resource] {
        self.resources.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Adds a resource, after those that are there; the same version again replaces it.
    pub fn add(&mut self, resource: Resource) {
        let versions = self.resources.entry(resource.gvk.group_kind()).or_default();
        match versions.iter_mut().find(|r| r.gvk == resource.gvk) {
            Some(old) => *old = resource,
            None => versions.push(resource),
        }
    }
}

impl fmt::Display for GroupKind {
    /// `Deployment.apps`, or `ConfigMap` in the core group.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

impl fmt::Display for Gvk {
    /// `apps/v1 Deployment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}
