//! From files to the values of each release, secrets decrypted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kustomize::{Shared, Unlocked};
use super::{Project, Settings, pool};
use crate::chart::Chart;
use crate::diagnostic::Failure;
use crate::keys;
use crate::kustomize::Files;
use crate::project::{Release, ReleaseSource};
use crate::secrets::{self, Identities};
use crate::source::charts::Charts;
use crate::value::Value;
use crate::values::{self, Layer, Values};

/// A release with what its templates get.
pub struct ReleaseValues {
    /// The release.
    pub release: Release,
    /// Its chart; `None` for plain manifests.
    pub chart: Option<Arc<Chart>>,
    /// Its values.
    pub values: Values,
    /// The files of the project, for a kustomization.
    pub files: Arc<dyn Files>,
}

/// The values of all selected releases. Each chart is read once, and each encrypted file decrypted once.
pub fn values(settings: &Settings, project: &Project) -> Result<Vec<ReleaseValues>, Failure> {
    let charts = charts(project)?;
    let secrets = decrypted(settings, project)?;
    let overrides = &settings.overrides;
    let files = files(settings, project);
    pool::each(project.environment.releases.clone(), |release| {
        let chart = match &release.source {
            ReleaseSource::Chart(folder) => charts.get(folder).cloned(),
            ReleaseSource::Manifests(_) | ReleaseSource::Kustomization(_) => None,
        };
        let secret = release.secrets.iter().filter_map(|(path, _)| {
            let values = secrets.get(path)?.clone();
            Some(Layer::of_user(path, values))
        });
        let layers = values::layers(
            &project.environment,
            &release,
            &project.tree,
            chart.as_deref().map(Chart::defaults),
            secret.collect(),
            overrides.clone(),
            &project.inputs,
        )?;
        Ok(ReleaseValues { values: values::merge(layers), chart, release, files: Arc::clone(&files) })
    })
}

fn charts(project: &Project) -> Result<BTreeMap<String, Arc<Chart>>, Failure> {
    let mut folders: Vec<&String> = project.environment.releases.iter().filter_map(|r| r.source.chart()).collect();
    folders.sort();
    folders.dedup();
    let charts = pool::each(folders, |folder| Ok((folder.clone(), Arc::new(Chart::load(&project.tree, folder)?))))?;
    Ok(charts.into_iter().collect())
}

/// The files of the project, of which a kustomization may read encrypted ones.
fn files(settings: &Settings, project: &Project) -> Arc<dyn Files> {
    let (paths, variables) = (settings.identities.clone(), settings.variables.clone());
    let (tree, declared) = (project.tree.clone(), project.environment.identity.clone());
    let find = move || {
        let process = keys::Process::new(&|name| variables.get(name).cloned());
        let project = declared.as_deref().map(|path| (&tree, path));
        Ok(keys::find(&keys::Sources { files: &paths, project, process: &process })?)
    };
    let charts = Charts::of(&|name| settings.variables.get(name).cloned());
    Arc::new(Unlocked::new(Arc::new(Shared { tree: project.tree.clone(), charts }), Box::new(find)))
}

fn decrypted(settings: &Settings, project: &Project) -> Result<BTreeMap<String, Value>, Failure> {
    let named: BTreeMap<_, _> =
        project.environment.releases.iter().flat_map(|r| &r.secrets).map(|(path, origin)| (path, origin)).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    if settings.closed {
        let closed = named.keys().filter_map(|path| Some((*path, project.tree.bytes(path)?)));
        let value = |(path, bytes): (&String, &[u8])| {
            Ok((path.clone(), secrets::closed(bytes, &Arc::new(path.clone()))?))
        };
        return closed.map(value).collect();
    }
    let identities = identities(settings, project)?;
    let values = pool::each(named, |(path, origin)| {
        Ok((path.clone(), secrets::decrypt_file(&project.tree, path, origin, &identities)?))
    })?;
    Ok(values.into_iter().collect())
}

/// The identities that this run may use.
pub(super) fn identities(settings: &Settings, project: &Project) -> Result<Identities, Failure> {
    let process = keys::Process::new(&|name| settings.variables.get(name).cloned());
    let declared = project.environment.identity.as_deref().map(|path| (&project.tree, path));
    Ok(keys::find(&keys::Sources { files: &settings.identities, project: declared, process: &process })?)
}
