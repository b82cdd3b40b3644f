//! The history of a release: what was applied, when, by whom, and with what result.
//!
//! A [`Revision`] is one applied state. Its objects are in [`Pack`]s: each revision adds one pack with the objects that
//! no pack of the previous revision has, so an unchanged object is stored once. A pack holds objects without their
//! secrets. The secret values are in one age file beside them, or are not stored at all.

mod document;
mod outcome;
mod pack;
mod turnover;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use self::outcome::{ObjectResult, outcome};
pub use self::pack::{Pack, RestoredObject, pack};
pub use self::turnover::{ListedSecret, superfluous};
use super::{StateError, chunks};
use crate::manifest::ObjectId;

/// One applied state of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    pub environment: String,
    pub release: Arc<str>,
    /// Its number, from 1.
    pub number: u64,
    /// Where it came from.
    pub made: Provenance,
    /// Its result.
    pub outcome: RevisionOutcome,
    /// The revision whose objects it has, if it is a rollback.
    pub back_to: Option<u64>,
    /// All objects that the repository wanted.
    pub objects: BTreeMap<ObjectId, PackedObject>,
    /// The packs that hold them, by name.
    pub packs: BTreeMap<String, Cover>,
}

/// Where a revision came from: what was applied, by whom and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The commit that was applied, if the project is a git repository.
    pub commit: Option<String>,
    /// Whether files that were read differed from the commit.
    pub dirty: bool,
    /// What the command line set in the values, without the values: `--set image.tag`.
    pub set: Vec<String>,
    /// Who applied it: a person or a job, and the machine.
    pub by: String,
    /// When it ended (RFC 3339, UTC).
    pub at: String,
    /// The digest of the plan.
    pub plan: String,
    /// The version of this program.
    pub weft: String,
}

/// The result of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevisionOutcome {
    /// Everything was written and, if the run waited for it, is healthy.
    Done,
    /// Everything was written but did not become healthy, for this reason.
    Failed(String),
    /// Some of it was not written, or may not have been, for this reason.
    Partial(String),
}

/// Where an object of a revision is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedObject {
    /// The keyed digest of the object, secrets included.
    pub digest: String,
    /// The name of its pack.
    pub pack: String,
}

/// What a revision knows of a pack without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// How many objects it holds.
    pub objects: usize,
    /// The public keys that open its secret values, sorted; empty if these were not stored.
    pub readers: Vec<String>,
}

impl Revision {
    /// What came of it in a few words: `done`, `rolled back to 3`, `failed: ...`, `partial: ...`.
    pub fn result(&self) -> String {
        match (&self.outcome, self.back_to) {
            (RevisionOutcome::Done, Some(number)) => format!("rolled back to {number}"),
            (other, Some(number)) => format!("rolled back to {number}, {other}"),
            (other, None) => other.to_string(),
        }
    }
}

impl RevisionOutcome {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Partial(_) => "partial",
        }
    }

    /// Why it is not done.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Failed(reason) | Self::Partial(reason) => Some(reason),
        }
    }
}

impl fmt::Display for RevisionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        self.reason().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// The revision to go back to if none is named: the newest one that is done, except for the very last. `revisions` may
/// have any order.
pub fn last_good(revisions: &[Revision]) -> Option<&Revision> {
    let newest = revisions.iter().map(|it| it.number).max()?;
    let good = revisions.iter().filter(|it| it.number < newest && it.outcome == RevisionOutcome::Done);
    good.max_by_key(|it| it.number)
}

/// The chunks of a revision, in order.
pub fn encode_revision(revision: &Revision) -> Result<Vec<Vec<u8>>, StateError> {
    chunks::cut(&document::of_revision(revision)?)
}

/// The revision that [`encode_revision`] made these chunks of.
pub fn decode_revision(chunks: &[Vec<u8>]) -> Result<Revision, StateError> {
    document::to_revision(&chunks::join(chunks)?)
}

/// The chunks of a pack, in order.
pub fn encode_pack(pack: &Pack) -> Result<Vec<Vec<u8>>, StateError> {
    chunks::cut(&document::of_pack(pack)?)
}

/// The pack that [`encode_pack`] made these chunks of.
pub fn decode_pack(chunks: &[Vec<u8>]) -> Result<Pack, StateError> {
    document::to_pack(&chunks::join(chunks)?)
}
