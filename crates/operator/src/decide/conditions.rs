//! The status: sums and conditions. It contains no time except that of a condition's last change, so the same findings
//! give the same status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use super::outcome::LISTED;
use super::{DesiredCopy, Tally};
use crate::{ConfigMapSyncStatus, SourceStatus, SyncReason};

/// What a visit found.
#[derive(Clone, Debug)]
pub enum VisitView<'v> {
    /// Nothing yet: it is the first.
    First,
    /// The object is paused.
    Paused,
    /// The targets were not looked at.
    Stopped(VisitStop),
    /// The targets ended so.
    Seen {
        /// The source's UID and resource version.
        source: (&'v str, &'v str),
        /// What was copied.
        wanted: &'v DesiredCopy,
        /// How the targets ended.
        tally: &'v Tally,
    },
    /// The object is being deleted, and so many copies are still there.
    Cleaning(usize, String),
}

/// Why targets were not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitStop {
    /// Why, for programs.
    pub reason: SyncReason,
    /// Why, for people.
    pub message: String,
}

/// Who has to do something about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Responsible {
    /// Nobody: it ends by itself.
    Ours,
    /// A person.
    Theirs,
}

fn turn(reason: SyncReason) -> Responsible {
    match reason {
        SyncReason::Pending
        | SyncReason::NamespaceMissing
        | SyncReason::NamespaceTerminating
        | SyncReason::ApiUnavailable => Responsible::Ours,
        _ => Responsible::Theirs,
    }
}

/// A condition without its times.
struct ConditionDraft {
    kind: &'static str,
    status: &'static str,
    reason: SyncReason,
    message: String,
}

/// The status after a visit, from the one before it.
pub fn status(
    before: &ConfigMapSyncStatus,
    generation: i64,
    view: &VisitView<'_>,
    now: Timestamp,
) -> ConfigMapSyncStatus {
    let mut after = before.clone();
    after.observed_generation = Some(generation);
    if let VisitView::Seen { source, wanted, tally } = view {
        count(&mut after, *source, wanted, tally);
    }
    if matches!(view, VisitView::Stopped(VisitStop { reason: SyncReason::SourceNotFound, .. })) {
        after.source = None;
    }
    let said = conditions(view);
    after.conditions = said.into_iter().map(|it| it.condition(before, generation, now)).collect();
    after
}

fn count(status: &mut ConfigMapSyncStatus, source: (&str, &str), wanted: &DesiredCopy, tally: &Tally) {
    let whole = |count: usize| Some(i32::try_from(count).unwrap_or(i32::MAX));
    status.source = Some(SourceStatus {
        uid: source.0.to_owned(),
        resource_version: source.1.to_owned(),
        hash: wanted.hash.to_string(),
        bytes: i64::try_from(wanted.bytes).unwrap_or(i64::MAX),
    });
    status.targets = whole(tally.targets);
    status.synced = whole(tally.synced);
    status.pending = whole(tally.pending);
    status.failed = whole(tally.failed);
    status.conflicts = whole(tally.conflicts);
    status.failed_targets.clone_from(&tally.listed);
    status.truncated = (tally.failed > LISTED).then_some(true);
}

fn conditions(view: &VisitView<'_>) -> [ConditionDraft; 3] {
    let all = |available: &'static str, progressing: &'static str, degraded: &'static str, reason, message: &str| {
        [("Available", available), ("Progressing", progressing), ("Degraded", degraded)]
            .map(|(kind, status)| ConditionDraft { kind, status, reason, message: message.to_owned() })
    };
    match view {
        VisitView::First => all("Unknown", "Unknown", "Unknown", SyncReason::Pending, "It was not looked at yet."),
        VisitView::Paused => {
            all("Unknown", "False", "False", SyncReason::Paused, "Nothing is written while it is paused.")
        }
        VisitView::Stopped(VisitStop { reason, message }) => {
            let available =
                if matches!(reason, SyncReason::SourceNotFound | SyncReason::SyncLoop) { "False" } else { "Unknown" };
            match turn(*reason) {
                Responsible::Ours => all(available, "True", "False", *reason, message),
                Responsible::Theirs => all(available, "False", "True", *reason, message),
            }
        }
        VisitView::Cleaning(left, message) => {
            let message = format!("{left} copies are still there: {message}");
            all("Unknown", "True", "True", SyncReason::CleanupIncomplete, &message)
        }
        VisitView::Seen { tally, .. } => tally_conditions(tally),
    }
}

fn tally_conditions(tally: &Tally) -> [ConditionDraft; 3] {
    let Tally { targets, synced, pending, failed, .. } = tally;
    let theirs = tally.failures.keys().find(|it| turn(**it) == Responsible::Theirs).copied();
    let ours = tally.waiting.keys().chain(tally.failures.keys()).find(|it| turn(**it) == Responsible::Ours).copied();
    let fine = if *targets == 0 { SyncReason::NoTargets } else { SyncReason::Synced };
    let only = if tally.failures.len() == 1 { tally.failures.keys().next() } else { None };
    let broken = match only {
        Some(reason) if *synced == 0 => *reason,
        _ => SyncReason::PartiallySynced,
    };
    let sums = format!("{synced} of {targets} namespaces have the copy");
    let waits = tally.waits_for.as_ref().map(|it| format!("; {pending} are waited for, such as {it}"));
    let fails = tally.listed.first().map(|it| format!("; {failed} failed, such as {}: {}", it.namespace, it.message));
    let message = format!("{sums}{}{}.", waits.unwrap_or_default(), fails.unwrap_or_default());
    let said = |kind, holds: bool, yes: SyncReason, no: SyncReason| ConditionDraft {
        kind,
        status: if holds { "True" } else { "False" },
        reason: if holds { yes } else { no },
        message: message.clone(),
    };
    [
        said("Available", *failed == 0, fine, broken),
        said("Progressing", ours.is_some(), ours.unwrap_or(fine), theirs.unwrap_or(fine)),
        said("Degraded", theirs.is_some(), theirs.unwrap_or(fine), ours.unwrap_or(fine)),
    ]
}

impl ConditionDraft {
    fn condition(self, before: &ConfigMapSyncStatus, generation: i64, now: Timestamp) -> Condition {
        let earlier = before.conditions.iter().find(|it| it.type_ == self.kind && it.status == self.status);
        // The server keeps whole seconds; a fraction would differ from what is read back.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Condition {
            type_: self.kind.to_owned(),
            status: self.status.to_owned(),
            reason: format!("{:?}", self.reason),
            message: self.message.chars().take(MESSAGE).collect(),
            observed_generation: Some(generation),
            last_transition_time: earlier.map_or(Time(now), |it| it.last_transition_time.clone()),
        }
    }
}

/// How long a condition's message is, in characters.
const MESSAGE: usize = 2048;
