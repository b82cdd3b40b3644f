//! The deletion of an object: its copies are deleted or stay, then its finalizer is removed. It always ends.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::jiff::Timestamp;

use super::account::Actor;
use super::context::Finish;
use super::events::EventNote;
use super::prune::{Removal, remove};
use super::server::Unanswered;
use super::status::say;
use super::target::CopyAddress;
use super::{OperatorContext, syncs};
use crate::decide::{CleanupMode, CopyOwner, Rest, TargetPlace, VisitView, cleanup_mode, rest, target_name};
use crate::marks::{FINALIZER, KEEP_COPIES, NamespacedName};
use crate::world::CopySet;
use crate::{ConfigMapSync, SyncReason};
use weft_stages::project::seconds;

/// How many copies are removed at once.
const AT_ONCE: usize = 8;

/// Why a copy does not count as gone yet.
const UNSURE: &str = "the copy was not found, and the watch still shows it";

/// The copies that could not be removed: namespace, and why.
type Leftovers = Vec<(String, (SyncReason, String))>;

/// Visits an object that is being deleted.
pub(crate) async fn clean_up(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    orphaned: bool,
) -> Finish {
    if !sync.metadata.finalizers.iter().flatten().any(|it| it == FINALIZER) {
        return Finish::with_result("cleaned");
    }
    match clean(context, key, sync, orphaned).await {
        Ok(finish) => finish,
        Err(_) => Finish::again("unavailable", SyncReason::ApiUnavailable),
    }
}

async fn clean(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    orphaned: bool,
) -> Result<Finish, Unanswered> {
    let sync = &with_note(context, key, sync, orphaned).await?;
    let undefined = syncs::is_undefined(context).await?;
    let removal = match cleanup_mode(sync, undefined) {
        CleanupMode::Delete => Removal::Delete,
        CleanupMode::Orphan => Removal::Orphan,
        CleanupMode::Leave(why) => {
            let note = format!("its copies stay as they are: {why}");
            context.teller.tell(sync, EventNote::warning("Orphaned", note)).await;
            return finish(context, key, sync).await;
        }
    };
    let owner = owner(key, sync);
    let wanted = candidates(context, key, sync, &owner);
    let (left, hopeless) = match actor(context, key, sync).await {
        Ok(actor) => (remove_all(context, &actor, sync, &owner, removal, &wanted).await, false),
        Err((why, hopeless)) => {
            let copies = context.world().copies().namespaces_of(&line(key, sync), &owner.uid);
            (copies.into_iter().map(|it| (it, why.clone())).collect(), hopeless)
        }
    };
    let timeout = Duration::from_secs(seconds(&sync.spec.cleanup_timeout).unwrap_or_default());
    match rest(left.len(), hopeless, since(sync), timeout) {
        Rest::None => {
            if removal == Removal::Orphan && !wanted.is_empty() {
                context.teller.tell(sync, EventNote::normal("Orphaned", "its copies stay, without an owner")).await;
            }
            finish(context, key, sync).await
        }
        Rest::Again => {
            let (_, (reason, why)) = &left[0];
            say(context, key, sync, &VisitView::Cleaning(left.len(), why.clone())).await?;
            let reason = if *reason == SyncReason::ApiUnavailable { *reason } else { SyncReason::CleanupIncomplete };
            Ok(Finish { wrote: true, ..Finish::again("cleaning", reason) })
        }
        Rest::LeftBehind => {
            leave(context, key, sync, &left).await;
            finish(context, key, sync).await
        }
    }
}

/// The object with the note that its copies stay, where the finalizer that says so was seen: that one goes early.
async fn with_note(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    orphaned: bool,
) -> Result<ConfigMapSync, Unanswered> {
    let mut sync = sync.clone();
    let noted = sync.metadata.annotations.as_ref().is_some_and(|it| it.contains_key(KEEP_COPIES));
    if orphaned && !noted {
        syncs::note_kept(context, key, &sync).await?;
        sync.metadata.annotations.get_or_insert_default().insert(KEEP_COPIES.to_owned(), "true".to_owned());
    }
    Ok(sync)
}

/// As whom copies are removed; else why nobody can, and whether that will never be otherwise.
async fn actor<'c>(
    context: &'c OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
) -> Result<Actor<'c>, ((SyncReason, String), bool)> {
    let account = NamespacedName::new(&key.namespace, &sync.spec.service_account.name);
    let (uid, terminating) = {
        let world = context.world();
        let namespace = world.namespaces().get(&key.namespace);
        (world.account(&account).cloned(), namespace.is_none_or(|it| it.terminating))
    };
    let OperatorContext { server, tokens, options, .. } = context;
    let denied = match uid {
        None => (SyncReason::ServiceAccountNotFound, format!("the service account {account} does not exist")),
        Some(uid) => match tokens.get(server, &account, &uid).await {
            Ok(_) => return Ok(Actor::Account { server, tokens, account, uid }),
            Err(stopped) => (stopped.reason, stopped.message),
        },
    };
    if denied.0 == SyncReason::ApiUnavailable {
        return Err((denied, false));
    }
    if let Some(token) = tokens.last_of(&account).await
        && still_holds(context, &account, &token).await
    {
        return Ok(Actor::Last { server, token });
    }
    if options.impersonate_for_cleanup {
        return Ok(Actor::Impersonated { server, account });
    }
    Err((denied, terminating))
}

/// Whether a token of an account that is gone is still taken: the server forgets it within some seconds.
async fn still_holds(context: &OperatorContext, account: &NamespacedName, token: &super::tokens::AccountToken) -> bool {
    let path = format!("/api/v1/namespaces/{}/configmaps/-", account.namespace);
    let actor = Actor::Last { server: &context.server, token: token.clone() };
    actor.call(&super::server::get(path)).await.is_ok_and(|answer| answer.code != 401)
}

/// Where copies may be: where they were seen or written, and where they were wanted.
fn candidates(context: &OperatorContext, key: &NamespacedName, sync: &ConfigMapSync, owner: &CopyOwner) -> Vec<String> {
    let world = context.world();
    let wanted = world.places(sync).into_iter().filter(|(_, place)| *place == TargetPlace::Ready).map(|(name, _)| name);
    let all: BTreeSet<String> =
        world.copies().namespaces_of(&line(key, sync), &owner.uid).into_iter().chain(wanted).collect();
    let there = |name: &String| world.namespaces().get(name).is_some_and(|it| !it.terminating);
    let everywhere: BTreeSet<String> =
        if context.options.strict { world.namespaces().keys().cloned().collect() } else { BTreeSet::new() };
    all.union(&everywhere).filter(|name| there(name)).cloned().collect()
}

async fn remove_all(
    context: &OperatorContext,
    actor: &Actor<'_>,
    sync: &ConfigMapSync,
    owner: &CopyOwner,
    removal: Removal,
    namespaces: &[String],
) -> Leftovers {
    let name = target_name(&sync.spec);
    let line = line(&owner.key, sync);
    let removals = futures::stream::iter(namespaces.to_vec()).map(|namespace| async move {
        let removed = remove(actor, CopyAddress { namespace: &namespace, name }, owner, removal).await;
        (namespace, removed)
    });
    let mut left = Leftovers::new();
    let mut removals = removals.buffer_unordered(AT_ONCE);
    while let Some((namespace, removed)) = removals.next().await {
        let seen = context.world().copies().seen_at(&line, &namespace).cloned();
        let ours = seen.as_ref().is_some_and(|it| *it.owner_uid == *owner.uid);
        match removed {
            Ok(false) if ours && !context.world().copies_mut().missed(&line, &namespace) => {
                left.push((namespace, (SyncReason::Pending, UNSURE.to_owned())));
            }
            Ok(_) => context.world().copies_mut().know(&line, &namespace, None),
            // If no copy was ever seen, none is missing.
            Err((SyncReason::TargetForbidden | SyncReason::NamespaceMissing, _)) if seen.is_none() => {}
            Err((SyncReason::NamespaceTerminating, _)) => {}
            Err(why) => left.push((namespace, why)),
        }
    }
    left.sort();
    left
}

/// Says where copies are left behind, there and here.
async fn leave(context: &OperatorContext, key: &NamespacedName, sync: &ConfigMapSync, left: &Leftovers) {
    let name = target_name(&sync.spec);
    let count = u64::try_from(left.len()).unwrap_or(u64::MAX);
    context.figures.orphaned_children.fetch_add(count, Ordering::Relaxed);
    for (namespace, (_, why)) in left {
        let note = format!("the ConfigMapSync {key} was deleted and could not remove this copy: {why}");
        context.teller.tell_at(namespace, name, EventNote::warning("Orphaned", note)).await;
    }
    let (namespace, (_, why)) = &left[0];
    let note = format!("{count} copies were left behind, such as that in {namespace}: {why}");
    context.teller.tell(sync, EventNote::warning("Orphaned", note)).await;
}

/// Removes the finalizer.
async fn finish(context: &OperatorContext, key: &NamespacedName, sync: &ConfigMapSync) -> Result<Finish, Unanswered> {
    if syncs::remove_finalizer(context, key, sync).await?.is_some() {
        return Ok(Finish { wrote: true, ..Finish::gone("cleaned") });
    }
    match syncs::fresh(context, key).await? {
        Some(now) if now.metadata.uid == sync.metadata.uid => Ok(Finish::again("cleaning", SyncReason::Pending)),
        _ => Ok(Finish::gone("cleaned")),
    }
}

fn since(sync: &ConfigMapSync) -> Duration {
    let began = sync.metadata.deletion_timestamp.as_ref().map(|it| it.0);
    let passed = began.map(|it| Timestamp::now().duration_since(it));
    passed.and_then(|it| Duration::try_from(it).ok()).unwrap_or_default()
}

fn line(key: &NamespacedName, sync: &ConfigMapSync) -> CopySet {
    CopySet::new(key, target_name(&sync.spec))
}

/// Whose the copies of an object are.
pub(crate) fn owner(key: &NamespacedName, sync: &ConfigMapSync) -> CopyOwner {
    CopyOwner { key: key.clone(), uid: sync.metadata.uid.clone().unwrap_or_default() }
}
