//! Waiting for health, with what is missing said on the way.
//!
//! Objects are looked at again and again, not watched: most waits are over after a few looks, each of which is one LIST
//! for many objects, while a watch takes a right and a connection of its own for each kind and namespace, and has to be
//! begun again by a LIST whenever it breaks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{ReleaseWait, Run, Scope, StepResult, cause};
use crate::cluster::ServedObject;
use weft_stages::diff::{self, LiveObject};
use weft_stages::health::{self, Around, Cause, Health};
use weft_stages::manifest::ObjectId;
use weft_stages::plan::{Stage, Work};
use weft_stages::report::Outcome;

/// The wait before the second look; each further one waits half as long again.
const SOON: Duration = Duration::from_millis(200);
/// The longest wait between two looks, unless a look itself takes long.
const INTERVAL: Duration = Duration::from_secs(1);
/// What takes long is done less often: its pause is so many times as long, up to a limit.
const SHARE: u32 = 4;
const RARE: Duration = Duration::from_secs(5);
/// After this time of waiting the cause is looked for among pods and events, and again after each of these times.
const PUZZLED: Duration = Duration::from_secs(2);
/// An object that is gone may be on its way to be made again; after this time it is not.
const GONE: Duration = Duration::from_secs(10);

/// What was applied, until it is healthy, has failed, or time is up.
struct Vigil {
    began: Instant,
    pending: Vec<PendingObject>,
    pause: Duration,
    /// When causes are looked for next, and how long that takes.
    puzzled: Instant,
}

/// The result of waiting for one object.
struct WaitResult {
    id: ObjectId,
    outcome: Outcome,
    /// Why its stage has failed with it.
    failed: Option<String>,
}

/// An object that is waited for.
struct PendingObject {
    wanted: ServedObject,
    release: Arc<str>,
    patience: Duration,
    /// What was last said about it.
    said: String,
    /// What is wrong with it.
    known: Option<HealthProblem>,
    /// Since when it is gone.
    gone: Option<Instant>,
}

/// Why an object is not healthy.
struct HealthProblem {
    cause: Cause,
    since: Instant,
    /// For how long it was seen: later than when it was last looked for, nobody knows.
    lasted: Duration,
    /// The cause with the last lines of a log.
    words: String,
}

/// How a pending object is.
enum State {
    Healthy,
    /// It has failed.
    Failed(String),
    /// It is not there yet; this is what is missing.
    Missing(String),
}

type LiveObjects = BTreeMap<ObjectId, LiveObject>;

impl Run<'_> {
    /// Waits until what was applied of the steps of a stage is healthy, has failed, or time is up.
    pub(super) async fn wait(&self, stage: usize) {
        let mut vigil = Vigil::new(self.pending(stage));
        while !vigil.is_over() && self.scope.obstacle().is_none() {
            for told in vigil.look(&self.scope).await {
                self.tell(&told.id, told.outcome);
                if let Some(reason) = told.failed {
                    self.fail(stage, reason);
                }
            }
            vigil.rest(&self.scope).await;
        }
        self.leave_unawaited(&vigil.pending);
    }

    /// Says of all that was applied and not waited for to the end that nobody knows whether it becomes healthy.
    pub(super) fn leave_waits(&self) {
        if self.scope.obstacle().is_none() {
            return;
        }
        for (at, stage) in self.scope.plan.stages.iter().enumerate() {
            if stage.work == Work::Wait {
                self.leave_unawaited(&self.pending(at));
            }
        }
    }

    fn leave_unawaited(&self, pending: &[PendingObject]) {
        let Some(why) = self.scope.obstacle().filter(|_| !pending.is_empty()) else { return };
        self.progress().unawaited += pending.len();
        for it in pending {
            let said = if it.said.is_empty() { String::new() } else { format!("; it was waiting for: {}", it.said) };
            self.tell(&it.wanted.id, Outcome::Unknown(format!("interrupted before it was healthy, since {why}{said}")));
        }
    }

    /// An object that is as it should be in the answer to its apply, and of which nothing becomes by itself, is not
    /// looked at again.
    pub(super) fn settle_at_once(&self, at: usize, live: &LiveObject) {
        let waiting = self.scope.options.releases.get(&self.step(at).object.release);
        let Some(waiting) = waiting.filter(|it| it.patience.is_some()) else { return };
        if health::is_settled(&live.body, &waiting.rules) {
            self.progress().waited.insert(at);
            self.tell(&live.id, Outcome::Healthy);
        }
    }

    /// What was applied of a stage in this run, if its release waits at all.
    fn pending(&self, stage: usize) -> Vec<PendingObject> {
        let Stage { release, steps, .. } = self.stage(stage);
        let waiting = self.scope.options.releases.get(release);
        let Some((waiting, patience)) = waiting.and_then(|it| Some((it, it.patience?))) else { return Vec::new() };
        let mut progress = self.progress();
        let applied =
            |at: &usize| matches!(progress.done[*at], StepResult::Applied(_)) && !progress.waited.contains(at);
        let applied: Vec<usize> = steps.iter().copied().filter(applied).collect();
        progress.waited.extend(&applied);
        let pending = applied.into_iter().filter_map(|at| {
            let object = &self.step(at).object;
            let desired = object.desired.as_ref()?;
            let wanted =
                ServedObject { id: object.id.clone(), resource: progress.discovery.resource(&desired.gvk)?.clone() };
            let patience = health::patience(&desired.body, &waiting.rules).unwrap_or(patience);
            let release = Arc::clone(release);
            let said = String::new();
            Some(PendingObject { wanted, release, patience, said, known: None, gone: None })
        });
        pending.collect()
    }
}

impl Vigil {
    fn new(pending: Vec<PendingObject>) -> Self {
        let now = Instant::now();
        Self { began: now, pending, pause: SOON, puzzled: now + PUZZLED }
    }

    /// Whether nothing is waited for any more.
    fn is_over(&self) -> bool {
        self.pending.is_empty()
    }

    /// Looks at what is waited for; what is healthy or has failed is waited for no longer.
    async fn look(&mut self, scope: &Scope<'_>) -> Vec<WaitResult> {
        let began = Instant::now();
        let mut told = Vec::new();
        let seen = self.read(scope, &mut told).await;
        self.pause = (self.pause * 3 / 2).min(INTERVAL).max((began.elapsed() * SHARE).min(RARE));
        let mut states: Vec<State> = Vec::new();
        for it in &mut self.pending {
            states.push(it.state(seen.get(&it.wanted.id), scope).await);
        }
        self.explain(scope, &seen, &mut states).await;
        let elapsed = self.began.elapsed();
        let mut left = Vec::new();
        for (mut it, state) in std::mem::take(&mut self.pending).into_iter().zip(states) {
            let (outcome, is_over) = it.settle(state, elapsed);
            told.extend(outcome.map(|outcome| it.told(outcome)));
            if !is_over {
                left.push(it);
            }
        }
        self.pending = left;
        told
    }

    /// Waits before the next look, unless the run shall end.
    async fn rest(&self, scope: &Scope<'_>) {
        if self.is_over() {
            return;
        }
        let mut stop = scope.options.stop.clone();
        tokio::select! {
            () = sleep(self.pause) => {}
            // A sender that is gone stops nothing.
            Ok(_) = stop.wait_for(Option::is_some) => {}
        }
    }

    /// Reads what is waited for. What cannot be read is waited for no longer.
    async fn read(&mut self, scope: &Scope<'_>, told: &mut Vec<WaitResult>) -> LiveObjects {
        let mut seen = LiveObjects::new();
        let wanted: Vec<ServedObject> = self.pending.iter().map(|it| it.wanted.clone()).collect();
        let mut each = |object: LiveObject| {
            seen.insert(object.id.clone(), object);
        };
        let reasons = match scope.cluster.read(wanted, &mut each).await {
            Ok(unread) => unread.reasons,
            Err(error) => {
                let _ = scope.lost.set(error.to_string());
                let why = diff::Cause::Unreadable.since(error.to_string());
                self.pending.iter().map(|it| (it.wanted.id.clone(), why.clone())).collect()
            }
        };
        for it in self.pending.extract_if(.., |it| reasons.contains_key(&it.wanted.id)) {
            let outcome = Outcome::Unknown(format!("its health: {}", reasons[&it.wanted.id]));
            let failed = Some(format!("the health of {} is unknown", it.wanted.id));
            told.push(WaitResult { id: it.wanted.id, outcome, failed });
        }
        seen
    }

    /// Looks for the causes of what has failed, and from time to time of what is missing.
    async fn explain(&mut self, scope: &Scope<'_>, seen: &LiveObjects, states: &mut [State]) {
        let began = Instant::now();
        let due = began >= self.puzzled;
        let is_asked = |it: &PendingObject, state: &State| match state {
            State::Healthy => false,
            State::Failed(_) => true,
            State::Missing(_) => due || self.began.elapsed() >= it.patience,
        };
        let asked = self.pending.iter().zip(&*states).enumerate().filter(|(_, (it, state))| is_asked(it, state));
        let asked: Vec<(usize, &LiveObject)> =
            asked.filter_map(|(at, (it, _))| Some((at, seen.get(&it.wanted.id)?))).collect();
        if asked.is_empty() {
            return;
        }
        let objects: Vec<&LiveObject> = asked.iter().map(|(_, live)| *live).collect();
        let around = cause::around(scope.cluster, &objects).await;
        for ((at, live), around) in asked.into_iter().zip(around) {
            if matches!(states[at], State::Missing(_)) && is_bound_later(live, &around) {
                states[at] = State::Healthy;
                continue;
            }
            self.pending[at].know(scope, live, &around).await;
        }
        if due {
            self.puzzled = Instant::now() + PUZZLED.max((began.elapsed() * SHARE).min(2 * RARE));
        }
    }
}

impl PendingObject {
    /// How it is, by itself.
    async fn state(&mut self, live: Option<&LiveObject>, scope: &Scope<'_>) -> State {
        let Some(live) = live else { return self.is_gone(scope).await };
        self.gone = None;
        let rules = scope.options.releases.get(&self.release).map(|it: &ReleaseWait| it.rules.as_slice());
        let said = |text: String| scope.cluster.redactor().redact(&text);
        match health::judge(&live.body, rules.unwrap_or_default()) {
            Health::Current => State::Healthy,
            Health::Failed(reason) => State::Failed(said(reason)),
            Health::Terminating => State::Missing("it is being deleted".to_owned()),
            // It would stay pending until somebody's pod uses it, which need not be ours.
            Health::InProgress(_) if is_claim(live) && scope.cluster.waits_for_consumer(&live.body).await => {
                State::Healthy
            }
            Health::InProgress(missing) => State::Missing(said(missing)),
        }
    }

    /// An object that was applied, and is not there any more.
    async fn is_gone(&mut self, scope: &Scope<'_>) -> State {
        let since = *self.gone.get_or_insert_with(Instant::now);
        let id = &self.wanted.id;
        match health::ended(&id.kind.kind, &id.name, &cause::said_of(scope.cluster, id).await) {
            Some(Ok(())) => State::Healthy,
            Some(Err(reason)) => State::Failed(reason),
            None if since.elapsed() >= GONE => State::Failed("somebody deleted it after it was applied".to_owned()),
            None => State::Missing("it is gone".to_owned()),
        }
    }

    /// Notes what is wrong; the same trouble as before goes on.
    async fn know(&mut self, scope: &Scope<'_>, live: &LiveObject, around: &Around) {
        let before = self.known.take();
        let Some(cause) = health::cause(&live.body, around) else { return };
        let goes_on = before.as_ref().filter(|it| it.cause.trouble.sort.is_as(cause.trouble.sort));
        let since = goes_on.map_or_else(Instant::now, |it| it.since);
        let words = match before {
            Some(same) if same.cause == cause => same.words,
            _ => cause::in_words(scope.cluster, live.id.namespace.as_deref(), &cause).await,
        };
        self.known = Some(HealthProblem { cause, since, lasted: since.elapsed(), words });
    }

    /// What is to be told, if that is news, and whether it is waited for no longer.
    fn settle(&mut self, state: State, elapsed: Duration) -> (Option<Outcome>, bool) {
        let missing = match state {
            State::Healthy => return (Some(Outcome::Healthy), true),
            State::Failed(reason) => return (Some(Outcome::Failed(self.with_cause(reason))), true),
            State::Missing(missing) => missing,
        };
        if self.known.as_ref().is_some_and(|it| it.cause.trouble.is_final(it.lasted)) {
            return (Some(Outcome::Failed(self.with_cause(missing))), true);
        }
        if elapsed >= self.patience {
            let reason = format!("not healthy after {} s: {missing}", self.patience.as_secs());
            return (Some(Outcome::Failed(self.with_cause(reason))), true);
        }
        let said = self.with_cause(missing);
        let is_news = said != self.said;
        self.said.clone_from(&said);
        (is_news.then_some(Outcome::Waiting(said)), false)
    }

    fn with_cause(&self, said: String) -> String {
        match &self.known {
            Some(HealthProblem { words, .. }) if !said.contains(words.as_str()) => format!("{said}\n{words}"),
            _ => said,
        }
    }

    fn told(&self, outcome: Outcome) -> WaitResult {
        let failed = matches!(outcome, Outcome::Failed(_));
        let failed = failed.then(|| format!("{} is not healthy", self.wanted.id));
        WaitResult { id: self.wanted.id.clone(), outcome, failed }
    }
}

fn is_claim(live: &LiveObject) -> bool {
    live.id.kind.group.is_empty() && live.id.kind.kind == "PersistentVolumeClaim"
}

fn is_bound_later(live: &LiveObject, around: &Around) -> bool {
    is_claim(live) && health::waits_for_consumer(&live.body, around)
}
