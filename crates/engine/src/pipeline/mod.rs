//! The whole run on one screen: [`render`], [`plan`](fn@plan) and [`apply`] call the stages in the order in which the
//! data flows.
//!
//! A verb makes [`Settings`] from its arguments and the process, and prints the result. Everything here acts through
//! `source`, `keys` and `cluster`; pure stages make every decision.

mod acting;
mod additions;
mod compare;
mod definitions;
mod drift;
mod other_releases;
mod error;
mod explain;
mod exposures;
mod history;
mod hooks;
mod ignore;
mod join;
pub mod kustomize;
mod load;
mod lookups;
mod observe;
mod ownership;
mod policies;
mod pool;
mod probe;
mod server_context;
mod record;
mod releases;
mod residents;
mod revision;
mod rights;
mod rollback;
mod saved;
mod sources;
mod state;
mod stop;
mod target;
mod testing;
mod touched;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::{FutureExt as _, TryFutureExt as _};

pub use self::acting::{ApplyResult, ApplySettings, apply};
use self::compare::ComparisonInput;
pub use self::compare::InventoryMember;
pub use self::definitions::{InvalidObject, violations};
pub use self::drift::{DriftOptions, correct, look};
pub use self::error::PipelineError;
pub use self::explain::{Explanation, FieldExplanation, LayeredValue, Question, explain};
pub use self::exposures::{Exposures, exposures};
pub use self::history::{Revisions, history, objects};
pub use self::load::{Declared, Project, project};
pub use self::observe::{Observation, observe};
pub use self::policies::judged;
pub use self::releases::{ReleaseValues, values};
pub use self::revision::{
    Revision, beside, fresh_key, rebase, revised, revision, revision_beside, revision_on, revisions,
};
pub use self::rights::rights;
pub use self::rollback::rollback;
pub use self::saved::{PlanInputs, replan, save, set_again};
pub use self::sources::{LockResult, Renew, lock, outdated, vendored};
pub use self::state::State;
use self::state::{EnvironmentKey, ExpectedObject};
pub use self::stop::{is_stopped, signalled, stop, stopped};
pub use self::target::connect;
pub use self::testing::{Tests, test};
pub use self::touched::{EnvironmentChange, touched};
use crate::cluster::{Cluster, Pace, SchemaCache, Unread};
use crate::source::Source;
use crate::trust::Trust;
use weft_base::diagnostic::Failure;
use weft_base::masked::{FingerprintKey, Redactor};
use weft_schema::Discovery;
use weft_stages::chart::{self, RenderOptions};
use weft_stages::diff::{Judge, Tool};
use weft_stages::manifest::{self, Desired, ObjectId};
use weft_stages::plan::touched::TouchedReleases;
use weft_stages::plan::{self, AbsenceReason, Guards, IgnoredMark, Plan};
use weft_stages::project::{Prune, ReleaseSource, Selection};
use weft_stages::state::saved::PlanPurpose;
use weft_stages::values::Layer;

/// What a run is about: arguments, files and the environment of the process, resolved.
pub struct Settings {
    /// Where the project's files come from.
    pub source: Source,
    pub environment: String,
    /// The releases of the environment that the run is about.
    pub selection: Selection,
    /// What the command line sets in the values.
    pub overrides: Vec<Layer>,
    /// The same without the values: `--set image.tag`.
    pub set: Vec<String>,
    /// The identity files that the command line names.
    pub identities: Vec<PathBuf>,
    /// The cluster that the command line names in place of the environment's.
    pub cluster: ClusterOverride,
    /// What decides whether an object changed: proofs or the server's dry run.
    pub judge: Judge,
    /// What the run may reach.
    pub trust: Trust,
    /// What the files declare, if an earlier step of this run has read them.
    pub declared: Option<Arc<Declared>>,
}

/// A cluster that the command line names.
#[derive(Clone, Debug, Default)]
pub struct ClusterOverride {
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig.
    pub context: Option<String>,
    /// How fast requests are sent, and how long an answer may take.
    pub pace: Pace,
}

/// Receives what a long run is doing now.
pub type Progress<'p> = &'p (dyn Fn(&str) + Sync);

/// The releases rendered and read, without a cluster.
pub struct Rendering {
    /// The releases with their values.
    pub releases: Vec<ReleaseValues>,
    /// The values that users set and no template read.
    pub unread: Vec<weft_stages::values::Unread>,
    /// Whether placeholders stand for passwords, keys or certificates. Only a key that the cluster keeps gives real ones.
    pub placeholders: bool,
    /// What the templates of each release read, if that was asked for.
    pub reads: Vec<Option<chart::Read>>,
    /// The rendered `NOTES.txt` of charts by release, with secrets masked.
    pub notes: Vec<(Arc<str>, String)>,
    pub desired: Desired,
    /// The releases that a closed run could not render, each with the addresses that it does not contact.
    pub withheld: Vec<(Arc<str>, Vec<String>)>,
}

/// A plan with all that is needed to apply it.
pub struct Planned {
    pub plan: Plan,
    pub project: Project,
    pub cluster: Cluster,
    /// What the server serves.
    pub discovery: Arc<Discovery>,
    /// What the cluster keeps about the environment.
    pub state: State,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
    /// The purpose of the plan.
    pub aim: PlanPurpose,
    /// What the command line set in the values, without the values.
    pub set: Vec<String>,
    /// Whether placeholders stand for passwords, keys or certificates: see [`keep_key`].
    pub placeholders: bool,
    /// The notes of charts for people who apply them, by release, with secrets masked.
    pub notes: Vec<(Arc<str>, String)>,
    /// Whether it only reverts what others did. Then an apply records no revision.
    pub corrects: bool,
    /// The releases that a change touches, if the plan is about those alone.
    pub touched: Option<TouchedReleases>,
}

/// What the server serves, and what it keeps about the environment.
struct ServerView {
    discovery: Arc<Discovery>,
    state: State,
}

/// What a plan is made from.
struct PlanDraft {
    project: Project,
    desired: Desired,
    cluster: Cluster,
    view: ServerView,
    aim: PlanPurpose,
}

/// Renders the releases of a project, on all cores, and reads their objects.
pub fn render(
    project: &Project,
    releases: Vec<ReleaseValues>,
    discovery: &Arc<Discovery>,
    making: &RenderOptions,
) -> Result<Rendering, Failure> {
    let rendered = pool::each(releases, |it| {
        let rendered = rendered(project, &it, discovery, making);
        // If it failed or is incomplete, the reason is what the closed run did not fetch.
        let withheld = it.files.withheld();
        if withheld.is_empty() { Ok(Ok((it, rendered?))) } else { Ok(Err((it.release.name, withheld))) }
    })?;
    let mut looked = Vec::new();
    let mut withheld = Vec::new();
    for it in rendered {
        match it {
            Ok(it) => looked.push(it),
            Err(it) => withheld.push(it),
        }
    }
    let (releases, rendered): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
    let (mut rendered, warnings): (Vec<_>, Vec<_>) = rendered.into_iter().unzip();
    let reads = rendered.iter_mut().map(|it| it.reads.take()).collect();
    rendered.iter_mut().zip(&releases).for_each(|(it, of)| it.patches.clone_from(&of.patches));
    let read = releases.iter().zip(&rendered).map(|(it, of)| (&*it.release.name, &it.values, &*of.unread));
    let unread = weft_stages::values::unread(read);
    let placeholders = rendered.iter().any(|it| it.placeholders);
    let notes = rendered.iter().filter_map(|it| Some((Arc::clone(&it.release), it.notes.clone()?))).collect();
    let said: Vec<String> = rendered.iter().flat_map(chart::advice).chain(warnings.into_iter().flatten()).collect();
    let mut desired = manifest::read(rendered, &project.environment, discovery)?;
    desired.warnings.extend(said);
    Ok(Rendering { releases, unread, placeholders, reads, notes, desired, withheld })
}

/// Renders one release; returns warnings with it.
fn rendered(
    project: &Project,
    it: &ReleaseValues,
    discovery: &Arc<Discovery>,
    making: &RenderOptions,
) -> Result<(chart::Rendered, Vec<String>), Failure> {
    let ReleaseValues { release, chart, values, files, .. } = it;
    let rendered = match (chart, &release.source) {
        (None, ReleaseSource::Kustomization(folder)) => {
            return kustomize::render(files, folder, release, making).map_err(|it| it.of_release(&release.name));
        }
        (Some(chart), _) => {
            let environment = project.environment.name.as_str();
            let inputs = &project.inputs;
            let capabilities = discovery;
            chart::render(chart, &chart::Context { release, environment, values, inputs, capabilities, making })
        }
        (None, ReleaseSource::Chart(folder) | ReleaseSource::Manifests(folder)) => {
            chart::manifests(&project.tree, folder, release)
        }
    };
    rendered.map(|it| (it, Vec::new())).map_err(|error| Failure::from(error).of_release(&release.name))
}

/// Loads, decrypts, renders, reads the live objects, compares, and plans. It writes nothing.
pub async fn plan(settings: &Settings, guards: &Guards, progress: Progress<'_>) -> Result<Planned, Failure> {
    progress("reading the project");
    plan_of(project(settings)?, settings, guards, None, progress).await
}

/// The same for a project that has been read, with the key of another run if one is given.
async fn plan_of(
    project: Project,
    settings: &Settings,
    guards: &Guards,
    key: Option<FingerprintKey>,
    progress: Progress<'_>,
) -> Result<Planned, Failure> {
    let releases = values(settings, &project)?;
    let render = async |cluster: &Cluster, discovery: &Arc<Discovery>, making: RenderOptions| {
        progress("rendering");
        let rendering = lookups::render(&project, releases, discovery, making, cluster).await;
        let objects = rendering.iter().flat_map(|it| &it.desired.objects);
        let sought =
            objects.map(|it| ExpectedObject { id: it.id.clone(), api_version: it.gvk.api_version() }).collect();
        (rendering, sought)
    };
    let (cluster, mut view, rendering) = begin(settings, &project, key, render, progress).await?;
    let Rendering { releases, desired, placeholders, notes, .. } = rendering?;
    view.state.elsewhere = other_releases::look(settings, &project, &desired, &view.state, &view.discovery);
    let bodies = desired.objects.iter().map(|it| &it.body).chain(desired.hooks.iter().map(|it| &it.object.body));
    let secrets = releases.iter().map(|it| &it.values.merged).chain(bodies);
    let cluster = cluster.redacting(Arc::new(Redactor::of(secrets)));
    let draft = PlanDraft { project, desired, cluster, view, aim: PlanPurpose::Apply };
    let planned = draft.judge(settings, guards, progress).await?;
    Ok(Planned { placeholders, notes, ..planned })
}

/// Makes sure that the cluster keeps a key from which passwords and the like are derived. Called before making a plan
/// that will be applied.
pub async fn keep_key(planned: &Planned) -> Result<(), Failure> {
    planned.cluster.fingerprint_key(&planned.project.environment.state_namespace, true).await?;
    Ok(())
}

/// Plans to delete the selected releases, or to let go of their objects if the guards say so. It plans as
/// [`plan`](fn@plan) would if the repository no longer had these releases.
pub async fn destroy(settings: &Settings, guards: &Guards, progress: Progress<'_>) -> Result<Planned, Failure> {
    destroy_of(load::with_removed(settings)?, settings, guards, None, progress).await
}

/// The same for a project that has been read, with the key of another run if one is given.
async fn destroy_of(
    mut project: Project,
    settings: &Settings,
    guards: &Guards,
    key: Option<FingerprintKey>,
    progress: Progress<'_>,
) -> Result<Planned, Failure> {
    let (cluster, view, ()) = begin(settings, &project, key, nothing, progress).await?;
    project.refuse_unknown(settings, &view.state)?;
    let going: Vec<_> = project.environment.releases.iter().map(|it| Arc::clone(&it.name)).collect();
    project.whole.releases.retain(|it| !going.contains(&it.name));
    let draft = PlanDraft { project, desired: Desired::default(), cluster, view, aim: PlanPurpose::Remove };
    draft.judge(settings, guards, progress).await
}

/// Connects to the cluster of a project and reads its state; see [`read_state_and`].
async fn begin<R>(
    settings: &Settings,
    project: &Project,
    key: Option<FingerprintKey>,
    work: impl AsyncFnOnce(&Cluster, &Arc<Discovery>, RenderOptions) -> (R, Vec<ExpectedObject>),
    progress: Progress<'_>,
) -> Result<(Cluster, ServerView, R), Failure> {
    progress("connecting to the cluster");
    let cluster = connect(settings, &project.environment).await?;
    let (view, done) = read_state_and(&cluster, project, settings, key, work, progress).await?;
    Ok((cluster, view, done))
}

/// No work, for runs that render nothing while the state is read.
async fn nothing(_: &Cluster, _: &Arc<Discovery>, _: RenderOptions) -> ((), Vec<ExpectedObject>) {
    ((), Vec::new())
}

/// Reads what the server serves, and what it keeps about the environment, side by side.
async fn read_state(
    cluster: &Cluster,
    project: &Project,
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<ServerView, Failure> {
    progress("reading what was applied");
    let discovery = cluster.discover().map_ok(Arc::new).map_err(Failure::from);
    let state = State::read(cluster, &project.environment, project.about(settings));
    let (discovery, state) = futures::future::try_join(discovery, state).await?;
    Ok(ServerView { discovery, state })
}

/// The same for runs that read live objects next, with the key of another run if one is given. To hide latency, `work` is
/// done as early as possible and live objects are prefetched into the state: see [`State::read_and`]. `work` needs only
/// what is served and the key; it returns its result and the objects that the run will look at.
async fn read_state_and<R>(
    cluster: &Cluster,
    project: &Project,
    settings: &Settings,
    key: Option<FingerprintKey>,
    work: impl AsyncFnOnce(&Cluster, &Arc<Discovery>, RenderOptions) -> (R, Vec<ExpectedObject>),
    progress: Progress<'_>,
) -> Result<(ServerView, R), Failure> {
    progress("reading what was applied");
    let environment = &project.environment;
    let about = project.about(settings);
    let discovery = cluster.discover().map_ok(Arc::new).map_err(Failure::from).shared();
    let key = state::key(cluster, environment)
        .map_ok(|kept| EnvironmentKey { key: key.unwrap_or(kept.key), ..kept })
        .shared();
    let work = async |discovery: &Arc<Discovery>, key: &EnvironmentKey| {
        work(cluster, discovery, state::making(project, key)).await
    };
    let cache = SchemaCache::new(settings.trust.caches());
    let state = State::read_and(cluster, environment, about, discovery.clone(), key, &cache, work);
    let (discovery, (state, done)) = futures::future::try_join(discovery, state).await?;
    Ok((ServerView { discovery, state }, done))
}

impl PlanDraft {
    /// Reads the live objects, compares, and plans.
    async fn judge(self, settings: &Settings, guards: &Guards, progress: Progress<'_>) -> Result<Planned, Failure> {
        let Self { project, desired, cluster, view: ServerView { discovery, mut state }, aim } = self;
        let objects: Vec<_> = desired.objects.into_iter().map(Arc::new).collect();
        let rules = Arc::new(ignore::rules(&project, &objects, &state));
        let count = objects.len();
        let mut members = state.members_with_records();
        let judge = settings.judge;
        let cache = SchemaCache::new(settings.trust.caches());
        let known: Vec<&ObjectId> = members.keys().collect();
        if let Some(word) = guards.naming_none(&known).next() {
            return Err(PipelineError::NoSuchObject { word: word.clone() }.into());
        }
        members.retain(|id, _| guards.are_about(id));
        let key = state.key.clone();
        let take = guards.take.clone();
        let served = Arc::clone(&discovery);
        let hooks = desired.hooks.iter().map(|it| it.object.id.clone()).collect();
        let rules_of = Arc::clone(&rules);
        let subject =
            ComparisonInput { objects, hooks, members, discovery: served, key, take, judge, cache, rules: rules_of };
        let prefetch = std::mem::take(&mut state.prefetch);
        let (mut comparison, unread) =
            compare::compare(subject, prefetch, &state.neighbours(), &cluster, progress).await?;
        residents::look(&mut comparison, guards, &cluster, &discovery).await?;
        let mut facts = state.facts(&project);
        if aim == PlanPurpose::Remove {
            // The user asked to remove the whole release, so the rules for single objects that leave it do not apply.
            for release in facts.iter_mut().filter(|it| !it.declared) {
                release.prune = Prune::Delete;
                release.vanished = release.vanished.take().filter(|it| *it == AbsenceReason::Unclaimed);
            }
        }
        state.add_hooks(&mut facts, desired.hooks, desired.is_revision);
        let mut plan = weft_stages::plan::plan(&project.environment.name, comparison, &facts, guards);
        hooks::check(&mut plan, &cluster, &discovery).await?;
        plan.claim(&ownership::ownership(&project, &state), &facts, guards);
        Box::pin(ownership::name_owners(&mut plan, &cluster, &project.environment.state_namespace)).await?;
        plan.find(policies::judgement(&project, &plan, Some(cluster.address()), &state.key, &aim)?.findings);
        let unused = ignore::unused(&rules, settings, count, &unread);
        let also = plan.tools().into_iter().map(|(tool, objects)| also(tool, &objects));
        let unfollowed = plan.unfollowed().into_iter().map(|(mark, objects)| unfollowed(mark, &objects));
        let over = ignore::over(&project.environment, ignore::today());
        let said = desired
            .warnings
            .into_iter()
            .chain(ownership::advice(&plan))
            .chain(advice(&unread))
            .chain(over)
            .chain(unused)
            .chain(also)
            .chain(unfollowed);
        let warnings = cluster.warnings().iter().cloned().chain(said).collect();
        let notes = Vec::new();
        let placeholders = false;
        let corrects = false;
        let touched = None;
        let set = if aim == PlanPurpose::Apply { settings.set.clone() } else { Vec::new() };
        Ok(Planned {
            plan,
            project,
            cluster,
            discovery,
            state,
            warnings,
            aim,
            set,
            placeholders,
            notes,
            corrects,
            touched,
        })
    }
}

/// Advice about objects that could not be read and schemas that are missing.
fn advice(unread: &Unread) -> Vec<String> {
    let roles = unread.roles().map(|it| format!("Some objects could not be read. These rights are missing:\n{it}"));
    roles.into_iter().chain(shapeless(unread)).collect()
}

/// One sentence for each reason why schemas are missing.
fn shapeless(unread: &Unread) -> impl Iterator<Item = String> {
    let mut causes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (kind, why) in &unread.shapes {
        causes.entry(why).or_default().push(format!("`{} {}`", kind.api_version(), kind.kind));
    }
    causes.into_iter().map(|(why, kinds)| {
        format!("There are no schemas of {}, so their structure proves nothing here: {why}.", kinds.join(", "))
    })
}

/// A warning about another tool's annotation or label that has no effect.
fn unfollowed((key, value, instead): IgnoredMark<'_>, objects: &[&ObjectId]) -> String {
    let which = match objects {
        [only] => format!("{only} has"),
        [first, rest @ ..] => format!("{first} and {} more have", rest.len()),
        [] => "Nothing has".to_owned(),
    };
    format!("{which} `{}`, which has no effect: {instead}.", plan::written(key, value))
}

/// A warning about objects that another tool also manages.
fn also(tool: &Tool, objects: &[&ObjectId]) -> String {
    let which = match objects {
        [only] => format!("{only} is"),
        [first, rest @ ..] => format!("{first} and {} more are", rest.len()),
        [] => "Nothing is".to_owned(),
    };
    format!(
        "{which} also managed by {tool} (`{}`), which may write or delete what it manages: end that first.",
        tool.mark
    )
}
