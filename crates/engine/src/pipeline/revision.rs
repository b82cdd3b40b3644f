//! An environment as a commit or a folder has it, rendered without a cluster; and two of them side by side.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Planned, Project, Rendering, Settings, load, policies, pool, project, render, sources, state, values};
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_schema::Discovery;
use weft_stages::manifest::Desired;
use weft_stages::plan::{self, Objects, Plan};
use weft_stages::project::Environment;
use weft_stages::state::saved::PlanPurpose;

/// An environment at a revision.
pub struct Revision {
    /// The environment with its files.
    pub project: Project,
    /// Its releases, rendered.
    pub rendering: Rendering,
}

/// Renders the selected releases of an environment without a cluster, as the settings' source has them: see
/// [`Source::open`](crate::source::Source::open) for revisions.
pub fn revision(settings: &Settings) -> Result<Revision, Failure> {
    revision_on(settings, &Arc::new(weft_schema::builtin()))
}

/// The same for a server that serves this.
pub fn revision_on(settings: &Settings, discovery: &Arc<Discovery>) -> Result<Revision, Failure> {
    of_project(settings, project(settings)?, discovery)
}

/// The same of what stands beside another revision: a release that is selected by name may be missing. `None` where the
/// source does not have the environment.
pub fn revision_beside(settings: &Settings) -> Result<Option<Revision>, Failure> {
    load::those_there(settings)?
        .map(|project| of_project(settings, project, &Arc::new(weft_schema::builtin())))
        .transpose()
}

/// Two revisions, or environments, side by side, each as [`revision_beside`] has it. `None` where the first does not have
/// the environment; what the second does not have is told as [`revision`] tells it.
pub fn revisions(base: Settings, head: Settings) -> Result<(Option<Revision>, Revision), Failure> {
    let there = move || revision_beside(&head)?.map_or_else(|| revision(&head), Ok);
    let (before, after) = pool::both(move || revision_beside(&base), there);
    Ok((before?, after?))
}

fn of_project(settings: &Settings, project: Project, discovery: &Arc<Discovery>) -> Result<Revision, Failure> {
    let releases = values(settings, &project)?;
    let rendering = render(&project, releases, discovery, &project.making())?;
    for (release, places) in &rendering.withheld {
        for place in places {
            settings.trust.skip(sources::not_looked_at(release, place));
        }
    }
    Ok(Revision { project, rendering })
}

/// Tells in a plan what its revision changes from what had drifted before. `base` are the settings of the revision that
/// stands for what was applied; it is rendered for the plan's cluster.
pub fn rebase(planned: &mut Planned, base: &Settings) -> Result<(), Failure> {
    let objects = match load::those_there(base)? {
        None => Objects::new(),
        Some(project) => {
            let making = planned.state.making(&project);
            let rendering = render(&project, values(base, &project)?, &planned.discovery, &making)?;
            objects(rendering.desired)
        }
    };
    plan::rebase(&mut planned.plan, &objects, &planned.state.key);
    Ok(())
}

/// What `head` would change where `base` is applied, under the policies of `head`; where `base` is `None`, it does not have
/// the environment. The fingerprints of secrets are of `key`. With what people should know about policies that were not
/// judged.
pub fn revised(base: Option<Revision>, head: Revision, key: &FingerprintKey) -> Result<(Plan, Vec<String>), Failure> {
    let left_out: BTreeSet<Arc<str>> = base.iter().chain([&head]).flat_map(Revision::left_out).collect();
    let base = base.map(|it| it.without(&left_out));
    let Revision { project, rendering } = head.without(&left_out);
    let to = &project.environment;
    let after = objects(rendering.desired);
    let nothing = || (Environment { releases: Vec::new(), ..to.clone() }, Objects::new());
    let (from, before) = base.map_or_else(nothing, Revision::parts);
    let mut plan = plan::of_revisions((&from, before), (to, &after), key);
    let judgement = policies::judgement(&project, &plan, None, key, &PlanPurpose::Apply)?;
    plan.find(judgement.findings);
    Ok((plan, judgement.unjudged.iter().map(ToString::to_string).collect()))
}

/// What makes one environment the other.
pub fn beside(base: Revision, head: Revision, key: &FingerprintKey) -> Plan {
    let (from, before) = base.parts();
    let (to, after) = head.parts();
    plan::of_environments((&from, before), (&to, after), key)
}

/// A key of fingerprints for one run.
pub fn fresh_key() -> Result<FingerprintKey, Failure> {
    state::random_key()
}

impl Revision {
    /// The releases that a closed run did not look at.
    fn left_out(&self) -> Vec<Arc<str>> {
        let withheld = self.rendering.withheld.iter().map(|(release, _)| release);
        self.project.left_out.iter().chain(withheld).cloned().collect()
    }

    /// The same without these releases: what one side does not have must not look as if the other had made it.
    fn without(mut self, releases: &BTreeSet<Arc<str>>) -> Self {
        self.project.environment.releases.retain(|it| !releases.contains(&it.name));
        let desired = &mut self.rendering.desired;
        desired.objects.retain(|it| !releases.contains(&it.release));
        desired.hooks.retain(|it| !releases.contains(&it.object.release));
        self
    }

    /// The environment and the objects, those of hooks among them.
    pub fn parts(self) -> (Environment, Objects) {
        (self.project.environment, objects(self.rendering.desired))
    }
}

fn objects(desired: Desired) -> Objects {
    let Desired { objects, hooks, .. } = desired;
    objects.into_iter().chain(hooks.into_iter().map(|it| it.object)).map(Arc::new).collect()
}
