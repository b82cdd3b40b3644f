//! What goes wrong between the stages.

use thiserror::Error;

use crate::cluster::WriteError;
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::value::{Origin, PatternError};
use weft_stages::manifest::ObjectId;
use weft_stages::state::saved::SavedError;

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
        source: Box<WriteError>,
    },
    /// The kubeconfigs of environments are in each other's clusters.
    #[error("the cluster of an environment is named by a Secret in its own cluster: {}", chain.join(" -> "))]
    CircularKubeconfig {
        /// The environments, the first one twice.
        chain: Vec<String>,
        /// Where the Secret is named.
        origin: Origin,
    },
    /// Templates ask for other live objects each time.
    #[error("templates ask for live objects without an end: last for {asked}")]
    Lookups {
        /// What they ask for, in words.
        asked: String,
    },
    /// What is to be tested was never applied.
    #[error("the release `{release}` is not applied")]
    NotApplied {
        /// The release.
        release: String,
    },
    /// A word names no object that is managed.
    #[error("no object of these releases is `{word}`")]
    NoSuchObject {
        /// The word.
        word: String,
    },
    /// A word means no object of the repository, or several.
    #[error("{}", no_object(word, several))]
    NoObject {
        /// The word.
        word: String,
        /// The nearest object.
        nearest: Option<String>,
        /// Those that it means.
        several: Vec<String>,
    },
    /// Neither the repository nor the server has a field.
    #[error("`{id}` has no field `{word}`")]
    NoField {
        /// The object.
        id: ObjectId,
        /// The field.
        word: String,
        /// The nearest one.
        nearest: Option<String>,
    },
    /// A text is no path of a field.
    #[error("`{word}` is no field: {source}")]
    NotAField {
        /// The text.
        word: String,
        /// Why.
        source: PatternError,
    },
    /// Placeholders stand in the plan where passwords and the like belong.
    #[error("the plan of `{environment}` has placeholders in place of passwords, keys or certificates")]
    Placeholders {
        /// The environment.
        environment: String,
    },
    /// Another run applied the environment after it was planned.
    #[error("the plan is stale: another run has applied `{environment}` since it was made")]
    Stale {
        /// The environment.
        environment: String,
    },
    /// Nothing is kept of a release.
    #[error("the release `{release}` of `{environment}` has no history")]
    NoHistory {
        /// The release.
        release: String,
        /// The environment.
        environment: String,
    },
    /// There is no such revision.
    #[error("the release `{release}` has no revision {number}")]
    NoRevision {
        /// The release.
        release: String,
        /// Its number.
        number: u64,
        /// Those that are kept, in order.
        known: Vec<u64>,
    },
    /// There is nothing to go back to.
    #[error("the release `{release}` has no revision before the last one that is done")]
    NothingBefore {
        /// The release.
        release: String,
    },
    /// A pack does not hold what a revision says.
    #[error("`{id}` of revision {number} is not in the history any more")]
    LostObject {
        /// The object.
        id: ObjectId,
        /// The revision.
        number: u64,
    },
    /// Secret values were not kept, and are others now.
    #[error("the secret values of revision {number} were not kept: {}", objects.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "))]
    NotKept {
        /// The revision.
        number: u64,
        /// The objects that have them.
        objects: Vec<ObjectId>,
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
            Self::CircularKubeconfig { .. }
            | Self::Lookups { .. }
            | Self::NotApplied { .. }
            | Self::NoSuchObject { .. }
            | Self::NoObject { .. }
            | Self::NoField { .. }
            | Self::NotAField { .. }
            | Self::NoHistory { .. }
            | Self::NoRevision { .. }
            | Self::NothingBefore { .. } => Kind::Input,
            Self::NotKept { .. } => Kind::Secret,
            Self::LostObject { .. } => Kind::Unknown,
            Self::Stale { .. } | Self::Placeholders { .. } => Kind::Refused,
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
            Self::Placeholders { .. } => {
                Some("Nothing was changed. Run `weft apply` without a saved plan: it keeps the key first.".into())
            }
            Self::Stale { .. } => Some("Nothing was changed. Plan once more, and look at it again.".into()),
            Self::Saved(error) => error.hint(),
            Self::CircularKubeconfig { .. } => {
                Some("Name the cluster of one of them by a kubeconfig and its context.".into())
            }
            Self::Lookups { .. } => {
                Some("Leave `lookup: true` out of the release whose chart looks up what it finds, again and again.".into())
            }
            Self::NotApplied { .. } => Some("Its tests need what it makes: run `weft apply` first.".into()),
            Self::NoHistory { .. } => Some("It begins with the next apply that changes the release.".into()),
            Self::NoRevision { known, .. } => {
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                Some(format!("These are kept: {}.", known.join(", ")))
            }
            Self::NothingBefore { .. } => {
                Some("Name one with `--to`: `weft history ENVIRONMENT RELEASE` lists them.".into())
            }
            Self::LostObject { .. } => Some("Go back to another revision.".into()),
            Self::NotKept { .. } => Some(
                "They are kept where the release has an encrypted file, or `.sops.yaml` a rule for `secrets/`: apply the \
                 commit of that revision instead."
                    .into(),
            ),
            Self::NoSuchObject { .. } => {
                Some("Write `KIND/NAME` or `Kind.group/NAMESPACE/NAME`; `weft status` shows what there is.".into())
            }
            Self::NoObject { several, .. } if !several.is_empty() => {
                Some("Name the namespace with `-n`, or write the kind with its group: `Kind.group/NAME`.".into())
            }
            Self::NoObject { nearest: Some(nearest), .. } | Self::NoField { nearest: Some(nearest), .. } => {
                Some(format!("Is `{nearest}` meant?"))
            }
            Self::NoObject { .. } => Some("Write `KIND/NAME`; `weft render` shows what there is.".into()),
            Self::NoField { .. } => Some("Leave the field out to see all of them.".into()),
            Self::NotAField { .. } => {
                Some("Write it as `weft diff` prints it: `spec.template.spec.containers[name=web].image`.".into())
            }
            Self::Random(_) | Self::Signals(_) => None,
        }
    }
}

fn no_object(word: &str, several: &[String]) -> String {
    match several {
        [] => format!("the repository has no object `{word}`"),
        several => format!("`{word}` means {} objects: {}", several.len(), several.join(", ")),
    }
}
