//! Why a run was not begun.

use thiserror::Error;

use crate::cluster::{Refusal, WriteError};
use weft_base::diagnostic::{Diagnose, Kind};
use weft_stages::manifest::ObjectId;

/// What kept a run from beginning. What goes wrong later is an event.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Without an inventory what is created could be forgotten.
    #[error("the inventory of release `{release}` cannot be saved in namespace `{namespace}`, so nothing was applied")]
    Inventory {
        /// The release.
        release: String,
        /// The state namespace.
        namespace: String,
        /// Why.
        source: WriteError,
    },
    /// The cluster moved: what shall be taken over from other tools is not as the plan saw it.
    #[error("the plan is stale: {} changed since it was made", names(objects))]
    Stale {
        /// The objects.
        objects: Vec<ObjectId>,
    },
}

fn names(objects: &[ObjectId]) -> String {
    objects.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

impl Diagnose for ApplyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Inventory { .. } => Kind::Cluster,
            Self::Stale { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Inventory { source: WriteError::Refused { refusal: Refusal::Forbidden(right), .. }, .. } => {
                format!("This gives the right:\n{}", right.role())
            }
            Self::Inventory { .. } => "The namespace is `stateNamespace` of the environment.".to_owned(),
            Self::Stale { .. } => "Nothing was changed. Plan once more, and look at it again.".to_owned(),
        })
    }
}
