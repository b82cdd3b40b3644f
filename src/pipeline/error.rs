//! What goes wrong between the stages.

use thiserror::Error;

use crate::cluster::WriteError;
use crate::diagnostic::{Diagnose, Kind};
use crate::manifest::ObjectId;
use crate::state::saved::SavedError;
use crate::value::Origin;

/// What goes wrong between the stages.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// The server was lost while it was asked about an object.
    #[error("the server was lost while it was asked about {id}")]
    Lost {
        /// The object.
        id: ObjectId,
        /// What happened.
        #[source]
        source: WriteError,
    },
    /// The kubeconfigs of environments are in each other's clusters.
    #[error("the cluster of an environment is named by a Secret in its own cluster: {}", chain.join(" -> "))]
    CircularKubeconfig {
        /// The environments, the first one twice.
        chain: Vec<String>,
        /// Where the Secret is named.
        origin: Origin,
    },
    /// A word names no object that is managed.
    #[error("no object of these releases is `{word}`")]
    NoSuchObject {
        /// The word.
        word: String,
    },
    /// Another run applied the environment after it was planned.
    #[error("the plan is stale: another run has applied `{environment}` since it was made")]
    Stale {
        /// The environment.
        environment: String,
    },
    /// A plan cannot be saved, or a saved plan cannot be applied.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// This process cannot listen for signals.
    #[error("this process cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// No random bytes are to be had.
    #[error("this machine gives no random bytes")]
    Random(#[source] getrandom::Error),
}

impl Diagnose for PipelineError {
    fn kind(&self) -> Kind {
        match self {
            Self::Lost { .. } => Kind::Cluster,
            Self::CircularKubeconfig { .. } | Self::NoSuchObject { .. } => Kind::Input,
            Self::Stale { .. } => Kind::Refused,
            Self::Saved(error) => error.kind(),
            Self::Random(_) | Self::Signals(_) => Kind::Machine,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::CircularKubeconfig { origin, .. } => Some(origin),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Lost { .. } => Some("Nothing was changed. Run it again when the server answers.".into()),
            Self::Stale { .. } => Some("Nothing was changed. Plan once more, and look at it again.".into()),
            Self::Saved(error) => error.hint(),
            Self::CircularKubeconfig { .. } => {
                Some("Name the cluster of one of them by a kubeconfig and its context.".into())
            }
            Self::NoSuchObject { .. } => {
                Some("Write `KIND/NAME` or `Kind.group/NAMESPACE/NAME`; `weft status` shows what there is.".into())
            }
            Self::Random(_) | Self::Signals(_) => None,
        }
    }
}
