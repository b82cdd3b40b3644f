//! Workers: a limited number visit the objects that are due, and schedule the next visit by the result.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::act::{Finish, OperatorContext, visit};
use crate::decide::{jittered, pause};
use crate::marks::NamespacedName;
use crate::world::Visit;
use crate::{OperatorError, SyncReason};
use weft_stages::project::seconds;

/// How long nothing is due at most: the clock of the queue is looked at so often anyway.
const IDLE: Duration = Duration::from_secs(5);

/// Works until it is stopped; then waits for what is under way, at most for `grace`.
pub(super) async fn work(
    context: &Arc<OperatorContext>,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) -> Result<(), OperatorError> {
    let mut visits = JoinSet::new();
    let mut led = false;
    while !*stop.borrow() {
        let can = context.server.leads() && context.figures.is_ready();
        if can && !std::mem::replace(&mut led, can) {
            context.begin();
        }
        led = can || (led && context.server.leads());
        while can && visits.len() < context.options.workers {
            let Some((key, thorough)) = context.queue().next(context.now()) else { break };
            visits.spawn(one(Arc::clone(context), key, thorough));
        }
        let depth = context.queue().depth(context.now());
        context.figures.queue_depth.store(depth.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        let due = context.queue().wakes().map_or(IDLE, |due| due.saturating_sub(context.now()).min(IDLE));
        let full = visits.len() >= context.options.workers;
        tokio::select! {
            _ = stop.changed() => {}
            _ = visits.join_next(), if !visits.is_empty() => {}
            () = context.woken(), if can && !full => {}
            () = tokio::time::sleep(if can && !full { due } else { Duration::from_millis(100) }) => {}
        }
    }
    let _ = tokio::time::timeout(grace, async { while visits.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn one(context: Arc<OperatorContext>, key: NamespacedName, thorough: Visit) {
    let began = Instant::now();
    let visit = AssertUnwindSafe(visit(&context, &key, thorough)).catch_unwind().await;
    // A defect that one object meets stops no other, and that one is tried again.
    let finish = visit.unwrap_or_else(|_| Finish::again("failed", SyncReason::ApiUnavailable));
    context.figures.ran(finish.result, began.elapsed());
    plan(&context, &key, &finish);
}

/// Plans the next visits of an object.
fn plan(context: &OperatorContext, key: &NamespacedName, finish: &Finish) {
    let interval = context.world().sync(key).map(|it| seconds(&it.object.spec.resync_interval).unwrap_or(600));
    context.queue().ended(key, finish.wrote);
    let (Some(interval), false) = (interval, finish.gone) else {
        context.forget(key);
        return;
    };
    let now = context.now();
    let again = retry(context, key, &finish.retry).map(|wait| now + jittered(wait, context.dice()));
    let full = now + jittered(Duration::from_secs(interval), context.dice());
    context.queue().replan(key, full, again);
}

/// When an object is visited again for what did not end well, which doubles as long as that stays the same.
fn retry(context: &OperatorContext, key: &NamespacedName, reasons: &[SyncReason]) -> Option<Duration> {
    let mut pending = context.pending();
    let remembered = pending.entry(key.clone()).or_default();
    let shortest = reasons.iter().filter_map(|it| Some((pause(*it, 0)?, *it))).min();
    let Some((_, reason)) = shortest else {
        remembered.retry = None;
        return None;
    };
    let attempts = remembered.retry.filter(|it| it.0 == reason).map_or(0, |it| it.1 + 1);
    remembered.retry = Some((reason, attempts));
    pause(reason, attempts)
}
