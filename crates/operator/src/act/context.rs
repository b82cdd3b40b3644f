//! The state that all visits share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{ApiServer, EventPublisher, Tokens};
use crate::decide::{Tally, TargetOutcome, target_name};
use crate::marks::NamespacedName;
use crate::world::{CopySet, Queue, World};
use crate::{ConfigMapSync, Metrics, OperatorNote, OperatorOptions, SyncReason, Tell};

/// What all visits share.
pub(crate) struct OperatorContext {
    pub server: ApiServer,
    pub tokens: Tokens,
    pub teller: EventPublisher,
    pub figures: Arc<Metrics>,
    /// Receives the process's log messages.
    pub tell: Tell,
    pub options: OperatorOptions,
    world: Mutex<World>,
    queue: Mutex<Queue>,
    pending: Mutex<HashMap<NamespacedName, ObjectMemory>>,
    started: Instant,
    due: Notify,
    dice: AtomicU64,
}

/// How many copies are looked at in a second after a start, at most.
const VERIFIED: u64 = 200;

/// What happened so long before this process led was seen to by the one who did.
const RECENT: Duration = Duration::from_secs(60);

/// What is remembered of an object between two visits.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectMemory {
    /// Why the last visit did not end well, and how often in a row before.
    pub retry: Option<(SyncReason, u32)>,
    /// The sums of the last visit, as they are counted.
    pub tally: Tally,
    /// The targets that failed at the last visit.
    pub failing: HashMap<String, TargetOutcome>,
}

/// How a visit ended.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    /// The result, for the figures.
    pub result: &'static str,
    /// Whether anything was written.
    pub wrote: bool,
    /// Why it has to be visited again, if it has.
    pub retry: Vec<SyncReason>,
    /// Whether the object is gone.
    pub gone: bool,
}

impl Finish {
    /// A visit that ended so.
    pub fn with_result(result: &'static str) -> Self {
        Self { result, wrote: false, retry: Vec::new(), gone: false }
    }

    /// A visit that has to be repeated, for this reason.
    pub fn again(result: &'static str, reason: SyncReason) -> Self {
        Self { retry: vec![reason], ..Self::with_result(result) }
    }

    /// A visit of an object that is gone.
    pub fn gone(result: &'static str) -> Self {
        Self { gone: true, ..Self::with_result(result) }
    }
}

impl OperatorContext {
    /// An operator that knows nothing yet.
    pub fn new(
        server: ApiServer,
        teller: EventPublisher,
        figures: Arc<Metrics>,
        tell: Tell,
        options: OperatorOptions,
    ) -> Self {
        Self {
            server,
            tokens: Tokens::new(Arc::clone(&figures)),
            teller,
            figures,
            tell,
            options,
            world: Mutex::default(),
            queue: Mutex::default(),
            pending: Mutex::default(),
            started: Instant::now(),
            due: Notify::new(),
            dice: AtomicU64::new(1),
        }
    }

    /// What is known of the cluster. The lock is not held across an await.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is due. The lock is not held across an await.
    pub fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered between visits. The lock is not held across an await.
    pub fn pending(&self) -> MutexGuard<'_, HashMap<NamespacedName, ObjectMemory>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the start of the process.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says that something may be due.
    pub fn wake(&self) {
        self.due.notify_one();
    }

    /// Waits until something may be due.
    pub async fn woken(&self) {
        self.due.notified().await;
    }

    /// A number from 0 to 1, another one each time: good enough to spread what would come together.
    pub fn dice(&self) -> f64 {
        let next = self.dice.fetch_add(0x9e37_79b9, Ordering::Relaxed);
        f64::from(u16::try_from(next.wrapping_mul(0x2545_f491) >> 16 & 0xffff).unwrap_or_default()) / 65_535.0
    }

    /// This process begins to lead, and knows everything: everybody is queued. Those that are as they shall be, as far as
    /// their status says, are verified one after the other, so that neither a restart nor a change of leaders is a storm.
    pub fn begin(&self) {
        (self.tell)(&OperatorNote::Info(format!("it leads, with {} objects", self.world().syncs().count())));
        let world = self.world();
        let now = self.now();
        let mut queue = self.queue();
        let mut copies = 0;
        for (key, sync) in world.syncs() {
            let wait = if is_converged(&sync.object) {
                copies += 1 + u64::try_from(world.copies().count(&CopySet::new(key, target_name(&sync.object.spec))))
                    .unwrap_or_default();
                Duration::from_millis(copies * 1000 / VERIFIED)
            } else {
                Duration::ZERO
            };
            queue.begin(key, now + wait, now.saturating_sub(RECENT));
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, key: &NamespacedName) {
        super::status::gauge(self, key, &Tally::default());
        self.pending().remove(key);
        let mut world = self.world();
        world.copies_mut().forget(key);
        // Another one may have its name by now.
        if world.sync(key).is_none() {
            self.queue().forget(key);
        }
    }
}

/// Whether a status says that everything was as it should be.
fn is_converged(sync: &ConfigMapSync) -> bool {
    let meta = &sync.metadata;
    if meta.deletion_timestamp.is_some() {
        return false;
    }
    let Some(status) = &sync.status else { return false };
    let available = status.conditions.iter().any(|it| it.type_ == "Available" && it.status == "True");
    available && status.observed_generation == meta.generation
}
