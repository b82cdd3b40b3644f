//! The rights that a run needs, and no more.

use std::collections::BTreeSet;

use super::Right;
use super::kinds::{events, leases, namespaces, pods, secrets};
use weft_schema::Resource;

/// What a user may do in an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLevel {
    /// To look: `diff`, `plan`, `drift`, `status`, `get`, `history`.
    #[default]
    Read,
    /// To change as well: `apply`, `rollback`, `destroy`. It includes dry runs.
    Apply,
}

impl AccessLevel {
    /// The rights that it takes, for objects of these kinds in these namespaces, and with the state in that namespace.
    pub fn needs(self, objects: &[ResourcePlace], state: &str) -> BTreeSet<Right> {
        let mut needs = BTreeSet::new();
        let mut add = |verbs: &[&str], resource: &Resource, namespace: Option<&str>| {
            needs.extend(verbs.iter().map(|verb| Right::new(verb, resource, namespace)));
        };
        let (object, own): (&[&str], &[&str]) = match self {
            Self::Read => (&["list"], &["get", "list"]),
            Self::Apply => {
                (&["list", "get", "create", "patch", "delete"], &["get", "list", "create", "patch", "delete"])
            }
        };
        for ResourcePlace { resource, namespace, made } in objects {
            // A namespace that is made where it is missing is never deleted.
            let object = if *made && self == Self::Apply { ["list", "create", "patch"].as_slice() } else { object };
            add(object, resource, namespace.as_deref());
        }
        add(own, &secrets(), Some(state));
        if self == Self::Apply {
            add(&["get", "create", "update", "delete"], &leases(), Some(state));
            // The namespace of the state is made with the first apply.
            add(&["create"], &namespaces(), None);
            let log = Resource { plural: "pods/log".to_owned(), ..pods() };
            for namespace in objects.iter().filter_map(|it| it.namespace.as_deref()) {
                // For the cause where something does not become healthy.
                add(&["list"], &pods(), Some(namespace));
                add(&["list"], &events(), Some(namespace));
                add(&["get"], &log, Some(namespace));
            }
        }
        needs
    }
}

/// A kind of object in a namespace.
#[derive(Clone, Debug)]
pub struct ResourcePlace {
    /// Their kind.
    pub resource: Resource,
    /// Their namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// Whether they are namespaces that no file declares, and that are made where they are missing.
    pub made: bool,
}
