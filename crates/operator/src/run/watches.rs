//! Watches: `ConfigMapSync`s in full, everything else as metadata. Each fills its part of the world and queues the
//! objects that a change affects.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::metadata::PartialObject;
use crate::act::{OperatorContext, namespace, slim};
use crate::world::{AffectedKeys, World, key_of};
use crate::{ConfigMapSync, OperatorNote};
use weft_engine::cluster::typed::{Resource, WatchError, WatchEvent as Event, WatchOptions};

/// How many objects a page of a list has, where the server cannot send a list as events. One that fails begins the list
/// again, so there should be few.
const PAGE: u32 = 1000;
/// The time after which everything is listed again, whatever the watches reported.
const ANEW: Duration = Duration::from_secs(30 * 60);
/// The waits of a watch that fails: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How objects of a kind enter the world.
struct WatchedKind<K> {
    applied: fn(&mut World, K) -> AffectedKeys,
    deleted: fn(&mut World, K) -> AffectedKeys,
    anew: fn(&mut World),
    listed: fn(&mut World) -> AffectedKeys,
}

/// Counts the kinds that are not filled yet.
struct Filling {
    left: AtomicUsize,
}

/// Starts all watches.
pub(super) fn start(context: &Arc<OperatorContext>, opened: &watch::Receiver<u64>) -> Vec<JoinHandle<()>> {
    let strict = context.options.strict;
    let filling = Arc::new(Filling { left: AtomicUsize::new(if strict { 3 } else { 4 }) });
    let mut all = vec![
        watched(context, opened, &filling, SYNCS, context.options.selector.as_deref()),
        watched(context, opened, &filling, NAMESPACES, None),
        watched(context, opened, &filling, ACCOUNTS, None),
    ];
    if !strict {
        all.push(watched(context, opened, &filling, MAPS, None));
    }
    all
}

const SYNCS: WatchedKind<ConfigMapSync> = WatchedKind {
    applied: |world, mut object| {
        slim(&mut object.metadata);
        world.sync_applied(Arc::new(object))
    },
    deleted: |world, object| world.sync_deleted(&key_of(&object.metadata)),
    anew: World::syncs_listed_anew,
    listed: World::syncs_listed,
};

const NAMESPACES: WatchedKind<PartialObject<Namespace>> = WatchedKind {
    applied: |world, object| {
        world.namespace_applied(object.metadata.name.as_deref().unwrap_or_default(), namespace(&object.metadata))
    },
    deleted: |world, object| world.namespace_deleted(object.metadata.name.as_deref().unwrap_or_default()),
    anew: World::namespaces_listed_anew,
    listed: World::namespaces_listed,
};

const ACCOUNTS: WatchedKind<PartialObject<ServiceAccount>> = WatchedKind {
    applied: |world, object| {
        let uid = object.metadata.uid.clone().unwrap_or_default();
        world.account_applied(&key_of(&object.metadata), &uid)
    },
    deleted: |world, object| world.account_deleted(&key_of(&object.metadata)),
    anew: World::accounts_listed_anew,
    listed: World::accounts_listed,
};

const MAPS: WatchedKind<PartialObject<ConfigMap>> = WatchedKind {
    applied: |world, object| world.map_applied(&object.metadata),
    deleted: |world, object| world.map_deleted(&key_of(&object.metadata)),
    anew: World::maps_listed_anew,
    listed: World::maps_listed,
};

/// Watches a kind for as long as the process runs.
fn watched<K>(
    context: &Arc<OperatorContext>,
    opened: &watch::Receiver<u64>,
    filling: &Arc<Filling>,
    part: WatchedKind<K>,
    selector: Option<&str>,
) -> JoinHandle<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let options = WatchOptions { selector: selector.map(str::to_owned), page: PAGE, streams: true };
    let context = Arc::clone(context);
    let mut opened = opened.clone();
    let filling = Arc::clone(filling);
    let mut watching =
        Watching { context, filling, part, options, filled: false, told: String::new(), wait: FIRST_WAIT };
    tokio::spawn(async move { while watching.once(&mut opened).await {} })
}

/// A watch of a kind, as it goes on.
struct Watching<K> {
    context: Arc<OperatorContext>,
    filling: Arc<Filling>,
    part: WatchedKind<K>,
    options: WatchOptions,
    /// Whether its part of the world was filled once.
    filled: bool,
    /// The failure that was reported last.
    told: String,
    /// How long the next failure is waited out.
    wait: Duration,
}

impl<K> Watching<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Lists all, and watches until that is to be done anew; whether it is.
    async fn once(&mut self, opened: &mut watch::Receiver<u64>) -> bool {
        let mut events = Box::pin(self.context.server.own().watch::<K>(&self.options));
        let anew = tokio::time::sleep(ANEW);
        tokio::pin!(anew);
        self.wait = FIRST_WAIT;
        opened.mark_unchanged();
        loop {
            let event = tokio::select! {
                // A connection to a server that was away may hang for minutes.
                changed = opened.changed() => return changed.is_ok(),
                () = &mut anew => return true,
                event = events.next() => event,
            };
            let Some(event) = event else { return true };
            if !self.took(event).await {
                return true;
            }
        }
    }

    /// Takes an event up; whether the watch goes on.
    async fn took(&mut self, event: Result<Event<K>, WatchError>) -> bool {
        match event {
            Ok(event) => {
                self.wait = FIRST_WAIT;
                let done = matches!(event, Event::InitDone);
                take(&self.context, &self.part, event);
                if done && !self.filled {
                    self.filled = true;
                    self.filling.filled(&self.context);
                }
            }
            Err(WatchError::NoStreams(_)) => {
                self.options.streams = false;
                return false;
            }
            Err(error) => {
                self.context.figures.watch_failed();
                self.told = tell::<K>(&self.context, &error, std::mem::take(&mut self.told));
                tokio::time::sleep(self.wait).await;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
            }
        }
        true
    }
}

/// Reports once why a watch fails that cannot recover by itself, and returns the last report. An ended connection is
/// not such a failure.
fn tell<K: Resource<DynamicType = ()>>(context: &OperatorContext, error: &WatchError, told: String) -> String {
    let WatchError::Refused(message) = error else { return told };
    let text = format!("cannot watch {}: {message}", K::plural(&()));
    if text != told {
        (context.tell)(&OperatorNote::Warning(text.clone()));
    }
    text
}

/// Takes an event up, and queues whom it concerns. Before all is known, nobody is queued.
fn take<K>(context: &OperatorContext, part: &WatchedKind<K>, event: Event<K>) {
    let concerned = {
        let mut world = context.world();
        match event {
            Event::Apply(object) | Event::InitApply(object) => (part.applied)(&mut world, object),
            Event::Delete(object) => (part.deleted)(&mut world, object),
            Event::Init => {
                (part.anew)(&mut world);
                AffectedKeys::new()
            }
            Event::InitDone => (part.listed)(&mut world),
        }
    };
    if context.figures.synced.load(Ordering::Relaxed) {
        let now = context.now();
        let mut queue = context.queue();
        for key in &concerned {
            queue.happened(key, now);
        }
        drop(queue);
        context.wake();
    }
}

impl Filling {
    /// One part more is filled. With the last one, the work can begin.
    fn filled(&self, context: &OperatorContext) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            context.figures.synced.store(true, Ordering::Relaxed);
            (context.tell)(&OperatorNote::Info("the caches are filled".to_owned()));
            context.wake();
        }
    }
}
