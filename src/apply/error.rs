//! Why a run was not begun.

use thiserror::Error;

use crate::cluster::{Refusal, WriteError};
use crate::diagnostic::{Diagnose, Kind};

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
}

impl Diagnose for ApplyError {
    fn kind(&self) -> Kind {
        Kind::Cluster
    }

    fn hint(&self) -> Option<String> {
        let Self::Inventory { source, .. } = self;
        match source {
            WriteError::Refused { refusal: Refusal::Forbidden(right), .. } => {
                Some(format!("This gives the right:\n{}", right.role()))
            }
            _ => Some("The namespace is `stateNamespace` of the environment.".to_owned()),
        }
    }
}
