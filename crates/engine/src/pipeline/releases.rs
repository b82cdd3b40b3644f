//! From files to the values of each release, secrets decrypted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kustomize::{Shared, Unlocked};
use super::{Project, Settings, pool};
use crate::source::charts::Charts;
use weft_base::diagnostic::Failure;
use weft_base::value::Value;
use weft_base::yaml::{self, Rules};
use weft_schema::patch::Targeted;
use weft_sops::Identities;
use weft_sops::keys;
use weft_stages::chart::Chart;
use weft_stages::kustomize::Files;
use weft_stages::project::{PatchContent, PatchEntry, Release, ReleaseSource};
use weft_stages::values::{self, Layer, Values};

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
    /// What is changed in its objects.
    pub patches: Vec<Targeted>,
}

/// The values of all selected releases. Each chart is read once, and each encrypted file decrypted once.
pub fn values(settings: &Settings, project: &Project) -> Result<Vec<ReleaseValues>, Failure> {
    let charts = charts(project)?;
    let secrets = decrypted(settings, project)?;
    let overrides = &settings.overrides;
    let files = files(settings, project);
    let patches =
        project.environment.releases.iter().map(|it| Ok((Arc::clone(&it.name), patches(settings, project, it)?)));
    let patches: BTreeMap<Arc<str>, Vec<Targeted>> = patches.collect::<Result<_, Failure>>()?;
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
        let patches = patches.get(&release.name).cloned().unwrap_or_default();
        Ok(ReleaseValues { values: values::merge(layers), chart, release, files: Arc::clone(&files), patches })
    })
}

/// What is changed in the objects of a release. The values of an encrypted file are masked from here on.
fn patches(settings: &Settings, project: &Project, release: &Release) -> Result<Vec<Targeted>, Failure> {
    let mut found = Vec::new();
    for PatchEntry { target, content, origin } in &release.patches {
        let of_file = |file: &str| project.tree.text(file).ok().map(str::to_owned);
        let (documents, text) = match content {
            PatchContent::Fields(fields) => (vec![fields.clone()], origin.file.as_deref().and_then(|it| of_file(it))),
            PatchContent::Text(name, text) => (yaml::documents(text, name, Rules::Kustomize)?, Some(text.clone())),
            PatchContent::File(path) if weft_sops::is_encrypted(project.tree.bytes(path).unwrap_or_default()) => {
                let identities = identities(settings, project)?;
                (vec![weft_sops::decrypt_file(&project.tree, path, origin, &identities)?], None)
            }
            PatchContent::File(path) => {
                let text = project.tree.text(path)?;
                (yaml::documents(text, &Arc::new(path.clone()), Rules::Kustomize)?, Some(text.to_owned()))
            }
        };
        let read = Targeted::read(documents, target.as_ref(), origin, text.as_deref());
        found.extend(read.map_err(|error| Failure::from(error).of_release(&release.name))?);
    }
    Ok(found)
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
    let shared = Shared { tree: project.tree.clone(), charts, lock: project.environment.lock.clone() };
    Arc::new(Unlocked::new(Arc::new(shared), Box::new(find)))
}

fn decrypted(settings: &Settings, project: &Project) -> Result<BTreeMap<String, Value>, Failure> {
    let named: BTreeMap<_, _> =
        project.environment.releases.iter().flat_map(|r| &r.secrets).map(|(path, origin)| (path, origin)).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    if settings.closed {
        let closed = named.keys().filter_map(|path| Some((*path, project.tree.bytes(path)?)));
        let value =
            |(path, bytes): (&String, &[u8])| Ok((path.clone(), weft_sops::closed(bytes, &Arc::new(path.clone()))?));
        return closed.map(value).collect();
    }
    let identities = identities(settings, project)?;
    let values = pool::each(named, |(path, origin)| {
        Ok((path.clone(), weft_sops::decrypt_file(&project.tree, path, origin, &identities)?))
    })?;
    Ok(values.into_iter().collect())
}

/// The identities that this run may use.
pub(super) fn identities(settings: &Settings, project: &Project) -> Result<Identities, Failure> {
    let process = keys::Process::new(&|name| settings.variables.get(name).cloned());
    let declared = project.environment.identity.as_deref().map(|path| (&project.tree, path));
    Ok(keys::find(&keys::Sources { files: &settings.identities, project: declared, process: &process })?)
}
