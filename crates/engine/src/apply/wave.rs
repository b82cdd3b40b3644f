//! One stage of applies.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep};

use super::adopt::adopts;
use super::{Run, STEPS, Scope, StepResult, uid};
use crate::cluster::{ApplyOptions, ApplyTarget, Precondition, Propagation, Refusal, WriteError};
use weft_base::value::Value;
use weft_schema::{Discovery, GroupKind, Resource};
use weft_stages::diff::{self, LiveObject};
use weft_stages::manifest::Object;
use weft_stages::plan::{Action, Dependents, Step};
use weft_stages::report::Outcome;

/// How long a kind that was just defined may be unknown to some server.
const FRESH: Duration = Duration::from_secs(10);
/// How long an object that is replaced may take to go.
const GOING: Duration = Duration::from_secs(120);
/// The wait between two tries.
const PAUSE: Duration = Duration::from_millis(250);
/// What keeps an object from being created.
const THERE: &str = "it is there by now, and was not when the plan was made: nothing was done to it; plan once more";

/// What a try to apply came to.
pub(super) enum Attempt {
    Applied(Box<LiveObject>),
    Skipped(String),
    Failed(WriteError),
    /// The fields of other tools became ours, or the old object was deleted, and then the apply failed: the next run
    /// goes on there.
    HalfWay(WriteError),
}

impl Run<'_> {
    /// Applies the objects of a stage side by side, and waits for the kinds that they define.
    pub(super) async fn apply_stage(&self, stage: usize) {
        let discovery = self.discovery();
        let tries = self.writes(stage).map(|at| self.apply_step(stage, at, &discovery));
        futures::stream::iter(tries).buffer_unordered(STEPS).collect::<()>().await;
    }

    /// The steps of a stage that send anything.
    pub(super) fn writes(&self, stage: usize) -> impl Iterator<Item = usize> {
        self.stage(stage).steps.iter().copied().filter(|at| self.step(*at).action.is_write())
    }

    async fn apply_step(&self, stage: usize, at: usize, discovery: &Discovery) {
        let step = self.step(at);
        let attempt = self.scope.attempt(step, discovery, || self.began(at)).await;
        self.done_with(at);
        let adopted = adopts(step).is_some() && matches!(attempt, Attempt::Applied(_) | Attempt::HalfWay(_));
        for outcome in adopted.then_some(Outcome::Adopted).into_iter().chain([attempt.outcome()]) {
            self.tell(&step.object.id, outcome);
        }
        let defines = matches!(attempt, Attempt::Applied(_)) && defined(step).is_some();
        self.settle(stage, at, &attempt);
        if defines {
            self.await_definition(stage, step).await;
        }
    }

    fn settle(&self, stage: usize, at: usize, attempt: &Attempt) {
        let step = self.step(at);
        let Some(desired) = step.sent() else { return };
        match attempt {
            Attempt::Applied(live) => {
                let recorded = diff::record(desired, live, &self.scope.options.key);
                let mut progress = self.progress();
                progress.uids.extend(uid(live).map(str::to_owned));
                progress.done[at] = StepResult::Applied(Arc::new(recorded));
                drop(progress);
                return self.settle_at_once(at, live);
            }
            Attempt::Skipped(_) => return,
            Attempt::Failed(WriteError::Unknown { .. }) | Attempt::HalfWay(_) => self.note(at, StepResult::Unknown),
            Attempt::Failed(_) => {}
        }
        self.fail(stage, format!("{} was not applied", step.object.id));
    }

    async fn await_definition(&self, stage: usize, step: &Step) {
        let id = &step.object.id;
        let reason = match self.scope.cluster.await_definition(&id.name).await {
            Ok(Ok(kinds)) => {
                let mut progress = self.progress();
                let discovery = Arc::make_mut(&mut progress.discovery);
                for kind in kinds {
                    discovery.add(kind);
                }
                return;
            }
            Ok(Err(missing)) => missing,
            Err(error) => error.to_string(),
        };
        self.tell(id, Outcome::Failed(format!("its kind cannot be used: {reason}")));
        self.fail(stage, format!("{id} cannot be used"));
    }
}

impl Attempt {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Applied(_) => Outcome::Applied,
            Self::Skipped(reason) => Outcome::Skipped(reason.clone()),
            Self::Failed(error) | Self::HalfWay(error) => match error {
                WriteError::Unknown { reason } => Outcome::Unknown(reason.clone()),
                WriteError::Refused { refusal: Refusal::Forbidden(right), message } => {
                    Outcome::Failed(format!("{message}\nThis gives the right:\n{}", right.role()))
                }
                error => Outcome::Failed(error.to_string()),
            },
        }
    }
}

impl Scope<'_> {
    async fn attempt(&self, step: &Step, discovery: &Discovery, begins: impl Fn()) -> Attempt {
        // It is never closed.
        let _room = self.room.acquire().await;
        if let Some(reason) = self.obstacle() {
            return Attempt::Skipped(reason);
        }
        let Some(desired) = step.sent() else { return Attempt::Skipped("nothing is wanted".to_owned()) };
        let Some(resource) = discovery.resource(&desired.gvk) else {
            let message = format!("the server does not serve {}", desired.gvk);
            return Attempt::Failed(WriteError::Refused { refusal: Refusal::NotFound, message });
        };
        begins();
        let attempt = self.write(step, desired, resource).await;
        let (attempt, answers) = self.look_up(attempt, step, desired, resource).await;
        if let Attempt::Failed(error) | Attempt::HalfWay(error) = &attempt
            && error.is_lost()
            && !answers
        {
            // Only the first reason is kept.
            let _ = self.lost.set(error.to_string());
        }
        attempt
    }

    /// Does what the plan says of one object: at most one of the first two, and the apply.
    async fn write(&self, step: &Step, desired: &Object, resource: &Resource) -> Attempt {
        let adopts = adopts(step);
        let ready = match adopts {
            Some(adoption) => self.adopt(adoption, desired, resource).await,
            None => self.make_room(step, resource).await,
        };
        match ready {
            Ok(()) => {}
            Err(WriteError::Stopped { why }) => return Attempt::Skipped(why),
            Err(error) => return Attempt::Failed(error),
        }
        match self.apply_patiently(step, desired, resource).await {
            Ok(live) => Attempt::Applied(Box::new(live)),
            Err(WriteError::Stopped { why }) => Attempt::Skipped(why),
            Err(error) if adopts.is_some() => Attempt::HalfWay(error),
            Err(error) if matches!(step.action, Action::Recreate { .. }) => {
                Attempt::HalfWay(error.after("it was deleted to be made again, and is not made yet"))
            }
            Err(error) => Attempt::Failed(error),
        }
    }

    /// Deletes the object that a new one replaces, and waits until it is gone.
    async fn make_room(&self, step: &Step, resource: &Resource) -> Result<(), WriteError> {
        let (Action::Recreate { owned, .. }, Some(live)) = (&step.action, &step.object.live) else { return Ok(()) };
        let id = &step.object.id;
        let old = uid(live).unwrap_or_default();
        let propagation = match owned {
            Dependents::Go => Propagation::Background,
            Dependents::Stay => Propagation::Orphan,
        };
        self.begins.delete(id, resource, Precondition { uid: old, version: None }, propagation).await?;
        let end = Instant::now() + GOING;
        loop {
            let now = self.cluster.get(id, resource).await;
            let now = now.map_err(|error| WriteError::Unknown { reason: error.to_string() })?;
            if now.as_ref().and_then(uid).is_none_or(|uid| uid != old) {
                return Ok(());
            }
            if Instant::now() >= end {
                let reason = format!("it was deleted to be made again, and did not go within {} s", GOING.as_secs());
                return Err(WriteError::Unknown { reason });
            }
            sleep(PAUSE).await;
        }
    }

    /// Applies an object. It is tried again where its kind is so new that not every server knows it, and where the
    /// quota of its namespace was being counted.
    pub(super) async fn apply_patiently(
        &self,
        step: &Step,
        desired: &Object,
        resource: &Resource,
    ) -> Result<LiveObject, WriteError> {
        let end = Instant::now() + FRESH;
        let options = ApplyOptions { force: step.takes().next().is_some(), dry_run: false };
        let fresh = self.fresh.contains(&desired.id.kind);
        let meant = self.meant(step, desired);
        // What was begun is brought to its end.
        let begun = adopts(step).is_some() || matches!(step.action, Action::Recreate { .. });
        let cluster = if begun { self.cluster } else { &self.begins };
        loop {
            let error = match cluster.apply_to(meant, &desired.id, resource, &desired.body, options).await {
                Ok(live) => {
                    self.note_made(meant, desired);
                    return Ok(live);
                }
                Err(error) => error,
            };
            if meant == ApplyTarget::Absent
                && error.is_overtaken()
                && let Some(live) = self.there(desired, resource).await?
            {
                return in_the_way(desired, live);
            }
            let again = (fresh && error.may_be_too_early()) || error.is_raced();
            if !again || Instant::now() >= end {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
    }

    /// Which object a step may write: none that the plan did not see. What is in a namespace that this run made can only
    /// be what controllers put into new ones.
    pub(super) fn meant<'s>(&self, step: &'s Step, desired: &Object) -> ApplyTarget<'s> {
        let is_made = |namespace: &String| self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(namespace);
        match &step.action {
            Action::Create if desired.id.namespace.as_ref().is_some_and(is_made) => ApplyTarget::Whichever,
            Action::Create | Action::Recreate { .. } => ApplyTarget::Absent,
            Action::Update => {
                step.object.live.as_deref().and_then(uid).map_or(ApplyTarget::Whichever, ApplyTarget::Only)
            }
            _ => ApplyTarget::Whichever,
        }
    }

    fn note_made(&self, meant: ApplyTarget<'_>, desired: &Object) {
        if meant == ApplyTarget::Absent && desired.id.kind.is_namespace() {
            self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(desired.id.name.clone());
        }
    }

    /// What is there of an object that was to be created.
    async fn there(&self, desired: &Object, resource: &Resource) -> Result<Option<LiveObject>, WriteError> {
        let now = self.cluster.get(&desired.id, resource).await;
        now.map_err(|error| WriteError::Unknown { reason: error.to_string() })
    }
}

/// What becomes of an object that is there, and was to be created: a namespace that no file declares has only to be there.
fn in_the_way(desired: &Object, live: LiveObject) -> Result<LiveObject, WriteError> {
    if desired.implicit {
        return Ok(live);
    }
    Err(WriteError::Refused { refusal: Refusal::Conflict, message: THERE.to_owned() })
}

/// The kind that a step's object defines, if it is a definition of one.
pub(super) fn defined(step: &Step) -> Option<GroupKind> {
    let desired = step.object.desired.as_ref().filter(|it| it.id.kind.is_definition())?;
    let text = |keys: &[&str]| desired.body.dig(keys).and_then(Value::as_str).map(str::to_owned);
    Some(GroupKind { group: text(&["spec", "group"])?, kind: text(&["spec", "names", "kind"])? })
}
