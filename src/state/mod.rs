//! The formats of what is kept in the cluster: inventories with what was applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diff::Recorded;
use crate::manifest::ObjectId;

/// What a release has in the cluster: a superset while it is applied, exact after the prune.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// The environment.
    pub environment: String,
    /// The release.
    pub release: Arc<str>,
    /// The commit that was applied last, if the project is a git repository.
    pub commit: Option<String>,
    /// Its objects. One that is being created has no record yet.
    pub objects: BTreeMap<ObjectId, Member>,
}

/// One object of an inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The version in which it was last applied, so that it can be found and deleted.
    pub api_version: String,
    /// What was recorded after its last apply.
    pub recorded: Option<Arc<Recorded>>,
}
