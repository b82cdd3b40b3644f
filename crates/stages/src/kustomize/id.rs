//! What tells resources apart while a kustomization is built.

use std::fmt;

use super::scopes;
use weft_schema::Gvk;

/// The namespace that stands for none.
const NOWHERE: &str = "_non_namespaceable_";

/// A resource's identity, or one that it had before it was renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Id {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// The name.
    pub name: String,
    /// The namespace as it is written, or the effective one of an identity that was left.
    pub namespace: String,
    /// Whether the kind is known to have no namespace.
    pub cluster: bool,
}

impl Id {
    /// The identity of a resource of a kind that is built in, or whose scope makes no difference.
    pub fn new(gvk: Gvk, name: &str, namespace: &str) -> Self {
        let cluster = scopes::is_cluster_scoped(&gvk);
        Self { gvk, name: name.to_owned(), namespace: namespace.to_owned(), cluster }
    }

    /// The namespace that counts: `default` where none is written.
    pub fn effective_namespace(&self) -> &str {
        match self.namespace.as_str() {
            _ if self.cluster => NOWHERE,
            "" => "default",
            namespace => namespace,
        }
    }

    /// What two identities of the same object have in common.
    pub fn key(&self) -> Key {
        Key(self.gvk.clone(), self.name.clone(), self.effective_namespace().to_owned())
    }

    /// Whether both are in the same namespace, or in none.
    pub fn shares_namespace(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }
}

impl fmt::Display for Id {
    /// `apps/v1 Deployment ns/name`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.gvk)?;
        match self.namespace.as_str() {
            "" | NOWHERE => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

/// An identity by which resources are looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(Gvk, String, String);

/// A kind as fields and references select it: what is empty selects anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(default)]
pub struct Selected {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl Selected {
    /// Whether it selects a kind.
    pub fn selects(&self, gvk: &Gvk) -> bool {
        let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        fits(&self.kind, &gvk.kind) && fits(&self.group, &gvk.group) && fits(&self.version, &gvk.version)
    }

    /// Whether whatever it selects, the other selects, too.
    pub fn is_selected_by(&self, other: &Self) -> bool {
        let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        fits(&other.kind, &self.kind) && fits(&other.group, &self.group) && fits(&other.version, &self.version)
    }
}
