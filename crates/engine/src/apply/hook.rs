//! Hooks: each is made anew, waited for until it has ended, and cleaned up after.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep};

use super::{Run, Scope, StepResult, cause, uid};
use crate::cluster::{Precondition, Propagation, WriteError};
use weft_base::value::Value;
use weft_schema::{Discovery, Resource};
use weft_stages::diff::LiveObject;
use weft_stages::health::{self, Cause, Health, TroubleKind};
use weft_stages::manifest::hooks::{self, Cleanup, Point, Role};
use weft_stages::manifest::{self, Object, ObjectId, PART_OF};
use weft_stages::plan::hooks::digest;
use weft_stages::plan::{HookAction, HookStep, Step};
use weft_stages::project::HealthRule;
use weft_stages::report::Outcome;

/// Hooks that are run at once.
const HOOKS: usize = 16;
/// How long a hook may take where neither it nor its release says anything.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long an object may take to go.
const GOING: Duration = Duration::from_secs(120);
/// The time between two looks; the first ones come sooner.
const INTERVAL: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(200);
/// How often the cause is looked for among pods and events.
const PUZZLED: Duration = Duration::from_secs(2);

/// Why a hook does not end, as far as that was looked for.
struct Puzzle {
    /// When it was looked for.
    looked: Instant,
    /// The trouble, and since when it is the same.
    trouble: Option<(TroubleKind, Instant)>,
}

impl Puzzle {
    fn is_due(&self) -> bool {
        self.looked.elapsed() >= PUZZLED
    }

    /// Notes what is wrong now; whether waiting is in vain. The same trouble as before goes on.
    fn is_hopeless(&mut self, cause: Option<Cause>) -> bool {
        let before = self.trouble.take();
        self.looked = Instant::now();
        let Some(Cause { trouble, .. }) = cause else { return false };
        let since = before.filter(|(sort, _)| sort.is_as(trouble.sort)).map_or(self.looked, |(_, since)| since);
        self.trouble = Some((trouble.sort, since));
        trouble.is_final(since.elapsed())
    }
}

impl Run<'_> {
    /// Runs the hooks of a stage side by side, and deletes what hooks left.
    pub(super) async fn run_hooks(&self, stage: usize) {
        let steps = self.stage(stage).steps.iter().map(|at| self.run_hook(stage, *at));
        futures::stream::iter(steps).buffer_unordered(HOOKS).collect::<()>().await;
    }

    /// Deletes the hooks that are to go when they have ended well, as soon as all of their point are over: one that runs
    /// later may need them, as a Job needs its ServiceAccount (`execHook` of Helm).
    pub(super) async fn end_points(&self, stage: usize) {
        self.progress().over.insert(stage);
        if self.scope.obstacle().is_some() {
            return;
        }
        for point in self.points(stage) {
            let stages = self.scope.plan.stages.iter().enumerate();
            let of_release = stages.filter(|(_, it)| it.release == self.stage(stage).release);
            let of_point: Vec<usize> =
                of_release.map(|(at, _)| at).filter(|at| self.points(*at).contains(&point)).collect();
            if of_point.iter().all(|at| self.progress().over.contains(at)) {
                for at in of_point.iter().rev().flat_map(|it| &self.stage(*it).steps) {
                    self.end(*at).await;
                }
            }
        }
    }

    /// The points at which a stage runs hooks.
    fn points(&self, stage: usize) -> Vec<Point> {
        let hooks = self.stage(stage).steps.iter().filter_map(|at| self.step(*at).action.hook());
        let mut points: Vec<Point> = hooks.filter(|it| it.does == HookAction::Run).map(|it| it.point).collect();
        points.dedup();
        points
    }

    async fn end(&self, at: usize) {
        let step = self.step(at);
        let ran = matches!(self.progress().done[at], StepResult::Ran(_));
        let goes = step.action.hook().is_some_and(|it| it.terms.cleanup.contains(&Cleanup::Succeeded));
        if ran && goes {
            self.tidy(step, &step.object.id).await;
        }
    }

    async fn run_hook(&self, stage: usize, at: usize) {
        let step = self.step(at);
        let does = |hook: &&HookStep| matches!(hook.does, HookAction::Run | HookAction::Remove);
        let (Some(hook), id) = (step.action.hook().filter(does), &step.object.id) else { return };
        let obstacle = self.scope.obstacle();
        if obstacle.is_none() {
            self.began(at);
        }
        let ended = match (obstacle, hook.does) {
            (Some(reason), _) => Err(Outcome::Skipped(reason)),
            (None, HookAction::Remove) => self.clear(step, id).await.map(|()| Outcome::Deleted),
            (None, _) => self.run(stage, at, hook).await.map(|()| Outcome::Healthy),
        };
        self.done_with(at);
        match ended {
            Ok(outcome) => {
                let done = match (&step.object.desired, hook.does) {
                    (Some(object), HookAction::Run) => {
                        StepResult::Ran(digest(object, &hook.of, &self.scope.options.key))
                    }
                    _ => StepResult::Deleted,
                };
                self.note(at, done);
                self.tell(id, outcome);
            }
            Err(outcome) => {
                if matches!(outcome, Outcome::Unknown(_)) {
                    self.note(at, StepResult::Unknown);
                }
                self.tell(id, outcome);
                self.fail(stage, format!("its hook {id} did not end well"));
            }
        }
    }

    /// Runs one hook to its end.
    async fn run(&self, stage: usize, at: usize, hook: &HookStep) -> Result<(), Outcome> {
        let step = self.step(at);
        let discovery = self.discovery();
        let Some(object) = &step.object.desired else { return Ok(()) };
        let Some(resource) = discovery.resource(&object.gvk) else {
            return Err(Outcome::Failed(format!("the server does not serve {}", object.gvk)));
        };
        if self.scope.make_way(step, hook, object, resource).await? {
            let applied = self.scope.apply_patiently(step, object, resource).await;
            applied.map_err(|error| outcome(&error))?;
            self.note(at, StepResult::Unknown);
            self.tell(&object.id, Outcome::Applied);
        }
        let ended = self.ended(stage, hook, object, resource).await;
        if self.scope.options.keep_logs {
            self.keep_logs(object, resource).await;
        }
        let has_failed = !matches!(ended, Ok(()) | Err(Outcome::Unknown(_)));
        if has_failed && hook.terms.cleanup.contains(&Cleanup::Failed) {
            self.tidy(step, &object.id).await;
        }
        if ended.is_ok() {
            for older in &hook.removes {
                self.tidy(step, older).await;
            }
        }
        ended
    }

    /// Waits until a hook has ended.
    async fn ended(&self, stage: usize, hook: &HookStep, object: &Object, resource: &Resource) -> Result<(), Outcome> {
        let release = self.scope.options.releases.get(&self.stage(stage).release);
        let patience = hook.terms.timeout.map(Duration::from_secs);
        let patience = patience.or(release.and_then(|it| it.patience)).unwrap_or(PATIENCE);
        let rules = release.map(|it| it.rules.as_slice()).unwrap_or_default();
        let began = Instant::now();
        let mut pause = SOON;
        let mut said = String::new();
        let mut puzzle = Puzzle { looked: began, trouble: None };
        loop {
            if let Some(reason) = self.scope.obstacle() {
                return Err(Outcome::Unknown(format!("{reason}, while it ran")));
            }
            let live = self.scope.cluster.get(&object.id, resource).await;
            let live = live.map_err(|error| Outcome::Unknown(format!("whether it ended: {error}")))?;
            let Some(live) = live else {
                // A Job may be set to be deleted as soon as it is done.
                let said = cause::said_of(self.scope.cluster, &object.id).await;
                return match health::ended(&object.id.kind.kind, &object.id.name, &said) {
                    Some(Ok(())) => Ok(()),
                    Some(Err(reason)) => Err(Outcome::Failed(reason)),
                    None => Err(Outcome::Failed("somebody deleted it while it ran".to_owned())),
                };
            };
            let missing = match state(&live, rules) {
                Health::Current => return Ok(()),
                Health::Failed(reason) => return Err(self.failed(&live, &reason).await),
                Health::InProgress(missing) => missing,
                Health::Terminating => "it is being deleted".to_owned(),
            };
            if began.elapsed() >= patience {
                let reason = format!("it did not end within {} s: {missing}", patience.as_secs());
                return Err(self.failed(&live, &reason).await);
            }
            if puzzle.is_due() && puzzle.is_hopeless(self.cause(&live).await) {
                return Err(self.failed(&live, &missing).await);
            }
            if said != missing {
                self.tell(&object.id, Outcome::Waiting(missing.clone()));
                said = missing;
            }
            let mut stop = self.scope.options.stop.clone();
            tokio::select! {
                () = sleep(pause) => {}
                // A sender that is gone stops nothing.
                Ok(_) = stop.wait_for(Option::is_some) => {}
            }
            pause = (pause * 2).min(INTERVAL);
        }
    }

    /// Why a hook failed, with the last lines that it wrote.
    async fn failed(&self, live: &LiveObject, reason: &str) -> Outcome {
        let cluster = self.scope.cluster;
        let words = match self.cause(live).await {
            Some(cause) => cause::in_words(cluster, live.id.namespace.as_deref(), &cause).await,
            None => String::new(),
        };
        let reason = cluster.redactor().redact(reason);
        Outcome::Failed(if reason.contains(&words) { reason } else { format!("{reason}\n{words}") })
    }

    /// What can be seen of why a hook does not end well.
    async fn cause(&self, live: &LiveObject) -> Option<Cause> {
        let around = cause::around(self.scope.cluster, &[live]).await;
        health::cause(&live.body, around.first()?)
    }

    /// Deletes what a hook left; what stays is tried again by a later run.
    async fn tidy(&self, step: &Step, id: &ObjectId) {
        if let Err(outcome) = self.clear(step, id).await {
            let reason = outcome.reason().unwrap_or_default().to_owned();
            self.progress().warnings.push(format!("{id}, which a hook left, could not be deleted: {reason}."));
        }
    }

    /// Deletes an object that a hook left, if it is one.
    async fn clear(&self, step: &Step, id: &ObjectId) -> Result<(), Outcome> {
        let discovery = self.discovery();
        let Some(resource) = served(&discovery, id) else { return Ok(()) };
        let found = self.scope.cluster.get(id, resource).await;
        let found = found.map_err(|error| Outcome::Failed(error.to_string()))?;
        if let Some(live) = found.filter(|live| self.scope.is_of_release(step, live)) {
            self.scope.remove(id, resource, &live).await?;
        }
        self.progress().cleared.insert(id.clone());
        Ok(())
    }
}

impl Scope<'_> {
    /// Deletes what stands in the way of a hook; whether it has to be created, or is under way already.
    async fn make_way(
        &self,
        step: &Step,
        hook: &HookStep,
        object: &Object,
        resource: &Resource,
    ) -> Result<bool, Outcome> {
        let live = self.cluster.get(&object.id, resource).await;
        let Some(live) = live.map_err(|error| Outcome::Failed(error.to_string()))? else { return Ok(true) };
        if !self.is_of_release(step, &live) && !is_foreign_hook(&live) {
            return Err(Outcome::Failed("an object of this name is there, and is no hook of this release".to_owned()));
        }
        let ends = hooks::runs_to_its_end(&object.body);
        if hook.resumes && ends && !matches!(state(&live, &[]), Health::Failed(_) | Health::Terminating) {
            return Ok(false);
        }
        if hook.terms.cleanup.contains(&Cleanup::Before) || (ends && hook.terms.renamed) {
            self.remove(&object.id, resource, &live).await?;
        } else if ends {
            let reason = "it is there from an earlier run, and its annotations do not say that it is deleted before";
            return Err(Outcome::Failed(reason.to_owned()));
        }
        Ok(true)
    }

    /// Deletes exactly this object, and waits until it is gone.
    async fn remove(&self, id: &ObjectId, resource: &Resource, live: &LiveObject) -> Result<(), Outcome> {
        let old = uid(live).unwrap_or_default();
        let meant = Precondition { uid: old, version: None };
        let deleted = self.cluster.delete(id, resource, meant, Propagation::Background).await;
        deleted.map_err(|error| outcome(&error))?;
        let end = Instant::now() + GOING;
        loop {
            let now = self.cluster.get(id, resource).await;
            let now = now.map_err(|error| Outcome::Unknown(format!("whether it is gone: {error}")))?;
            if now.as_ref().and_then(uid).is_none_or(|uid| uid != old) {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Outcome::Failed(format!("it was deleted, and did not go within {} s", GOING.as_secs())));
            }
            sleep(SOON).await;
        }
    }

    /// Whether an object is labelled as one of the release of a step.
    fn is_of_release(&self, step: &Step, live: &LiveObject) -> bool {
        let parent = manifest::inventory_name(&self.plan.environment, &step.object.release);
        let set = manifest::apply_set_id(&self.options.state_namespace, &parent);
        label(live) == Some(set.as_str())
    }
}

/// How a hook is: one that ends by itself has to have ended.
fn state(live: &LiveObject, rules: &[HealthRule]) -> Health {
    match health::judge(&live.body, rules) {
        Health::Current if live.id.kind.kind == "Pod" && phase(live) != "Succeeded" => {
            Health::InProgress(format!("it is {}", phase(live).to_lowercase()))
        }
        health => health,
    }
}

fn phase(live: &LiveObject) -> &str {
    live.body.dig(&["status", "phase"]).and_then(Value::as_str).unwrap_or_default()
}

fn label(live: &LiveObject) -> Option<&str> {
    live.body.dig(&["metadata", "labels", PART_OF]).and_then(Value::as_str)
}

/// Whether an object is a hook of another tool, and of no release of ours: such a tool makes it anew as well.
fn is_foreign_hook(live: &LiveObject) -> bool {
    label(live).is_none() && matches!(hooks::role(&live.body), Ok(Role::Hook(_)))
}

fn served<'d>(discovery: &'d Discovery, id: &ObjectId) -> Option<&'d Resource> {
    discovery.versions(&id.kind).first()
}

fn outcome(error: &WriteError) -> Outcome {
    match error {
        WriteError::Unknown { reason } => Outcome::Unknown(reason.clone()),
        error => Outcome::Failed(error.to_string()),
    }
}
