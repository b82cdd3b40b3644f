//! [`Comparison`](crate::diff::Comparison) -> [`Plan`]: what will be done, in which order, and what is refused.

use std::fmt;

use crate::diff::ObjectComparison;
use crate::manifest::ObjectId;

/// All that an apply would do. It is data: the text that people read and the steps that run are views of it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The environment.
    pub environment: String,
    /// The steps, sorted by wave. Steps of a wave may run side by side; a wave starts when the one before has ended.
    pub steps: Vec<Step>,
    /// Why the plan must not be applied as it is; empty for one that may.
    pub refusals: Vec<Refusal>,
}

/// One object and what is done to it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The wave, from 0.
    pub wave: usize,
    /// The object, with its field changes.
    pub object: ObjectComparison,
}

/// What is done to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Created by an apply.
    Create,
    /// Changed by an apply.
    Update,
    /// Deleted and created again, since this field cannot be changed.
    Recreate {
        /// The cause.
        reason: String,
    },
    /// Deleted, since it left the repository.
    Delete,
    /// Left alone although it left the repository, for this reason; it leaves the inventory.
    Keep {
        /// The cause.
        reason: String,
    },
    /// Nothing to do: no request is sent.
    Unchanged,
    /// It leaves the inventory: it is in neither the repository nor the cluster.
    Forget,
    /// Unknown: nothing is done, and the run says so.
    Unknown {
        /// What could not be told.
        reason: String,
    },
}

/// A guard's no. Each names what would lift it.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// More would be deleted than the cap allows.
    PruneCap {
        /// How many would be deleted.
        deletes: usize,
        /// How many may be.
        cap: usize,
        /// What confirms exactly these deletions.
        confirm: String,
    },
    /// The repository renders nothing, and the inventory has objects.
    EmptyRender {
        /// The release.
        release: String,
    },
    /// A kind that holds data or other objects would be deleted.
    DataBearing {
        /// The object.
        id: ObjectId,
    },
    /// Somebody else's tool owns fields that we want to set.
    Conflict {
        /// The object.
        id: ObjectId,
        /// The field.
        path: String,
        /// The field manager.
        manager: String,
    },
    /// The object belongs to another apply set.
    ForeignSet {
        /// The object.
        id: ObjectId,
        /// The set that its label names.
        set: String,
    },
    /// A field that cannot change would have to.
    Immutable {
        /// The object.
        id: ObjectId,
        /// The field.
        path: String,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Recreate { .. } => "recreate",
            Self::Delete => "delete",
            Self::Keep { .. } => "keep",
            Self::Unchanged => "unchanged",
            Self::Forget => "forget",
            Self::Unknown { .. } => "unknown",
        })
    }
}
