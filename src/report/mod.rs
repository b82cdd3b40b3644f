//! A plan and the events of its run -> one [`Report`]; text, JSON and Markdown are views of it.

use crate::manifest::ObjectId;
use crate::plan::Plan;

/// All facts of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// What was to be done.
    pub plan: Plan,
    /// What happened, in order; empty for a run that only plans.
    pub events: Vec<Event>,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

/// Something that happened to an object while a plan was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The object.
    pub id: ObjectId,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The server took our version.
    Applied,
    /// It was deleted, or is going.
    Deleted,
    /// It is as its kind says it should be.
    Healthy,
    /// It is not yet; this is what is missing.
    Waiting(String),
    /// It failed, for this reason, or did not become healthy in time.
    Failed(String),
    /// It was not tried, for this reason.
    Skipped(String),
    /// A request got no answer: it may have been done or not.
    Unknown(String),
}
