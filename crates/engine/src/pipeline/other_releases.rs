//! The objects of the releases that a run is not about. An object that moved to one of them must not be deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Project, Rendering, Settings, State, render, values};
use weft_base::diagnostic::{Diagnostic, Failure};
use weft_schema::Discovery;
use weft_stages::manifest::{Desired, ObjectId};

/// The objects of each release that is not part of the run, or why they are unknown.
pub(super) type OtherReleases = BTreeMap<Arc<str>, Result<BTreeSet<ObjectId>, String>>;

/// Renders the other releases, if anything left those of the run.
pub(super) fn look(
    settings: &Settings,
    project: &Project,
    desired: &Desired,
    state: &State,
    discovery: &Arc<Discovery>,
) -> OtherReleases {
    let wanted: BTreeSet<&ObjectId> = desired.objects.iter().map(|object| &object.id).collect();
    if state.inventories.values().all(|it| it.objects.keys().all(|id| wanted.contains(id))) {
        return OtherReleases::new();
    }
    let is_other = |name: &str| !project.environment.releases.iter().any(|it| *it.name == *name);
    let others = project.whole.releases.iter().filter(|it| is_other(&it.name));
    others.map(|it| (Arc::clone(&it.name), objects(settings, project, &it.name, discovery))).collect()
}

/// The objects of one release. Each is rendered alone, so one that fails does not hide the others.
fn objects(
    settings: &Settings,
    project: &Project,
    release: &str,
    discovery: &Arc<Discovery>,
) -> Result<BTreeSet<ObjectId>, String> {
    let mut environment = project.whole.clone();
    environment.releases.retain(|it| *it.name == *release);
    let alone = Project {
        environment,
        whole: project.whole.clone(),
        tree: project.tree.clone(),
        inputs: project.inputs.clone(),
        commit: project.commit.clone(),
        time: project.time,
        left: Vec::new(),
        folder: project.folder.clone(),
        left_out: Vec::new(),
        repository: project.repository.clone(),
        conditions: project.conditions.clone(),
    };
    let rendered = values(settings, &alone).and_then(|values| render(&alone, values, discovery, &project.making()));
    let told = |failure: Failure| failure.diagnostics.first().map(Diagnostic::reason).unwrap_or_default();
    let Rendering { desired, .. } = rendered.map_err(told)?;
    Ok(desired.objects.into_iter().filter(|it| !it.implicit).map(|it| it.id).collect())
}
