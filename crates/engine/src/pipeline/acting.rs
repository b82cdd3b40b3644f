//! Applies a plan: the lease, the key and the signals around `apply`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::record::{ObjectOutcomes, record};
use super::stop::{self, Stop, StopSignals};
use super::{PipelineError, Planned, Progress, Project};
use crate::apply::{self, Conclusion, End, Options, ReleaseWait};
use crate::cluster::{Holder, Lease, Propagation, holder};
use weft_base::diagnostic::Failure;
use weft_stages::report::Event;
use weft_stages::state::history::RevisionOutcome;

/// How a plan is applied.
#[derive(Clone, Copy, Debug)]
pub struct ApplySettings {
    /// Whether to wait until what was applied is healthy.
    pub wait: bool,
    /// What happens to what deleted objects own.
    pub propagation: Propagation,
    /// Whether every object is tried, whatever failed before it.
    pub carry_on: bool,
    /// How long the apply may take; then it ends after the objects in flight.
    pub deadline: Option<Duration>,
}

/// The result of an apply.
#[derive(Debug)]
pub struct ApplyResult {
    pub conclusion: Conclusion,
    /// The signal that ended it early.
    pub signal: Option<u8>,
    /// The failed releases that are rolled back automatically.
    pub going_back: Vec<Arc<str>>,
}

/// Applies exactly what was planned. While it runs, nobody else applies this environment; a signal ends it after the
/// objects in flight, a second one at once. `progress` receives what the run waits for before it begins.
pub async fn apply(
    planned: &Planned,
    manner: ApplySettings,
    progress: Progress<'_>,
    events: &mut (dyn FnMut(Event) + Send),
) -> Result<ApplyResult, Failure> {
    let environment = &planned.project.environment;
    if planned.placeholders {
        return Err(PipelineError::Placeholders { environment: environment.name.clone() }.into());
    }
    let heard = stop::heard()?;
    let mut asked = heard.asked.clone();
    let name = holder::name();
    let holder = Holder { name: &name, is_gone: &holder::is_gone, watching: progress };
    let lease = tokio::select! {
        Ok(stop) = asked.wait_for(Option::is_some) => return Ok(ApplyResult::before_it_began(stop.as_ref())),
        lease = planned.cluster.lease(&environment.state_namespace, &environment.name, holder) => lease?,
    };
    let ended = under(&lease, planned, manner, heard.clone(), events).await;
    // A lease that cannot be given back ends by itself, and what was done must be told.
    let lost = lease.lost().borrow().clone();
    let released = heard.unless_at_once(lease.release()).await;
    let mut ended = ended?;
    let unreleased = match released {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(format!("The lease could not be given back: {error}.")),
        None => Some("The lease was not given back, and ends by itself.".to_owned()),
    };
    ended.conclusion.warnings.extend(lost.map(|why| format!("The run ended early: {why}.")));
    ended.conclusion.warnings.extend(unreleased);
    Ok(ended)
}

/// Applies a plan under a lease, if nobody else applied anything since it was made.
async fn under(
    lease: &Lease,
    planned: &Planned,
    manner: ApplySettings,
    heard: StopSignals,
    events: &mut (dyn FnMut(Event) + Send),
) -> Result<ApplyResult, Failure> {
    let environment = &planned.project.environment;
    let namespace = &environment.state_namespace;
    // What another run did between the plan and the lease is not in the plan.
    if !planned.state.still_holds(&planned.cluster, environment).await? {
        return Err(PipelineError::Stale { environment: environment.name.clone() }.into());
    }
    let cluster = planned.cluster.under(lease);
    let key = cluster.fingerprint_key(namespace, true).await?.unwrap_or_else(|| planned.state.key.clone());
    let (stop, stopped) = watch::channel(None);
    let signal = Arc::new(OnceLock::new());
    let listening = tokio::spawn(listen(stop, Arc::clone(&signal), heard.asked.clone(), lease.lost(), manner.deadline));
    let options = Options {
        discovery: (*planned.discovery).clone(),
        inventories: planned.state.inventories.values().cloned().collect(),
        releases: waiting(&planned.project, manner.wait),
        state_namespace: namespace.clone(),
        owner: planned.project.owner(),
        commit: planned.project.commit.as_ref().map(|commit| commit.id.clone()).filter(|_| !planned.corrects),
        key: key.clone(),
        propagation: manner.propagation,
        carry_on: manner.carry_on,
        keep_logs: false,
        stop: stopped,
        at_once: heard.at_once.clone(),
    };
    let mut fates = ObjectOutcomes::default();
    let mut noting = |event: Event| {
        fates.note(&event);
        events(event);
    };
    let conclusion = apply::run(&planned.plan, &cluster, &options, &mut noting).await;
    // What only puts back is no revision: there is nothing that one could go back to.
    let recorded = async { if planned.corrects { Vec::new() } else { record(planned, &cluster, &key, &fates).await } };
    let unkept = heard.unless_at_once(recorded).await;
    listening.abort();
    let mut conclusion = conclusion?;
    conclusion.warnings.extend(unkept.unwrap_or_else(|| vec!["The history of this run was not written.".to_owned()]));
    let signal = signal.get().copied();
    let going_back = if signal.is_none() { going_back(planned, &fates) } else { Vec::new() };
    Ok(ApplyResult { conclusion, signal, going_back })
}

impl ApplyResult {
    /// The result if the run was told to end before it had the lease: it changed nothing.
    fn before_it_began(stop: Option<&Stop>) -> Self {
        let why = stop.map(|it| it.why.as_str()).unwrap_or_default();
        let warnings = vec![format!("Nothing was begun: {why}.")];
        let conclusion = Conclusion { end: End::Interrupted, warnings };
        Self { conclusion, signal: stop.and_then(|it| it.signal), going_back: Vec::new() }
    }
}

/// The releases that failed and say `rollback: true`. A failed rollback is not rolled back.
fn going_back(planned: &Planned, fates: &ObjectOutcomes) -> Vec<Arc<str>> {
    let outcomes = fates.outcomes(&planned.plan.steps);
    let releases =
        planned.project.environment.releases.iter().filter(|it| it.rollback && planned.aim.back_to().is_none());
    let failed = releases.filter(|it| outcomes.get(&it.name).is_some_and(|it| *it != RevisionOutcome::Done));
    failed.map(|it| Arc::clone(&it.name)).collect()
}

pub(super) fn waiting(project: &Project, wait: bool) -> BTreeMap<Arc<str>, ReleaseWait> {
    let of = |release: &weft_stages::project::Release| ReleaseWait {
        needs: release.needs.clone(),
        patience: release.wait.seconds.filter(|_| wait).map(Duration::from_secs),
        rules: release.wait.rules.clone(),
    };
    project.environment.releases.iter().map(|it| (Arc::clone(&it.name), of(it))).collect()
}

/// Tells the run to end: when the process is asked to, when the lease is lost, or when time is up.
pub(super) async fn listen(
    stop: watch::Sender<Option<String>>,
    first: Arc<OnceLock<u8>>,
    mut asked: watch::Receiver<Option<Stop>>,
    mut lost: watch::Receiver<Option<String>>,
    deadline: Option<Duration>,
) {
    let time_is_up = async {
        match deadline {
            Some(deadline) => sleep(deadline).await,
            None => std::future::pending().await,
        }
    };
    let ended = |asked: Option<&Stop>| {
        asked.and_then(|it| it.signal).map(|number| first.set(number));
        asked.map(|it| it.why.clone()).unwrap_or_default()
    };
    let why = tokio::select! {
        Ok(asked) = asked.wait_for(Option::is_some) => ended(asked.as_ref()),
        Ok(why) = lost.wait_for(Option::is_some) => why.clone().unwrap_or_default(),
        () = time_is_up => format!("the run took longer than {} s", deadline.unwrap_or_default().as_secs()),
    };
    stop.send_replace(Some(why));
}
