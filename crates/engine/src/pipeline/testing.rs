//! Tests releases by the test hooks of their charts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use super::acting::{listen, waiting};
use super::{PipelineError, Progress, ServerView, Settings, connect, lookups, project, read_state, stop, values};
use crate::apply::{self, Options, TestResult};
use crate::cluster::Propagation;
use weft_base::diagnostic::Failure;
use weft_base::masked::Redactor;
use weft_stages::plan::hooks;
use weft_stages::report::Event;

/// What the tests of releases came to.
pub struct Tests {
    /// One after another, by release.
    pub tested: Vec<TestResult>,
    /// The releases that have none.
    pub without: Vec<Arc<str>>,
    /// The signal that ended the run early.
    pub signal: Option<u8>,
}

/// Runs the tests of the selected releases, which have to be applied. Nothing else is changed.
pub async fn test(
    settings: &Settings,
    deadline: Option<Duration>,
    progress: Progress<'_>,
    events: &mut (dyn FnMut(Event) + Send),
) -> Result<Tests, Failure> {
    progress("reading the project");
    let project = project(settings)?;
    let releases = values(settings, &project)?;
    progress("connecting to the cluster");
    let cluster = connect(settings, &project.environment).await?;
    let ServerView { discovery, state } = read_state(&cluster, &project, settings, progress).await?;
    let absent = releases.iter().find(|it| !state.inventories.contains_key(&it.release.name));
    if let Some(it) = absent {
        return Err(PipelineError::NotApplied { release: it.release.name.to_string() }.into());
    }
    progress("rendering");
    let rendering = lookups::render(&project, releases, &discovery, state.making(&project), &cluster).await?;
    let tests = rendering.desired.tests;
    let names = rendering.releases.iter().map(|it| &it.release.name);
    let without = names.filter(|name| tests.iter().all(|it| it.object.release != **name)).cloned().collect();
    let bodies = rendering.desired.objects.iter().chain(tests.iter().map(|it| &it.object)).map(|it| &it.body);
    let secrets = rendering.releases.iter().map(|it| &it.values.merged).chain(bodies);
    let cluster = cluster.redacting(Arc::new(Redactor::of(secrets)));
    let plan = hooks::test_plan(&project.environment.name, tests);
    let heard = stop::heard()?;
    let (stop, stopped) = watch::channel(None);
    // There is no lease that could be lost.
    let (_kept, never) = watch::channel(None);
    let signal = Arc::new(OnceLock::new());
    let listening = tokio::spawn(listen(stop, Arc::clone(&signal), heard.asked.clone(), never, deadline));
    let options = Options {
        discovery: (*discovery).clone(),
        inventories: Vec::new(),
        releases: waiting(&project, true),
        state_namespace: project.environment.state_namespace.clone(),
        owner: None,
        commit: None,
        key: state.key.clone(),
        propagation: Propagation::Background,
        carry_on: false,
        keep_logs: true,
        stop: stopped,
        at_once: heard.at_once.clone(),
    };
    progress("running tests");
    let tested = heard.unless_at_once(apply::test(&plan, &cluster, &options, events)).await;
    listening.abort();
    let signal = signal.get().copied();
    Ok(Tests { tested: tested.unwrap_or_default(), without, signal })
}
