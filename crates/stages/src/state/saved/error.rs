//! Errors of writing, reading and applying a saved plan.

use thiserror::Error;

use super::{CommitMark, FORMAT_VERSION, PlanMismatch};
use weft_base::diagnostic::{Diagnose, Kind, counted};

/// More objects are only counted.
const MOST: usize = 20;

/// What keeps a saved plan from being written, read or applied.
#[derive(Debug, Error)]
pub enum SavedError {
    /// The plan cannot be put into JSON.
    #[error("the plan cannot be written")]
    Unwritten {
        /// The writer's error.
        #[source]
        source: serde_json::Error,
    },
    /// It is another file.
    #[error("`{file}` is no saved plan")]
    Foreign {
        /// The file.
        file: String,
    },
    /// Its end is missing.
    #[error("the saved plan `{file}` is cut off")]
    Cut {
        /// The file.
        file: String,
    },
    /// It is not as it was written.
    #[error("the saved plan `{file}` was changed after it was written")]
    Damaged {
        /// The file.
        file: String,
    },
    /// A newer program wrote it.
    #[error("the saved plan `{file}` has the format version {found}, and this program reads version {FORMAT_VERSION}")]
    Version {
        /// The file.
        file: String,
        /// What it says.
        found: String,
    },
    /// The document is whole, and not as its format says.
    #[error("the saved plan `{file}` is not as its format says")]
    Format {
        /// The file.
        file: String,
        /// The reader's error.
        #[source]
        source: serde_json::Error,
    },
    /// It is for another environment.
    #[error("the plan is for the environment `{planned}`, not for `{asked}`")]
    Environment {
        /// The one of the plan.
        planned: String,
        /// The one of the command line.
        asked: String,
    },
    /// It is for another cluster.
    #[error("the plan is for the cluster at {planned}, and {asked} is another one")]
    Cluster {
        /// The one of the plan.
        planned: String,
        /// The one that was asked.
        asked: String,
    },
    /// The command line does not set the same values.
    #[error("the plan was made with {}, and this run has {}", sets(planned), sets(asked))]
    Set {
        /// Those of the plan.
        planned: Vec<String>,
        /// Those of the command line.
        asked: Vec<String>,
    },
    /// No key is kept in the cluster, and nobody can read all secrets that the plan was made of.
    #[error("the plan cannot be saved: there is no key yet in the cluster for the fingerprints of its secrets")]
    NoReader,
    /// The cluster keeps another key than it did.
    #[error("the plan is stale: the key of fingerprints in the cluster is another one than it was")]
    OtherKey,
    /// The sealed key is not a key.
    #[error("the key in the saved plan cannot be read")]
    BrokenKey,
    /// Something moved since the plan was made.
    #[error("the plan is stale: {} since it was made{}{}", count(moved), commits(commit.as_ref()), list(moved))]
    Stale {
        /// The objects that moved.
        moved: Vec<PlanMismatch>,
        /// The commit of the plan and that of now, where they are not the same.
        commit: Option<(CommitMark, CommitMark)>,
    },
    /// The same objects would come to something else.
    #[error("the plan is stale: it comes to something else now, though no object moved")]
    Another,
    /// An approval is for another plan.
    #[error("the plan is not the one that was approved: its digest is `{digest}`")]
    NotApproved {
        /// The digest of this plan.
        digest: String,
    },
}

fn sets(sets: &[String]) -> String {
    if sets.is_empty() { "no `--set`".into() } else { format!("`{}`", sets.join("`, `")) }
}

fn count(moved: &[PlanMismatch]) -> String {
    format!("{} moved", counted(moved.len(), "object"))
}

fn commits(commit: Option<&(CommitMark, CommitMark)>) -> String {
    let said = |(was, is): &(CommitMark, CommitMark)| format!(", and the repository from {was} to {is}");
    commit.map(said).unwrap_or_default()
}

fn list(moved: &[PlanMismatch]) -> String {
    let more = moved.len().saturating_sub(MOST);
    let lines = moved.iter().take(MOST).map(|it| format!("\n  {it}"));
    let rest = (more > 0).then(|| format!("\n  and {more} more"));
    lines.chain(rest).collect()
}

impl Diagnose for SavedError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unwritten { .. } => Kind::Machine,
            Self::Foreign { .. }
            | Self::Cut { .. }
            | Self::Damaged { .. }
            | Self::Version { .. }
            | Self::Format { .. }
            | Self::Set { .. } => Kind::Input,
            Self::BrokenKey => Kind::Secret,
            Self::Environment { .. }
            | Self::Cluster { .. }
            | Self::NoReader
            | Self::OtherKey
            | Self::Stale { .. }
            | Self::Another
            | Self::NotApproved { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        let again = "Nothing was changed. Plan once more, and look at it again.";
        Some(match self {
            Self::Unwritten { .. } => "This is a defect of the program. Please report it.".into(),
            Self::Foreign { .. } => "`weft plan ENV -o FILE` writes one.".into(),
            Self::Cut { .. } | Self::Damaged { .. } | Self::BrokenKey => {
                "Bring the file anew from where it was made, or plan once more.".into()
            }
            Self::Version { .. } | Self::Format { .. } => {
                "Use the version of the program that made it, or plan once more.".into()
            }
            Self::Environment { .. } => "Leave the environment out: the plan names its own.".into(),
            Self::Cluster { .. } => "Name the cluster of the plan by `--kubeconfig` or `--context`.".into(),
            Self::Set { .. } => "Set the same values; the file does not hold them, since they may be secret.".into(),
            Self::NoReader => {
                "Apply once without a file, which makes the key, or give all files of secrets a common reader that \
                 needs no other (`weft secrets who`)."
                    .into()
            }
            Self::OtherKey | Self::Stale { .. } | Self::Another => again.into(),
            Self::NotApproved { .. } => {
                "Look at what it would do; `--approve` takes this digest if that is meant.".into()
            }
        })
    }
}
