//! Runs a [`Plan`] through [`cluster`](crate::cluster): waves in order, waiting for health, deletes
//! last, and the inventory true at every moment.
//!
//! An inventory is written twice: before the first write as the union of what was there and what is to be, and after
//! the last one exactly. Whatever kills the run in between, no object is forgotten.

mod adopt;
mod cause;
mod delete;
mod error;
mod inventory;
mod wait;
mod wave;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

pub use self::error::ApplyError;
use crate::cluster::{Cluster, Propagation};
use crate::diff::{LiveObject, Recorded};
use crate::manifest::ObjectId;
use crate::masked::FingerprintKey;
use crate::plan::{Action, Plan, Step};
use crate::project::HealthRule;
use crate::report::{Event, Outcome};
use crate::schema::{Discovery, GroupKind};
use crate::state::Inventory;

/// What a run needs to know besides the plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the target serves; the kinds of the plan's own definitions included.
    pub discovery: Discovery,
    /// The inventories of the environment, as they were read for the plan.
    pub inventories: Vec<Inventory>,
    /// The releases of the environment, by name.
    pub releases: BTreeMap<Arc<str>, Waiting>,
    /// The namespace of the state.
    pub state_namespace: String,
    /// The commit that is applied.
    pub commit: Option<String>,
    /// The key of recorded hashes.
    pub key: FingerprintKey,
    /// What happens to what deleted objects own.
    pub propagation: Propagation,
    /// Whether every object is tried, whatever failed before it. Only a rehearsal wants to know all that is wrong.
    pub carry_on: bool,
    /// Turns true when the run shall end: after the objects in flight, with the inventory saved.
    pub stop: watch::Receiver<bool>,
}

/// What a release waits for, and how long.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
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
enum Done {
    /// The server took our version; what to remember of it.
    Applied(Arc<Recorded>),
    /// It is gone.
    Deleted,
    /// Nothing was done.
    Not,
    /// It may have been done.
    Unknown,
}

/// What does not change while the plan runs, shared by all that is in flight.
struct Scope<'a> {
    plan: &'a Plan,
    cluster: &'a Cluster,
    options: &'a Options,
    /// Kinds that this very plan defines: a server may take a moment to know them.
    fresh: BTreeSet<GroupKind>,
    /// Why the server is given up.
    lost: OnceLock<String>,
}

/// A run under way.
struct Run<'a> {
    scope: Scope<'a>,
    events: Events<'a>,
    discovery: Discovery,
    /// By step.
    done: Vec<Done>,
    /// By release, why it failed.
    failed: BTreeMap<Arc<str>, String>,
    /// The releases whose health was waited for.
    waited: BTreeSet<Arc<str>>,
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
    let mut run = Run::new(plan, cluster, options, events);
    run.refuse_stale().await?;
    run.save_supersets().await?;
    for wave in run.waves(|step| step.object.desired.is_some()) {
        run.wait_for_needs(&wave).await;
        run.apply_wave(&wave).await;
    }
    let all = options.releases.keys().cloned().collect();
    run.wait(all).await;
    for wave in run.waves(|step| step.action == Action::Delete) {
        run.delete_wave(&wave).await;
    }
    run.save_exact().await;
    Ok(run.conclude())
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, cluster: &'a Cluster, options: &'a Options, events: Events<'a>) -> Self {
        let fresh = plan.steps.iter().filter(|step| is_write(step)).filter_map(wave::defined).collect();
        Self {
            scope: Scope { plan, cluster, options, fresh, lost: OnceLock::new() },
            events,
            discovery: options.discovery.clone(),
            done: vec![Done::Not; plan.steps.len()],
            failed: BTreeMap::new(),
            waited: BTreeSet::new(),
            uids: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// The steps of each wave that `belongs` says yes to, by their place in the plan.
    fn waves(&self, belongs: impl Fn(&Step) -> bool) -> Vec<Vec<usize>> {
        let mut waves: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, step) in self.scope.plan.steps.iter().enumerate().filter(|(_, step)| belongs(step)) {
            waves.entry(step.wave).or_default().push(at);
        }
        waves.into_values().collect()
    }

    fn step(&self, at: usize) -> &'a Step {
        &self.scope.plan.steps[at]
    }

    fn tell(&mut self, id: &ObjectId, outcome: Outcome) {
        (self.events)(Event { id: id.clone(), outcome });
    }

    /// Marks a release as failed, for its first reason.
    fn fail(&mut self, release: &Arc<str>, reason: String) {
        self.failed.entry(Arc::clone(release)).or_insert(reason);
    }

    /// Why a step must not be tried any more.
    fn obstacle(&self, step: &Step) -> Option<String> {
        if self.scope.options.carry_on {
            return self.scope.obstacle();
        }
        let release = &step.object.release;
        let needs = self.scope.options.releases.get(release).map(|it| it.needs.as_slice()).unwrap_or_default();
        let failed_need = needs.iter().find(|need| self.failed.contains_key(need.as_str()));
        self.scope
            .obstacle()
            .or_else(|| self.failed.get(release).map(|reason| format!("release `{release}` failed: {reason}")))
            .or_else(|| failed_need.map(|need| format!("release `{need}` failed, which `{release}` needs")))
    }

    fn conclude(self) -> Conclusion {
        let changed = self.done.iter().any(|done| !matches!(done, Done::Not));
        let open = self.done.iter().zip(&self.scope.plan.steps).any(|(done, step)| {
            let asked = is_write(step) || step.action == Action::Delete;
            asked && matches!(done, Done::Not | Done::Unknown)
        });
        let failed = open || !self.failed.is_empty() || !self.warnings.is_empty();
        let end = match (failed, changed) {
            _ if self.scope.is_stopped() && open => End::Interrupted,
            (false, _) => End::Done,
            (true, true) => End::Partial,
            (true, false) => End::Failed,
        };
        Conclusion { end, warnings: self.warnings }
    }
}

impl Scope<'_> {
    fn is_stopped(&self) -> bool {
        *self.options.stop.borrow()
    }

    /// Why nothing more is begun at all.
    fn obstacle(&self) -> Option<String> {
        let stopped = || self.is_stopped().then(|| "the run was interrupted".to_owned());
        self.lost.get().map(|reason| format!("the API server was lost: {reason}")).or_else(stopped)
    }
}

/// Whether a step sends an object.
fn is_write(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::Update | Action::Recreate { .. })
}

fn uid(object: &LiveObject) -> Option<&str> {
    object.body.dig(&["metadata", "uid"])?.as_str()
}
