//! A plan in a file (`docs/schema/plan-v1.json`). Either exactly what was reviewed is applied, or nothing.
//!
//! The file holds all steps with their field changes, the desired objects with sketches in place of secrets, and the
//! proof that each object was judged by. [`hold`](fn@hold) compares a new plan with it.

mod document;
mod envelope;
mod error;
mod hold;
mod mismatch;

use serde::{Deserialize, Serialize};

pub use self::error::SavedError;
pub use self::hold::{ApplicablePlan, hold};
pub use self::mismatch::{FieldMismatch, MismatchCause, PlanMismatch};
use crate::diff::{self, After, Judge, ObservedState, holds_secret};
use crate::plan::{Guards, Plan, Step};
use crate::project::Selection;
use weft_base::masked::{FingerprintKey, Sketch};
use weft_base::value::{Data, Value};

/// The version of the format that this program writes, and the only one that it reads.
pub const FORMAT_VERSION: u64 = 1;

/// A plan with everything it was made from.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    /// The version of the program that made it.
    pub tool: String,
    /// When it was made (RFC 3339).
    pub made: String,
    /// The cluster that it is for.
    pub cluster: ClusterMark,
    /// The commit that it was made of, if the project is a git repository.
    pub commit: Option<CommitMark>,
    /// Which releases it is about.
    pub selection: Selection,
    /// Whose word was taken for what would change.
    pub judge: Judge,
    /// What it was made for.
    pub aim: PlanPurpose,
    /// What the command line set in the values, without the values: `--set image.tag`.
    pub set: Vec<String>,
    /// The same with the values; `None` where nothing was set, or where it may be secret and nobody could read it.
    pub given: Option<SetArguments>,
    /// The words that lifted guards.
    pub guards: Guards,
    /// The key of its fingerprints.
    pub key: KeyMark,
    /// The digest that an approval names.
    pub digest: String,
    /// What would be done. It is for reading: it has no secrets, and cannot be run.
    pub plan: Plan,
    /// By step, what it was judged by.
    pub proofs: Vec<Proof>,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

/// What a plan is made for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PlanPurpose {
    /// To make of the cluster what the repository says.
    #[default]
    Apply,
    /// To delete the selected releases, or to let go of their objects if the guards say so.
    Remove,
    /// To give a release the objects of one of its revisions.
    GoBack {
        release: String,
        /// The number of the revision.
        revision: u64,
    },
}

/// What the command line set: each option with what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SetArguments {
    /// As it was written, since nothing in the file came from a secret.
    Plain(Vec<(String, String)>),
    /// The same as JSON, sealed for those who can read all secrets that were used.
    Sealed(String),
}

/// What tells a cluster from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMark {
    /// The address under which it was asked.
    pub address: String,
    /// The UID of its namespace `kube-system`, if it may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

/// A commit of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitMark {
    /// Its full id.
    pub id: String,
    /// Whether files that were read differed from it.
    pub dirty: bool,
}

/// Which key the fingerprints and digests of a file were made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum KeyMark {
    /// The one that the cluster keeps, with its mark.
    Kept(String),
    /// One that everybody knows, since nothing in the file came from a secret.
    Open,
    /// One of the run that made the file, sealed for those who can read all secrets that were used.
    Sealed(String),
}

/// What an object was judged by. The digests are keyed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// Digest of the object as the repository writes it; `None` for one that left.
    pub wanted: Option<String>,
    /// Digest of what was recorded at its last apply.
    pub remembered: Option<String>,
    /// What was seen of it; `None` for one that is not there, or unchanged.
    pub seen: Option<ObservedState>,
}

impl ClusterMark {
    /// Whether both are the same cluster, as far as is known.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.uid, &other.uid) {
            (Some(a), Some(b)) => a == b,
            _ => self.address == other.address,
        }
    }
}

impl std::fmt::Display for CommitMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.id, if self.dirty { " with changes" } else { "" })
    }
}

impl PlanPurpose {
    /// The revision to which a release goes back.
    pub fn back_to(&self) -> Option<u64> {
        match self {
            Self::GoBack { revision, .. } => Some(*revision),
            Self::Apply | Self::Remove => None,
        }
    }

    fn is_apply(&self) -> bool {
        *self == Self::Apply
    }
}

impl KeyMark {
    /// The key that everybody knows.
    pub fn open() -> FingerprintKey {
        FingerprintKey::new([0; 32])
    }
}

/// By step, what a plan was judged by.
pub fn proofs(plan: &Plan, key: &FingerprintKey) -> Vec<Proof> {
    let proof = |step: &Step| Proof {
        wanted: diff::wanted(&step.object, key),
        remembered: diff::remembered(&step.object, key),
        seen: diff::seen(&step.object, key),
    };
    plan.steps.iter().map(proof).collect()
}

/// Whether anything that a file would hold of a plan was made of a secret: then the key must not be known.
pub fn tells_of_secrets(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| {
        let object = &step.object;
        let bodies = [&object.desired, &object.repository].into_iter().flatten().map(|it| &it.body);
        let live = object.live.iter().map(|it| &it.body).chain(object.after.iter().map(AsRef::as_ref));
        let recorded = object.recorded.iter().map(|it| &*it.applied);
        let changes = object.fields.iter().flat_map(|change| {
            let after = if let After::Value(value) = &change.desired { Some(value) } else { None };
            change.base.iter().chain(&change.live).chain(after)
        });
        bodies.chain(live).chain(recorded).chain(changes).any(|it| holds_secret(it) || has_sketch(it))
    })
}

fn has_sketch(value: &Value) -> bool {
    match &value.data {
        Data::Text(text) => Sketch::is_one(text),
        Data::List(items) => items.iter().any(has_sketch),
        Data::Map(map) => map.iter().any(|entry| has_sketch(&entry.value)),
        _ => false,
    }
}

/// The file of a plan. The same plan always gives the same bytes.
pub fn write(saved: &SavedPlan, key: &FingerprintKey) -> Result<Vec<u8>, SavedError> {
    envelope::close(&document::to_json(saved, key)?)
}

/// The plan of a file, whose name stands in errors.
pub fn read(bytes: &[u8], file: &str) -> Result<SavedPlan, SavedError> {
    document::from_json(envelope::open(bytes, file)?, file)
}
