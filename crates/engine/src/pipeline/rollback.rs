//! Plans a rollback: a normal plan of the objects that a revision applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::{chosen, none, packs, restored, revisions};
use super::releases::identities;
use super::{PipelineError, PlanDraft, Planned, Progress, Project, Settings, begin, nothing, project};
use crate::cluster::{Cluster, ServedObject};
use crate::source::Commit;
use weft_base::diagnostic::Failure;
use weft_base::masked::{FingerprintKey, Redactor};
use weft_base::value::{Mark, Origin, Value};
use weft_schema::{Discovery, Gvk};
use weft_stages::diff::{self, LiveObject};
use weft_stages::manifest::{self, ObjectId};
use weft_stages::plan::Guards;
use weft_stages::state::history::{Pack, RestoredObject, Revision, last_good};
use weft_stages::state::saved::PlanPurpose;

/// Plans to give a release the objects of one of its revisions: of `to`, or of the last good one before now. The
/// settings select that release and no other.
pub async fn rollback(
    settings: &Settings,
    release: &str,
    to: Option<u64>,
    guards: &Guards,
    progress: Progress<'_>,
) -> Result<Planned, Failure> {
    progress("reading the project");
    rollback_of(project(settings)?, settings, release, to, guards, None, progress).await
}

/// The same for a project that has been read, with the key of another run if one is given.
pub(super) async fn rollback_of(
    mut project: Project,
    settings: &Settings,
    release: &str,
    to: Option<u64>,
    guards: &Guards,
    key: Option<FingerprintKey>,
    progress: Progress<'_>,
) -> Result<Planned, Failure> {
    let (cluster, view, ()) = begin(settings, &project, key, nothing, progress).await?;
    progress("reading the history");
    let found = revisions(&cluster, &project.environment, Some(release)).await?.revisions;
    let revision = match to {
        Some(number) => chosen(&found, &project.environment, release, number)?,
        None if found.is_empty() => return Err(none(release, &project.environment)),
        None => last_good(&found).ok_or_else(|| PipelineError::NothingBefore { release: release.to_owned() })?,
    };
    let packs = packs(&cluster, &project.environment, revision).await?;
    let mut objects = restored(revision, &packs)?;
    refill(&mut objects, &cluster, &view.discovery, &view.state.key).await?;
    unseal(&mut objects, revision, &packs, settings, &project)?;
    let name = Arc::new(format!("revision {} of release {release}", revision.number));
    let bodies = objects.into_values().map(|it| it.body).collect();
    let origin = Origin::new(&name, Mark::default());
    let desired = manifest::restored(bodies, &revision.release, &project.environment, &view.discovery, &origin)?;
    let bodies = desired.objects.iter().map(|it| &it.body).chain(desired.hooks.iter().map(|it| &it.object.body));
    let cluster = cluster.redacting(Arc::new(Redactor::of(bodies)));
    let made = &revision.made;
    project.commit = made.commit.as_ref().map(|id| Commit { id: id.clone(), dirty: made.dirty });
    let aim = PlanPurpose::GoBack { release: release.to_owned(), revision: revision.number };
    PlanDraft { project, desired, cluster, view, aim }.judge(settings, guards, progress).await
}

/// Puts back the secrets that the live objects still have: no key is needed for what did not change.
async fn refill(
    objects: &mut BTreeMap<ObjectId, RestoredObject>,
    cluster: &Cluster,
    discovery: &Discovery,
    key: &FingerprintKey,
) -> Result<(), Failure> {
    let wanted: Vec<ServedObject> = objects
        .iter()
        .filter(|(_, object)| !object.missing.is_empty())
        .filter_map(|(id, object)| {
            let text = |field: &str| object.body.get(field).and_then(Value::as_str).unwrap_or_default();
            let resource = discovery.resource(&Gvk::new(text("apiVersion"), text("kind")))?.clone();
            Some(ServedObject { id: id.clone(), resource })
        })
        .collect();
    let mut each = |live: LiveObject| {
        if let Some(object) = objects.get_mut(&live.id) {
            object.missing = diff::refill(&mut object.body, &object.missing, &live.body, key);
        }
    };
    // What cannot be read is as good as changed: then the values come from the history.
    cluster.read(wanted, &mut each).await?;
    Ok(())
}

/// Puts in the other secrets, from the encrypted values of the packs.
fn unseal(
    objects: &mut BTreeMap<ObjectId, RestoredObject>,
    revision: &Revision,
    packs: &[Pack],
    settings: &Settings,
    project: &Project,
) -> Result<(), Failure> {
    let lacking: Vec<ObjectId> =
        objects.iter().filter(|(_, object)| !object.missing.is_empty()).map(|(id, _)| id.clone()).collect();
    let pack_of = |id: &ObjectId| revision.objects.get(id).map(|place| place.pack.as_str());
    let needed: BTreeSet<&str> = lacking.iter().filter_map(pack_of).collect();
    let name = Arc::new(format!("revision {} of release {}", revision.number, revision.release));
    let sealed = packs.iter().filter(|pack| needed.contains(pack.name.as_str()));
    let sealed: Vec<_> = sealed.filter_map(|pack| Some((pack, pack.values.as_ref()?))).collect();
    // Without a sealed value no key is needed.
    let identities = if sealed.is_empty() { None } else { Some(identities(settings, project)?) };
    for ((pack, values), identities) in sealed.into_iter().zip(identities.iter().cycle()) {
        let values = weft_sops::open_sealed(values, &name, identities)?;
        let mut filled = pack.restored();
        pack.fill(&mut filled, &values);
        for id in lacking.iter().filter(|id| pack_of(id) == Some(&pack.name)) {
            let digest = revision.objects.get(id).map(|place| place.digest.as_str()).unwrap_or_default();
            if let (Some(object), Some(filled)) = (objects.get_mut(id), filled.get(digest)) {
                *object = filled.clone();
            }
        }
    }
    let lost: Vec<ObjectId> = lacking.into_iter().filter(|id| !objects[id].missing.is_empty()).collect();
    if lost.is_empty() { Ok(()) } else { Err(PipelineError::NotKept { number: revision.number, objects: lost }.into()) }
}
