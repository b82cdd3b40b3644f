//! [`Plan`](crate::plan::Plan) -> [`Finding`]s: what others changed without the repository, and the record of it.
//!
//! A finding has a mark, which stays the same from check to check and reveals nothing. By that mark the [`History`]
//! records when the finding was first seen, how often, and how often it came back. It stores values only as keyed
//! fingerprints. What could not be checked counts neither as found nor as gone.

mod correction;
mod document;
mod event;
mod findings;
mod history;
mod issue;
mod codec;
mod text;
mod unmanaged;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::codec::{decode, encode};
pub use self::correction::{Correction, correction};
pub use self::document::{FORMAT_VERSION, document};
pub use self::event::{CLOUD_EVENTS, DriftNews, cloud_event, news};
pub use self::findings::{findings, unread};
pub use self::history::{CheckScope, FindingPast, History, HistoryEntry, HistoryUpdate};
pub use self::issue::{Issue, IssueState, issue};
pub use self::text::text;
pub use self::unmanaged::{Resident, unmanaged};
use crate::diff::Writer;
use crate::manifest::ObjectId;
use weft_base::diagnostic::Diagnostic;
use weft_base::value::Value;

/// The category of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Somebody changed a field that we own.
    Changed,
    /// Somebody deleted an object that we applied.
    Deleted,
    /// Nobody who is known manages the object, and it is in one of our namespaces.
    Unmanaged,
}

/// One thing that others did.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What stays the same from look to look: a keyed digest of what it is about.
    pub mark: String,
    /// Its category.
    pub sort: Category,
    pub object: ObjectId,
    /// Its release; `None` for an object that nobody manages.
    pub release: Option<Arc<str>>,
    /// The field; `None` if it is about the object as a whole.
    pub path: Option<String>,
    /// What the repository has there, secrets as fingerprints.
    pub expected: Option<Value>,
    /// What the server has there, secrets as fingerprints.
    pub found: Option<Value>,
    /// Who may have done it, the newest first.
    pub writers: Vec<Writer>,
}

/// An object that could not be checked, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindSpot {
    /// The object; `None` if it is not even known which ones exist.
    pub object: Option<ObjectId>,
    /// The release, if it has one.
    pub release: Option<Arc<str>>,
    /// Why, in words.
    pub reason: String,
}

/// One check of an environment.
#[derive(Clone, Debug)]
pub struct DriftCheck {
    pub environment: String,
    /// The address of the cluster.
    pub cluster: String,
    /// The commit that the cluster was compared with.
    pub commit: Option<String>,
    /// When it was checked (RFC 3339, UTC).
    pub at: String,
    /// How many objects were compared.
    pub objects: usize,
    /// What was found, each with its past.
    pub findings: Vec<(Finding, FindingPast)>,
    /// What was found before and is not any more.
    pub gone: Vec<HistoryEntry>,
    /// What could not be checked.
    pub unseen: Vec<BlindSpot>,
    /// Whether the findings were remembered.
    pub memory: Memory,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

/// Whether the findings of a look were compared with earlier ones and kept for later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// They were.
    Kept,
    /// They were not, for this reason. They are compared with the earlier record if it could be read.
    NotKept(String),
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Everything was checked, and is as it was applied.
    Clean,
    /// Something was found.
    Drift,
    /// Something could not be looked at; what was found is in the look.
    Unknown,
    /// The check failed.
    Failed,
    /// The check did not begin.
    Skipped,
}

/// An environment, and the result of checking it.
pub struct EnvironmentCheck<'l> {
    pub environment: &'l str,
    /// When (RFC 3339, UTC).
    pub at: &'l str,
    /// Its result.
    pub fate: EnvironmentResult<'l>,
}

/// The result of checking an environment.
#[derive(Clone, Copy)]
pub enum EnvironmentResult<'l> {
    /// It was looked at.
    Looked(&'l DriftCheck),
    /// It failed.
    Failed(&'l [Diagnostic]),
    /// The check did not begin.
    Skipped,
}

impl Category {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Unmanaged => "unmanaged",
        }
    }

    /// All categories.
    pub const ALL: [Self; 3] = [Self::Changed, Self::Deleted, Self::Unmanaged];
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Finding {
    /// When it was done according to the server, if it knows.
    pub fn since(&self) -> Option<&str> {
        self.writers.first()?.time.as_deref()
    }

    /// What it is about: the object and, if there is one, the field.
    pub fn about(&self) -> String {
        about(&self.object, self.path.as_deref())
    }
}

impl DriftCheck {
    /// Its result. What could not be checked comes first: it may hide anything.
    pub fn verdict(&self) -> Verdict {
        match (self.unseen.is_empty(), self.findings.is_empty()) {
            (false, _) => Verdict::Unknown,
            (true, false) => Verdict::Drift,
            (true, true) => Verdict::Clean,
        }
    }

    /// How many findings of a sort there are.
    pub fn count(&self, sort: Category) -> usize {
        self.findings.iter().filter(|(finding, _)| finding.sort == sort).count()
    }

    /// The findings that are new, or came back.
    pub fn new_ones(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|(_, past)| past.is_new()).map(|(finding, _)| finding)
    }

    /// The objects that could not be checked completely.
    pub fn unseen_objects(&self) -> BTreeSet<&ObjectId> {
        self.unseen.iter().filter_map(|it| it.object.as_ref()).collect()
    }
}

impl EnvironmentCheck<'_> {
    /// Its result.
    pub fn verdict(&self) -> Verdict {
        match self.fate {
            EnvironmentResult::Looked(look) => look.verdict(),
            EnvironmentResult::Failed(_) => Verdict::Failed,
            EnvironmentResult::Skipped => Verdict::Skipped,
        }
    }
}

fn about(object: &ObjectId, path: Option<&str>) -> String {
    path.map_or_else(|| object.to_string(), |path| format!("{object} {path}"))
}
