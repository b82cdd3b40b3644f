//! Rendered text -> [`Desired`]: objects with identity and origin, in one canonical form.

use std::fmt;
use std::sync::Arc;

use crate::schema::{GroupKind, Gvk};
use crate::value::{Origin, Value};

/// Which object: kind, namespace and name. The version it is written in does not belong to its identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The kind.
    pub kind: GroupKind,
    /// The namespace; `None` for an object of the whole cluster.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    /// `Deployment.apps apps/app-flask`, or `Namespace apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// One object as the repository wants it.
#[derive(Clone, Debug)]
pub struct Object {
    /// Which object.
    pub id: ObjectId,
    /// The version it is written in.
    pub gvk: Gvk,
    /// The release that it belongs to.
    pub release: Arc<str>,
    /// The whole object in canonical form; leaves that came from secrets are masked.
    pub body: Value,
    /// The template or file, and the line of the rendered text where it begins.
    pub origin: Origin,
    /// A namespace that no file declares, for a release with `createNamespace`: created where it is missing, otherwise
    /// left as it is; it is never part of an inventory, and so never deleted.
    pub implicit: bool,
}

/// All objects of the selected releases, in the order of the releases and of their files.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The objects; no two have the same identity.
    pub objects: Vec<Object>,
    /// What is suspicious but not wrong, each a full sentence with its place.
    pub warnings: Vec<String>,
}
