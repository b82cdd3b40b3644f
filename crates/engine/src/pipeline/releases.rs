//! From files to the values of each release, secrets decrypted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::kustomize::{IdentitySource, OpenedFiles, ProjectFiles, stays_closed};
use super::{Project, Settings, pool};
use crate::keys;
use crate::source::charts::Charts;
use crate::trust::Trust;
use weft_base::diagnostic::Failure;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::Targeted;
use weft_sops::Identities;
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
    let files: BTreeMap<Arc<str>, Arc<dyn Files>> = files_of_each(settings, project);
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
        let files =
            files.get(&release.name).map_or_else(|| Arc::new(project.tree.clone()) as Arc<dyn Files>, Arc::clone);
        Ok(ReleaseValues { values: values::merge(layers), chart, release, files, patches })
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
                (vec![opened(settings, project, path, origin)?], None)
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

/// The files for each release. What comes from elsewhere comes once for all; a closed run, which brings nothing, notes for
/// each release what it needed.
fn files_of_each(settings: &Settings, project: &Project) -> BTreeMap<Arc<str>, Arc<dyn Files>> {
    let shared = files(settings, project);
    let is_closed = settings.trust.is_closed();
    let own = || if is_closed { files(settings, project) } else { Arc::clone(&shared) };
    project.environment.releases.iter().map(|it| (Arc::clone(&it.name), own())).collect()
}

/// The files of the project, of which a kustomization may read encrypted ones.
fn files(settings: &Settings, project: &Project) -> Arc<dyn Files> {
    let shared = ProjectFiles {
        tree: project.tree.clone(),
        charts: Charts::new(&settings.trust),
        lock: project.environment.lock.clone(),
        withheld: Mutex::default(),
    };
    let trust = settings.trust.clone();
    match trust.keys() {
        Ok(_) => Arc::new(OpenedFiles::new(Arc::new(shared), find(settings, project))),
        Err(_) => Arc::new(OpenedFiles::closed(Arc::new(shared), trust)),
    }
}

fn find(settings: &Settings, project: &Project) -> IdentitySource {
    let paths = settings.identities.clone();
    let trust = settings.trust.clone();
    let tree = project.tree.clone();
    let declared = project.environment.identity.clone();
    Box::new(move || found(&trust, &paths, declared.as_deref().map(|path| (&tree, path))))
}

fn found(trust: &Trust, files: &[PathBuf], project: Option<(&Tree, &str)>) -> Result<Identities, Failure> {
    let access = trust.keys()?;
    let variables = trust.environment()?;
    let process = keys::Process::new(&|name| variables.get(name).cloned());
    Ok(keys::find(&keys::Sources { files, project, process: &process }, access)?)
}

fn decrypted(settings: &Settings, project: &Project) -> Result<BTreeMap<String, Value>, Failure> {
    let named: BTreeMap<_, _> =
        project.environment.releases.iter().flat_map(|r| &r.secrets).map(|(path, origin)| (path, origin)).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let identities = settings.trust.keys().is_ok().then(|| identities(settings, project)).transpose()?;
    let trust = &settings.trust;
    let tree = &project.tree;
    let values = pool::each(named, |(path, origin)| {
        Ok((path.clone(), opened_with(trust, tree, path, origin, identities.as_ref())?))
    })?;
    Ok(values.into_iter().collect())
}

/// What an encrypted file holds, as far as this run may know it.
fn opened(settings: &Settings, project: &Project, path: &str, origin: &Origin) -> Result<Value, Failure> {
    let identities = settings.trust.keys().is_ok().then(|| identities(settings, project)).transpose()?;
    opened_with(&settings.trust, &project.tree, path, origin, identities.as_ref())
}

fn opened_with(
    trust: &Trust,
    tree: &Tree,
    path: &str,
    origin: &Origin,
    identities: Option<&Identities>,
) -> Result<Value, Failure> {
    match (identities, tree.bytes(path)) {
        (None, Some(bytes)) => {
            trust.skip(stays_closed(path));
            Ok(weft_sops::closed(bytes, &Arc::new(path.to_owned()))?)
        }
        _ => Ok(weft_sops::decrypt_file(tree, path, origin, identities.unwrap_or(&Identities::default()))?),
    }
}

/// The identities that this run may use.
pub(super) fn identities(settings: &Settings, project: &Project) -> Result<Identities, Failure> {
    let declared = project.environment.identity.as_deref().map(|path| (&project.tree, path));
    found(&settings.trust, &settings.identities, declared)
}
