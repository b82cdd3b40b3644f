//! Reports what a visit found: in the status if it changed, and in events if it is new.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::events::EventNote;
use super::server::Unanswered;
use super::{OperatorContext, syncs};
use crate::decide::{Tally, TargetOutcome, VisitStop, VisitView, status};
use crate::marks::{NamespacedName, RECONCILE_AT};
use crate::{ConfigMapSync, SyncReason};

/// Writes the status of a visit if it differs from the current one, and returns whether it did.
pub(crate) async fn say(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    view: &VisitView<'_>,
) -> Result<bool, Unanswered> {
    let before = sync.status.clone().unwrap_or_default();
    let generation = sync.metadata.generation.unwrap_or_default();
    let mut after = status(&before, generation, view, Timestamp::now());
    if !matches!(view, VisitView::First) {
        let asked = sync.metadata.annotations.as_ref().and_then(|it| it.get(RECONCILE_AT));
        after.last_handled_reconcile_at = asked.cloned();
    }
    if after == before {
        return Ok(false);
    }
    syncs::write_status(context, key, sync, &after).await?;
    Ok(true)
}

/// What a visit did, for its events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deeds {
    /// Where copies were created or changed.
    pub written: Vec<String>,
    /// Where drift was corrected.
    pub corrected: Vec<String>,
    /// Where unwanted copies were deleted.
    pub pruned: Vec<String>,
    /// Where copies were left without their owner.
    pub orphaned: Vec<String>,
}

impl Deeds {
    /// Whether anything was done.
    pub fn any(&self) -> bool {
        [&self.written, &self.corrected, &self.pruned, &self.orphaned].into_iter().any(|it| !it.is_empty())
    }
}

/// Publishes what a visit did, and what newly fails.
pub(crate) async fn tell(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    deeds: &Deeds,
    outcomes: &BTreeMap<String, TargetOutcome>,
) {
    let told = |reason, what: &str, where_: &[String]| {
        (!where_.is_empty()).then(|| EventNote::normal(reason, format!("{what} {}", listed(where_))))
    };
    let mut all: Vec<EventNote> = [
        told("Synced", "wrote the copies in", &deeds.written),
        told("DriftCorrected", "corrected the copies in", &deeds.corrected),
        told("Pruned", "deleted the copies in", &deeds.pruned),
        told("Orphaned", "left the copies behind in", &deeds.orphaned),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.extend(new_failures(context, key, outcomes));
    for told in all {
        context.teller.tell(sync, told).await;
    }
}

/// Warnings about what did not fail at the last visit, or for another reason.
fn new_failures(
    context: &OperatorContext,
    key: &NamespacedName,
    outcomes: &BTreeMap<String, TargetOutcome>,
) -> Vec<EventNote> {
    let bad = |it: &TargetOutcome| matches!(it, TargetOutcome::Failed(..) | TargetOutcome::Conflict(_));
    let failing = outcomes.iter().filter(|(_, it)| bad(it)).map(|(name, it)| (name.clone(), it.clone())).collect();
    let mut pending = context.pending();
    let remembered = pending.entry(key.clone()).or_default();
    let before = std::mem::replace(&mut remembered.failing, failing);
    let known = |name: &str, it: &TargetOutcome| before.get(name).is_some_and(|was| was.reason() == it.reason());
    let new: Vec<(&String, &TargetOutcome)> =
        outcomes.iter().filter(|(name, it)| bad(it) && !known(name.as_str(), it)).collect();
    let of = |conflicts: bool, reason| {
        let here: Vec<_> = new.iter().filter(|(_, it)| matches!(it, TargetOutcome::Conflict(_)) == conflicts).collect();
        let (name, first) = here.first()?;
        let more = if here.len() > 1 { format!(" (and {} more)", here.len() - 1) } else { String::new() };
        Some(EventNote::warning(reason, format!("{name}: {}{more}", first.message())))
    };
    of(true, "ConflictDetected").into_iter().chain(of(false, "TargetFailed")).collect()
}

/// Publishes why targets were not visited, if that is new.
pub(crate) async fn tell_stopped(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    stopped: &VisitStop,
) {
    let known = context.pending().get(key).and_then(|it| it.retry).is_some_and(|it| it.0 == stopped.reason);
    if stopped.reason == SyncReason::TokenDenied && !known {
        context.teller.tell(sync, EventNote::warning("TokenDenied", stopped.message.clone())).await;
    }
}

/// Keeps the gauge of targets: what this object adds to it.
pub(crate) fn gauge(context: &OperatorContext, key: &NamespacedName, now: &Tally) {
    let mut pending = context.pending();
    let before = std::mem::replace(&mut pending.entry(key.clone()).or_default().tally, now.clone());
    let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let states = [
        ("synced", before.synced, now.synced),
        ("pending", before.pending, now.pending),
        ("failed", before.failed - before.conflicts, now.failed - now.conflicts),
        ("conflict", before.conflicts, now.conflicts),
    ];
    for (state, before, now) in states {
        context.figures.targets_changed(state, signed(now) - signed(before));
    }
}

fn listed(namespaces: &[String]) -> String {
    let first = namespaces.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    match namespaces.len() {
        0..=10 => first,
        count => format!("{first} and {} more", count - 10),
    }
}
