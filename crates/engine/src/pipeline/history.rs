//! What the cluster keeps of the history of releases.

use std::collections::BTreeMap;

use super::{PipelineError, Progress, Settings, connect, load, ownership, pool, state};
use crate::cluster::Cluster;
use weft_base::diagnostic::Failure;
use weft_base::value::Value;
use weft_stages::diff;
use weft_stages::manifest::ObjectId;
use weft_stages::project::Environment;
use weft_stages::state::history::{Pack, PackedObject, RestoredObject, Revision};

/// The revisions of releases.
pub struct Revisions {
    /// The revisions, by release, the newest first.
    pub revisions: Vec<Revision>,
    /// Those that cannot be read, each a full sentence.
    pub warnings: Vec<String>,
}

/// The history of an environment, or of one of its releases.
pub async fn history(settings: &Settings, release: Option<&str>, progress: Progress<'_>) -> Result<Revisions, Failure> {
    let project = load::project(settings)?;
    progress("connecting to the cluster");
    let cluster = connect(settings, &project.environment).await?;
    progress("reading the history");
    let mut found = revisions(&cluster, &project.environment, release).await?;
    let foreign = ownership::foreign(&cluster, &project.environment).await?;
    found.revisions.retain(|it| !foreign.contains(&*it.release));
    if let Some(release) = release.filter(|_| found.revisions.is_empty() && found.warnings.is_empty()) {
        return Err(none(release, &project.environment));
    }
    found.revisions.sort_by(|a, b| (&a.release, b.number).cmp(&(&b.release, a.number)));
    Ok(found)
}

/// The objects of a revision as they may be shown: with a fingerprint in place of each secret.
pub async fn objects(
    settings: &Settings,
    release: &str,
    number: u64,
    progress: Progress<'_>,
) -> Result<(Revision, Vec<(ObjectId, Value)>), Failure> {
    let project = load::project(settings)?;
    progress("connecting to the cluster");
    let cluster = connect(settings, &project.environment).await?;
    progress("reading the history");
    let found = revisions(&cluster, &project.environment, Some(release)).await?;
    let revision = chosen(&found.revisions, &project.environment, release, number)?.clone();
    let key = state::key(&cluster, &project.environment).await?.key;
    let packs = packs(&cluster, &project.environment, &revision).await?;
    let shown = restored(&revision, &packs)?.into_iter().map(|(id, it)| (id, diff::shown(&it.body, &key))).collect();
    Ok((revision, shown))
}

/// The revisions of an environment that can be read, in no order.
pub(super) async fn revisions(
    cluster: &Cluster,
    environment: &Environment,
    release: Option<&str>,
) -> Result<Revisions, Failure> {
    let kept = cluster.revisions(&environment.state_namespace, &environment.name, release).await?;
    let read = pool::each(kept, |it| Ok(it.read()))?;
    let mut revisions = Vec::new();
    let mut warnings = Vec::new();
    for it in read {
        match it {
            Ok(revision) => revisions.push(revision),
            Err(error) => warnings.push(format!("A revision is left out: {error}.")),
        }
    }
    Ok(Revisions { revisions, warnings })
}

/// The revision of this number.
pub(super) fn chosen<'r>(
    revisions: &'r [Revision],
    environment: &Environment,
    release: &str,
    number: u64,
) -> Result<&'r Revision, Failure> {
    if revisions.is_empty() {
        return Err(none(release, environment));
    }
    revisions.iter().find(|it| it.number == number).ok_or_else(|| {
        let mut known: Vec<u64> = revisions.iter().map(|it| it.number).collect();
        known.sort_unstable();
        PipelineError::NoRevision { release: release.to_owned(), number, known }.into()
    })
}

pub(super) fn none(release: &str, environment: &Environment) -> Failure {
    PipelineError::NoHistory { release: release.to_owned(), environment: environment.name.clone() }.into()
}

/// The packs of a revision.
pub(super) async fn packs(
    cluster: &Cluster,
    environment: &Environment,
    revision: &Revision,
) -> Result<Vec<Pack>, Failure> {
    let kept = cluster.packs(&environment.state_namespace, revision).await?;
    pool::each(kept, |it| Ok(it.read()?))
}

/// The objects of a revision, without their secrets.
pub(super) fn restored(revision: &Revision, packs: &[Pack]) -> Result<BTreeMap<ObjectId, RestoredObject>, Failure> {
    let packs: BTreeMap<&str, BTreeMap<String, RestoredObject>> =
        packs.iter().map(|pack| (pack.name.as_str(), pack.restored())).collect();
    let mut objects = BTreeMap::new();
    for (id, PackedObject { digest, pack }) in &revision.objects {
        let Some(found) = packs.get(pack.as_str()).and_then(|objects| objects.get(digest)) else {
            return Err(PipelineError::LostObject { id: id.clone(), number: revision.number }.into());
        };
        objects.insert(id.clone(), found.clone());
    }
    Ok(objects)
}
