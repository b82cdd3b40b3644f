//! Runs a [`Plan`] through [`cluster`](crate::cluster): each stage as soon as those that it comes after have ended well,
//! and the inventory true at every moment.
//!
//! An inventory is written twice: before the first write as the union of what was there and what is to be, and after
//! the last one exactly. Whatever kills the run in between, no object is forgotten.

mod adopt;
mod cause;
mod delete;
mod error;
mod hook;
mod inventory;
mod leaving;
mod write_check;
mod schedule;
mod test;
mod wait;
mod wave;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

pub use self::error::ApplyError;
use self::schedule::Failure;
pub use self::test::{Log, TestResult, test};
use crate::cluster::{Cluster, Propagation};
use weft_base::diagnostic::counted;
use weft_base::masked::FingerprintKey;
use weft_schema::{Discovery, GroupKind};
use weft_stages::diff::{LiveObject, Recorded};
use weft_stages::manifest::ObjectId;
use weft_stages::plan::{Action, HookAction, Plan, Stage, Step};
use weft_stages::project::{HealthRule, Owner};
use weft_stages::report::{Event, Outcome};
use weft_stages::state::Inventory;

/// Steps that are worked on at once; how many requests are sent is decided by `cluster`.
const STEPS: usize = 128;

/// What a run needs to know besides the plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the target serves; the kinds of the plan's own definitions included.
    pub discovery: Discovery,
    /// The inventories of the environment, as they were read for the plan.
    pub inventories: Vec<Inventory>,
    /// The releases of the environment, by name.
    pub releases: BTreeMap<Arc<str>, ReleaseWait>,
    /// The namespace of the state.
    pub state_namespace: String,
    /// The project that applies; without one inventories keep the one that they have.
    pub owner: Option<Owner>,
    /// The commit that is applied; without one inventories keep the one that they have.
    pub commit: Option<String>,
    /// The key of recorded hashes.
    pub key: FingerprintKey,
    /// What happens to what deleted objects own.
    pub propagation: Propagation,
    /// Whether every object is tried, whatever failed before it. Only a rehearsal wants to know all that is wrong.
    pub carry_on: bool,
    /// Whether what hooks wrote is read.
    pub keep_logs: bool,
    /// Says why, when the run shall end: after the objects in flight, with the inventory saved.
    pub stop: watch::Receiver<Option<String>>,
    /// Turns true when nothing else shall be sent or waited for.
    pub at_once: watch::Receiver<bool>,
}

/// What a release waits for, and how long.
#[derive(Clone, Debug, Default)]
pub struct ReleaseWait {
    /// The releases that must be healthy before it begins.
    pub needs: Vec<String>,
    /// How long its own objects may take to become healthy; `None` for no waiting.
    pub patience: Option<Duration>,
    /// What healthy means for some of its objects.
    pub rules: Vec<HealthRule>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All is done, and healthy where that was waited for.
    Done,
    /// Something failed, and nothing was changed.
    Failed,
    /// Something failed, or is unknown, and something was changed.
    Partial,
    /// It was told to end, and did so between two objects.
    Interrupted,
}

/// What became of a run besides its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// How it ended.
    pub end: End,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

/// Where events go.
pub type Events<'e> = &'e mut (dyn FnMut(Event) + Send);

/// What became of a step.
#[derive(Clone, Debug)]
enum StepResult {
    /// The server took our version; what to remember of it.
    Applied(Arc<Recorded>),
    /// It is gone.
    Deleted,
    /// It is there, and ours no more.
    LetGo,
    /// The hook ran well; the digest of what it said.
    Ran(String),
    /// Nothing was done.
    Not,
    /// It may have been done.
    Unknown,
}

/// What does not change while the plan runs, shared by all that is in flight.
struct Scope<'a> {
    plan: &'a Plan,
    cluster: &'a Cluster,
    /// The same, for the first write of an object: none is begun when the run shall end.
    begins: Cluster,
    options: &'a Options,
    /// By release, the places of its steps.
    steps: BTreeMap<&'a Arc<str>, Vec<usize>>,
    /// By release, its inventory as it was.
    inventories: BTreeMap<&'a Arc<str>, &'a Inventory>,
    /// Kinds that this very plan defines: a server may take a moment to know them.
    fresh: BTreeSet<GroupKind>,
    /// The namespaces that this run made.
    made: Mutex<BTreeSet<String>>,
    /// Why the server is given up.
    lost: OnceLock<String>,
    /// How many steps of all stages may be worked on at once, so that what they send does not fill the memory.
    room: Semaphore,
}

/// A run under way. Its stages share it, so that several can go on side by side.
struct Run<'a> {
    scope: Scope<'a>,
    events: Mutex<Events<'a>>,
    progress: Mutex<Progress>,
    /// The objects of which anything was told.
    told: Mutex<BTreeSet<ObjectId>>,
}

/// What became of a run so far.
struct Progress {
    /// What can be used, with the kinds that were defined since.
    discovery: Arc<Discovery>,
    /// By step.
    done: Vec<StepResult>,
    /// The steps that were begun and have not ended.
    under_way: BTreeSet<usize>,
    /// Whether the run was left as it was.
    abandoned: bool,
    /// The stages that have ended, or were left out.
    over: BTreeSet<usize>,
    /// By stage, why it did not end well.
    failed: BTreeMap<usize, Failure>,
    /// The steps whose health was waited for.
    waited: BTreeSet<usize>,
    /// How many objects were applied and not waited for to the end.
    unawaited: usize,
    /// What hooks left and is gone.
    cleared: BTreeSet<ObjectId>,
    /// What hooks wrote.
    logs: Vec<Log>,
    /// The UIDs of what was applied: the same object may be known under another group, and must not be deleted.
    uids: BTreeSet<String>,
    warnings: Vec<String>,
}

/// Runs a plan. Every result is an event; an error means that nothing was begun.
pub async fn run(
    plan: &Plan,
    cluster: &Cluster,
    options: &Options,
    events: &mut (dyn FnMut(Event) + Send),
) -> Result<Conclusion, ApplyError> {
    let run = Run::new(plan, cluster, options, events);
    let mut at_once = options.at_once.clone();
    tokio::select! {
        // A sender that is gone ends nothing.
        Ok(_) = at_once.wait_for(|it| *it) => run.abandon(),
        ended = run.to_its_end() => ended?,
    }
    Ok(run.conclude())
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, cluster: &'a Cluster, options: &'a Options, events: Events<'a>) -> Self {
        let begins = cluster.until(options.stop.clone());
        let fresh = plan.steps.iter().filter(|step| step.action.is_write()).filter_map(wave::defined).collect();
        let mut steps: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
        for (at, step) in plan.steps.iter().enumerate() {
            steps.entry(&step.object.release).or_default().push(at);
        }
        let inventories = options.inventories.iter().rev().map(|it| (&it.release, it)).collect();
        let progress = Progress {
            discovery: Arc::new(options.discovery.clone()),
            done: vec![StepResult::Not; plan.steps.len()],
            over: BTreeSet::new(),
            failed: BTreeMap::new(),
            under_way: BTreeSet::new(),
            abandoned: false,
            waited: BTreeSet::new(),
            unawaited: 0,
            cleared: BTreeSet::new(),
            logs: Vec::new(),
            uids: BTreeSet::new(),
            warnings: Vec::new(),
        };
        Self {
            scope: Scope {
                plan,
                cluster,
                begins,
                options,
                steps,
                inventories,
                fresh,
                made: Mutex::default(),
                lost: OnceLock::new(),
                room: Semaphore::new(STEPS),
            },
            events: Mutex::new(events),
            progress: Mutex::new(progress),
            told: Mutex::default(),
        }
    }

    async fn to_its_end(&self) -> Result<(), ApplyError> {
        self.refuse_stale().await?;
        self.save_supersets().await?;
        self.stages().await;
        self.leave_waits();
        self.save_exact().await;
        Ok(())
    }

    /// Leaves everything as it is: what is under way may be done or not, and the inventories hold all that may be there.
    fn abandon(&self) {
        let under_way = std::mem::take(&mut self.progress().under_way);
        for at in &under_way {
            self.note(*at, StepResult::Unknown);
            self.tell(
                &self.step(*at).object.id,
                Outcome::Unknown("the run was ended while it was under way".to_owned()),
            );
        }
        for step in self.scope.plan.steps.iter().filter(|step| is_asked(step)) {
            let is_told = self.told.lock().unwrap_or_else(PoisonError::into_inner).contains(&step.object.id);
            if !is_told {
                self.tell(&step.object.id, Outcome::Skipped("the run was ended at once".to_owned()));
            }
        }
        let mut progress = self.progress();
        progress.abandoned = true;
        progress.warnings.push(
            "The run was ended at once. Its inventories may hold more than is there, and the next run puts them right."
                .to_owned(),
        );
    }

    fn step(&self, at: usize) -> &'a Step {
        &self.scope.plan.steps[at]
    }

    fn stage(&self, at: usize) -> &'a Stage {
        &self.scope.plan.stages[at]
    }

    /// What became of the run so far. Nobody holds it while waiting for anything.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn discovery(&self) -> Arc<Discovery> {
        Arc::clone(&self.progress().discovery)
    }

    fn tell(&self, id: &ObjectId, outcome: Outcome) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events(Event { id: id.clone(), outcome });
    }

    /// Notes that a step is under way, until [`Self::done_with`].
    fn began(&self, at: usize) {
        self.progress().under_way.insert(at);
    }

    fn done_with(&self, at: usize) {
        self.progress().under_way.remove(&at);
    }

    fn note(&self, at: usize, done: StepResult) {
        self.progress().done[at] = done;
    }

    /// Marks a stage as failed, for its first reason: nothing begins that comes after it.
    fn fail(&self, stage: usize, reason: String) {
        let failure = || Failure { way: vec![Arc::clone(&self.stage(stage).release)], reason };
        self.progress().failed.entry(stage).or_insert_with(failure);
    }

    fn conclude(self) -> Conclusion {
        let Progress { done, failed, mut warnings, abandoned, unawaited, .. } =
            self.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        let changed = done.iter().any(|done| !matches!(done, StepResult::Not));
        let open = done
            .iter()
            .zip(&self.scope.plan.steps)
            .any(|(done, step)| is_asked(step) && matches!(done, StepResult::Not | StepResult::Unknown));
        if let Some(why) = self.scope.obstacle().filter(|_| unawaited > 0) {
            let objects = counted(unawaited, "object");
            warnings.push(format!("The run was interrupted while it waited for {objects} to become healthy: {why}."));
        }
        let open = open || unawaited > 0;
        let failed = open || !failed.is_empty() || !warnings.is_empty();
        let end = match (failed, changed) {
            _ if abandoned || (self.scope.is_stopped() && open) => End::Interrupted,
            (false, _) => End::Done,
            (true, true) => End::Partial,
            (true, false) => End::Failed,
        };
        Conclusion { end, warnings }
    }
}

impl Scope<'_> {
    fn is_stopped(&self) -> bool {
        self.options.stop.borrow().is_some()
    }

    /// Why nothing more is begun at all.
    fn obstacle(&self) -> Option<String> {
        let stopped = || self.options.stop.borrow().clone();
        self.lost.get().map(|reason| format!("the API server was lost: {reason}")).or_else(stopped)
    }
}

/// Whether anything is to be done.
fn is_asked(step: &Step) -> bool {
    step.action.is_write() || is_leaving(step) || is_hook(step)
}

/// Whether a step deletes an object, or lets go of it.
fn is_leaving(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::Orphan { .. })
}

/// Whether a step runs a hook, or deletes what one left.
fn is_hook(step: &Step) -> bool {
    step.action.hook().is_some_and(|hook| matches!(hook.does, HookAction::Run | HookAction::Remove))
}

fn uid(object: &LiveObject) -> Option<&str> {
    object.body.dig(&["metadata", "uid"])?.as_str()
}
