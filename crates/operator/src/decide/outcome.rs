//! The outcomes of targets, and their sums.

use std::collections::BTreeMap;

use crate::{FailedTarget, SyncReason};

/// How a target ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetOutcome {
    /// It equals the source.
    Synced,
    /// Somebody else has it, and that is fine: it does not count.
    Skipped,
    /// It is pending.
    Pending(SyncReason, String),
    /// A ConfigMap that is not ours is there.
    Conflict(String),
    /// It failed.
    Failed(SyncReason, String),
}

/// The sums of all targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many are to have a copy.
    pub targets: usize,
    /// How many equal the source.
    pub synced: usize,
    /// How many are waited for.
    pub pending: usize,
    /// How many failed, conflicts among them.
    pub failed: usize,
    /// How many have a ConfigMap that is not ours.
    pub conflicts: usize,
    /// The first that failed, by namespace.
    pub listed: Vec<FailedTarget>,
    /// How many have each reason, among the failed.
    pub failures: BTreeMap<SyncReason, usize>,
    /// How many have each reason, among the pending.
    pub waiting: BTreeMap<SyncReason, usize>,
    /// A namespace that is waited for: the first.
    pub waits_for: Option<String>,
}

/// How many failed targets a status lists.
pub(super) const LISTED: usize = 50;
/// How long a message of a failed target is, in characters.
const MESSAGE: usize = 1024;

impl TargetOutcome {
    /// It is pending.
    pub fn pending(reason: SyncReason, message: impl Into<String>) -> Self {
        Self::Pending(reason, message.into())
    }

    /// It failed.
    pub fn failed(reason: SyncReason, message: impl Into<String>) -> Self {
        Self::Failed(reason, message.into())
    }

    /// The reason, unless it is as it should be.
    pub fn reason(&self) -> Option<SyncReason> {
        match self {
            Self::Synced | Self::Skipped => None,
            Self::Pending(reason, _) | Self::Failed(reason, _) => Some(*reason),
            Self::Conflict(_) => Some(SyncReason::TargetConflict),
        }
    }

    /// The reason in words.
    pub fn message(&self) -> &str {
        match self {
            Self::Synced | Self::Skipped => "",
            Self::Pending(_, message) | Self::Failed(_, message) | Self::Conflict(message) => message,
        }
    }
}

/// Adds up targets, by namespace.
pub fn tally(outcomes: &BTreeMap<String, TargetOutcome>) -> Tally {
    let mut sum = Tally::default();
    for (namespace, outcome) in outcomes {
        sum.targets += usize::from(*outcome != TargetOutcome::Skipped);
        match outcome {
            TargetOutcome::Skipped => {}
            TargetOutcome::Synced => sum.synced += 1,
            TargetOutcome::Pending(reason, _) => {
                sum.pending += 1;
                *sum.waiting.entry(*reason).or_default() += 1;
                sum.waits_for.get_or_insert_with(|| namespace.clone());
            }
            TargetOutcome::Conflict(message) => {
                sum.conflicts += 1;
                sum.fail(namespace, SyncReason::TargetConflict, message);
            }
            TargetOutcome::Failed(reason, message) => sum.fail(namespace, *reason, message),
        }
    }
    sum
}

impl Tally {
    fn fail(&mut self, namespace: &str, reason: SyncReason, message: &str) {
        self.failed += 1;
        *self.failures.entry(reason).or_default() += 1;
        if self.listed.len() < LISTED {
            let message = message.chars().take(MESSAGE).collect();
            self.listed.push(FailedTarget { namespace: namespace.to_owned(), reason, message });
        }
    }
}
