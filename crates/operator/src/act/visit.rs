//! A visit of an object: compares what it wants with what is there and acts, in the documented order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;

use super::account::{AccountFailure, Actor};
use super::cleanup::{clean_up, owner};
use super::context::Finish;
use super::prune::{Removal, remove};
use super::server::{Unanswered, get, object, refusal_of};
use super::status::{Deeds, gauge, say, tell, tell_stopped};
use super::target::{CopyAddress, SettledTarget, settle};
use super::{OperatorContext, syncs};
use crate::decide::{
    CopyOwner, DesiredCopy, TargetOutcome, TargetPlace, TargetRules, TargetState, VisitStop, VisitView, is_copy,
    leaving, source, tally, target_name,
};
use crate::marks::{FINALIZER, NamespacedName, RECONCILE_AT};
use crate::world::{CopySet, TargetKnowledge, Visit};
use crate::{ConfigMapSync, DeletionPolicy, SourceMissingPolicy, SyncReason};

/// How many targets are worked on at once.
const AT_ONCE: usize = 8;
/// How long a visit may take before it begins no further target, and for each target on top.
const DEADLINE: Duration = Duration::from_secs(60);
const PER_TARGET: Duration = Duration::from_millis(100);

/// Why a visit did not come to its end.
enum VisitFailure {
    /// The API server did not answer the operator.
    Unanswered(Unanswered),
    /// The targets cannot be looked at.
    Stopped(VisitStop),
    /// The object is not as it was known: the next visit sees it anew.
    Moved,
    /// It ended early.
    Ended(Finish),
}

impl From<Unanswered> for VisitFailure {
    fn from(why: Unanswered) -> Self {
        Self::Unanswered(why)
    }
}

/// One visit under way.
struct TargetVisit<'c> {
    context: &'c OperatorContext,
    key: &'c NamespacedName,
    sync: Arc<ConfigMapSync>,
    owner: CopyOwner,
    line: CopySet,
    thorough: Visit,
    actor: Actor<'c>,
    deeds: Deeds,
    outcomes: BTreeMap<String, TargetOutcome>,
    /// Whether a copy was not found that the watch still shows.
    unsure: bool,
}

/// Visits an object.
pub(crate) async fn visit(context: &OperatorContext, key: &NamespacedName, thorough: Visit) -> Finish {
    let Some(known) = context.world().sync(key).cloned() else { return Finish::gone("gone") };
    let sync = match begin(context, key, &known.object, known.orphaned, thorough).await {
        Ok(sync) => sync,
        Err(broken) => return give_up(context, key, &known.object, broken).await,
    };
    let forced = requested_at(&sync) != sync.status.as_ref().and_then(|it| it.last_handled_reconcile_at.as_ref());
    let thorough = if forced { Visit::Full } else { thorough };
    let ended = match account(context, key, &sync) {
        Ok(actor) => {
            let owner = owner(key, &sync);
            let deeds = Deeds::default();
            let outcomes = BTreeMap::new();
            let line = CopySet::new(key, target_name(&sync.spec));
            let sync = Arc::clone(&sync);
            TargetVisit { context, key, sync, owner, line, thorough, actor, deeds, outcomes, unsure: false }.run().await
        }
        Err(stopped) => Err(VisitFailure::Stopped(stopped)),
    };
    match ended {
        Ok(finish) => finish,
        Err(broken) => give_up(context, key, &sync, broken).await,
    }
}

/// Ends a visit that did not come to its end. A status is written wherever that can be.
async fn give_up(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    broken: VisitFailure,
) -> Finish {
    match broken {
        VisitFailure::Ended(finish) => finish,
        VisitFailure::Moved => Finish::again("moved", SyncReason::Pending),
        VisitFailure::Unanswered(Unanswered::NotLeading) => Finish::with_result("unavailable"),
        VisitFailure::Unanswered(Unanswered::Lost(message)) => {
            stop(context, key, sync, VisitStop { reason: SyncReason::ApiUnavailable, message }).await
        }
        VisitFailure::Stopped(stopped) => stop(context, key, sync, stopped).await,
    }
}

/// Everything before the account: reading anew, deletion, the finalizer, the first conditions, a pause.
async fn begin(
    context: &OperatorContext,
    key: &NamespacedName,
    known: &Arc<ConfigMapSync>,
    orphaned: bool,
    thorough: Visit,
) -> Result<Arc<ConfigMapSync>, VisitFailure> {
    let mut sync = Arc::clone(known);
    if thorough == Visit::Full {
        sync = syncs::fresh(context, key).await?.ok_or(VisitFailure::Ended(Finish::gone("gone")))?;
    }
    if sync.metadata.deletion_timestamp.is_some() {
        return Err(VisitFailure::Ended(clean_up(context, key, &sync, orphaned).await));
    }
    if !sync.metadata.finalizers.iter().flatten().any(|it| it == FINALIZER) {
        sync = syncs::add_finalizer(context, key, &sync).await?.ok_or(VisitFailure::Moved)?;
    }
    if sync.status.as_ref().is_none_or(|it| it.conditions.is_empty()) {
        say(context, key, &sync, &VisitView::First).await?;
        sync = context.world().sync(key).map(|it| Arc::clone(&it.object)).ok_or(VisitFailure::Moved)?;
    }
    if sync.spec.paused {
        let wrote = say(context, key, &sync, &VisitView::Paused).await?;
        return Err(VisitFailure::Ended(Finish { wrote, ..Finish::with_result("paused") }));
    }
    Ok(sync)
}

fn requested_at(sync: &ConfigMapSync) -> Option<&String> {
    sync.metadata.annotations.as_ref().and_then(|it| it.get(RECONCILE_AT))
}

/// The identity that the object acts with.
fn account<'c>(
    context: &'c OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
) -> Result<Actor<'c>, VisitStop> {
    let account = NamespacedName::new(&key.namespace, &sync.spec.service_account.name);
    let uid = context.world().account(&account).cloned();
    let Some(uid) = uid else {
        let message = format!("the service account {account} does not exist");
        return Err(VisitStop { reason: SyncReason::ServiceAccountNotFound, message });
    };
    Ok(Actor::Account { server: &context.server, tokens: &context.tokens, account, uid })
}

/// Says why targets were not looked at.
async fn stop(context: &OperatorContext, key: &NamespacedName, sync: &ConfigMapSync, stopped: VisitStop) -> Finish {
    tell_stopped(context, key, sync, &stopped).await;
    let reason = stopped.reason;
    let result = if reason == SyncReason::ApiUnavailable { "unavailable" } else { "failed" };
    match say(context, key, sync, &VisitView::Stopped(stopped)).await {
        Ok(_) => Finish::again(result, reason),
        Err(_) => Finish::again("unavailable", SyncReason::ApiUnavailable),
    }
}

impl TargetVisit<'_> {
    async fn run(mut self) -> Result<Finish, VisitFailure> {
        let from = source(&self.sync.spec, &self.key.namespace);
        let Some(object) = self.read(&from).await? else { return self.without_source(&from).await };
        if is_copy(&object.metadata) {
            let message = format!("the source {from} is itself a copy: copies are not copied on");
            return Err(VisitFailure::Stopped(VisitStop { reason: SyncReason::SyncLoop, message }));
        }
        let wanted = DesiredCopy::new(&self.owner, &self.sync.spec, &object);
        self.targets(&wanted).await;
        self.prune().await?;
        let sums = tally(&self.outcomes);
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let of_source = (text(&object.metadata.uid), text(&object.metadata.resource_version));
        let view = VisitView::Seen { source: (&of_source.0, &of_source.1), wanted: &wanted, tally: &sums };
        let said = say(self.context, self.key, &self.sync, &view).await?;
        tell(self.context, self.key, &self.sync, &self.deeds, &self.outcomes).await;
        gauge(self.context, self.key, &sums);
        let result = if sums.failed > 0 {
            "failed"
        } else if sums.pending > 0 {
            "pending"
        } else {
            "synced"
        };
        let unsure = self.unsure.then_some(SyncReason::Pending);
        let retry = self.outcomes.values().filter_map(TargetOutcome::reason).chain(unsure).collect();
        Ok(Finish { result, wrote: said || self.deeds.any(), retry, gone: false })
    }

    /// Reads the source; `None` if it does not exist.
    async fn read(&self, from: &NamespacedName) -> Result<Option<ConfigMap>, VisitFailure> {
        let at = CopyAddress { namespace: &from.namespace, name: &from.name };
        let answer = self.actor.call(&get(at.path())).await.map_err(|failed| match failed {
            AccountFailure::Stopped(stopped) => VisitFailure::Stopped(stopped),
            AccountFailure::Unanswered(why) => {
                VisitFailure::Stopped(VisitStop { reason: SyncReason::ApiUnavailable, message: why.to_string() })
            }
        })?;
        let said = refusal_of(&answer);
        let stopped = |reason| VisitFailure::Stopped(VisitStop { reason, message: said.message.clone() });
        match answer.code {
            404 => Ok(None),
            // In a namespace that is not there nobody has rights.
            403 if syncs::fresh_namespace(self.context, &from.namespace).await?.is_none() => Ok(None),
            403 => Err(stopped(SyncReason::SourceForbidden)),
            _ if answer.is_success() => Ok(Some(object(&answer)?)),
            _ => Err(stopped(SyncReason::ApiUnavailable)),
        }
    }

    /// The source is gone: its copies stay or go.
    async fn without_source(mut self, from: &NamespacedName) -> Result<Finish, VisitFailure> {
        if self.sync.spec.source_missing_policy == SourceMissingPolicy::Delete {
            self.confirm().await?;
            let copies = self.context.world().copies().namespaces_of(&self.line, &self.owner.uid);
            self.remove_all(copies, Removal::Delete).await;
            tell(self.context, self.key, &self.sync, &self.deeds, &self.outcomes).await;
        }
        let message = format!("the source {from} does not exist");
        Err(VisitFailure::Stopped(VisitStop { reason: SyncReason::SourceNotFound, message }))
    }

    /// Brings every target to rest. One that fails stops no other.
    async fn targets(&mut self, wanted: &DesiredCopy) {
        let places = self.context.world().places(&self.sync);
        let deadline = Instant::now() + DEADLINE + PER_TARGET * u32::try_from(places.len()).unwrap_or(u32::MAX);
        let large = wanted.too_large();
        let body = Bytes::from(wanted.body());
        let this = &*self;
        let settled = futures::stream::iter(places).map(|(namespace, place)| {
            let large = large.as_ref();
            let body = &body;
            async move {
                let settled = match large {
                    Some(why) if place == TargetPlace::Ready => {
                        ended(TargetOutcome::failed(SyncReason::TooLarge, format!("the copy is too large: {why}")))
                    }
                    _ => this.target(wanted, body, &namespace, place, deadline).await,
                };
                (namespace, settled)
            }
        });
        let all: Vec<(String, SettledTarget)> = settled.buffer_unordered(AT_ONCE).collect().await;
        for (namespace, settled) in all {
            if settled.writes > 0 {
                let deed = if settled.corrected { &mut self.deeds.corrected } else { &mut self.deeds.written };
                deed.push(namespace.clone());
            }
            if settled.corrected {
                self.context.figures.drift_corrected.fetch_add(1, Ordering::Relaxed);
            }
            self.outcomes.insert(namespace, settled.outcome);
        }
        self.deeds.written.sort();
        self.deeds.corrected.sort();
    }

    async fn target(
        &self,
        wanted: &DesiredCopy,
        body: &Bytes,
        namespace: &str,
        place: TargetPlace,
        deadline: Instant,
    ) -> SettledTarget {
        match place {
            TargetPlace::Missing => {
                return ended(TargetOutcome::pending(SyncReason::NamespaceMissing, "the namespace does not exist"));
            }
            TargetPlace::Terminating => {
                return ended(TargetOutcome::pending(
                    SyncReason::NamespaceTerminating,
                    "the namespace is being deleted",
                ));
            }
            TargetPlace::IsSource => {
                return ended(TargetOutcome::failed(SyncReason::TargetIsSource, "the copy would be the source"));
            }
            TargetPlace::Ready if Instant::now() > deadline => {
                return ended(TargetOutcome::pending(
                    SyncReason::Pending,
                    "its turn did not come within the time of a visit",
                ));
            }
            TargetPlace::Ready => {}
        }
        let Some((found, absent)) = self.start(wanted, namespace) else { return ended(TargetOutcome::Synced) };
        let spec = &self.sync.spec;
        let rules =
            TargetRules { wanted, owner: &self.owner, conflict: spec.conflict_policy, drift: spec.drift_policy };
        let settled = settle(&self.actor, namespace, &rules, body, found, absent).await;
        self.remember(wanted, namespace, &settled);
        settled
    }

    /// Where a target begins: what was found, if nobody has to look, and what it means where there is nothing. `None`
    /// where it is known to be as it shall be.
    fn start(&self, wanted: &DesiredCopy, namespace: &str) -> Option<(Option<TargetState>, TargetState)> {
        let world = self.context.world();
        let copies = world.copies();
        let seen = copies.seen_at(&self.line, namespace);
        let known = copies.known_at(&self.line, namespace);
        let full = self.thorough == Visit::Full;
        if !full && copies.is_verified(&self.line, namespace, &wanted.hash) {
            return None;
        }
        let reported = |it: &crate::FailedTarget| it.namespace == namespace && it.reason == SyncReason::Drifted;
        let drifted = self.sync.status.as_ref().is_some_and(|it| it.failed_targets.iter().any(reported));
        let vanished = matches!(known, Some(TargetKnowledge::Vanished | TargetKnowledge::Verified { .. })) || drifted;
        let absent = if vanished { TargetState::Vanished } else { TargetState::Absent };
        Some(match (seen, known) {
            (None, Some(TargetKnowledge::Vanished)) if !full => (Some(TargetState::Vanished), absent),
            (None, None) if !self.context.options.strict && !drifted => (Some(TargetState::Unseen), absent),
            _ => (None, absent),
        })
    }

    fn remember(&self, wanted: &DesiredCopy, namespace: &str, settled: &SettledTarget) {
        let known = match (&settled.outcome, &settled.found) {
            (TargetOutcome::Synced, TargetState::Present(object)) => Some(TargetKnowledge::Verified {
                uid: object.metadata.uid.as_deref().unwrap_or_default().into(),
                version: object.metadata.resource_version.as_deref().unwrap_or_default().into(),
                hash: Arc::clone(&wanted.hash),
            }),
            (TargetOutcome::Synced | TargetOutcome::Failed(SyncReason::Drifted, _), TargetState::Vanished) => {
                Some(TargetKnowledge::Vanished)
            }
            (TargetOutcome::Conflict(_) | TargetOutcome::Skipped, _) => Some(TargetKnowledge::Conflict),
            _ => None,
        };
        self.context.world().copies_mut().know(&self.line, namespace, known);
    }

    /// Removes the copies that are no longer wanted.
    async fn prune(&mut self) -> Result<(), VisitFailure> {
        let leaving = self.leaving();
        if leaving.is_empty() {
            return Ok(());
        }
        self.confirm().await?;
        let mut sure = Vec::new();
        for namespace in leaving {
            // A namespace that is not as the watch shows it is looked at at the next visit.
            let now = syncs::fresh_namespace(self.context, &namespace).await?;
            let known = self.context.world().namespaces().get(&namespace).cloned();
            if now.is_some() && now == known {
                sure.push(namespace);
            }
        }
        let removal = match self.sync.spec.deletion_policy {
            DeletionPolicy::Delete => Removal::Delete,
            DeletionPolicy::Orphan => Removal::Orphan,
        };
        self.remove_all(sure, removal).await;
        Ok(())
    }

    fn leaving(&self) -> Vec<String> {
        let world = self.context.world();
        let mut copies = world.copies().namespaces_of(&self.line, &self.owner.uid);
        if self.context.options.strict && self.thorough == Visit::Full {
            // Nothing shows where copies are: all namespaces are looked at.
            copies.extend(world.namespaces().keys().cloned());
        }
        copies.sort();
        copies.dedup();
        leaving(&copies, &world.places(&self.sync), world.namespaces())
    }

    /// Nothing is removed by what an object said earlier.
    async fn confirm(&self) -> Result<(), VisitFailure> {
        let now = syncs::fresh(self.context, self.key).await?.ok_or(VisitFailure::Moved)?;
        let same = now.metadata.uid == self.sync.metadata.uid
            && now.metadata.generation == self.sync.metadata.generation
            && now.metadata.deletion_timestamp.is_none();
        if same { Ok(()) } else { Err(VisitFailure::Moved) }
    }

    async fn remove_all(&mut self, namespaces: Vec<String>, removal: Removal) {
        let name = target_name(&self.sync.spec).to_owned();
        let actor = &self.actor;
        let owner = &self.owner;
        let name = name.as_str();
        let removals = futures::stream::iter(namespaces).map(|namespace| async move {
            let removed = remove(actor, CopyAddress { namespace: &namespace, name }, owner, removal).await;
            (namespace, removed)
        });
        let all: Vec<_> = removals.buffer_unordered(AT_ONCE).collect().await;
        for (namespace, removed) in all {
            let seen = self.context.world().copies().seen_at(&self.line, &namespace).is_some();
            match removed {
                Ok(false) if seen && !self.context.world().copies_mut().missed(&self.line, &namespace) => {
                    self.unsure = true;
                }
                Ok(did) => {
                    self.context.world().copies_mut().know(&self.line, &namespace, None);
                    let deed = match removal {
                        Removal::Delete => &mut self.deeds.pruned,
                        Removal::Orphan => &mut self.deeds.orphaned,
                    };
                    deed.extend(did.then_some(namespace));
                }
                // If no copy was ever seen, none is missing.
                Err((SyncReason::TargetForbidden, _)) if !seen => {}
                Err((reason, why)) => {
                    let why = format!("the copy is no longer wanted, and cannot be removed: {why}");
                    self.outcomes.insert(namespace, TargetOutcome::failed(reason, why));
                }
            }
        }
        self.deeds.pruned.sort();
        self.deeds.orphaned.sort();
    }
}

fn ended(outcome: TargetOutcome) -> SettledTarget {
    SettledTarget { outcome, found: TargetState::Unseen, writes: 0, corrected: false }
}
