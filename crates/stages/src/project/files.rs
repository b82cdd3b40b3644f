//! What an environment needs of the repository beside `environments/`, and whether it is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::ProjectError;
use super::{Environment, PatchContent, Release, ReleaseSource, ValuesLayer};
use weft_base::diagnostic::Place;
use weft_base::diagnostic::nearest;
use weft_base::tree::{Tree, TreeError};
use weft_base::value::Origin;

/// The folders and files that the environment's releases need beside `environments/`, sorted and none below another.
/// For a chart in a folder `charts` this is that folder as a whole, as charts may use library charts beside them.
///
/// Key files and kubeconfigs are not among them: `keys` and `cluster` read those themselves.
pub fn folders(environment: &Environment) -> Vec<String> {
    let mut all = BTreeSet::from(["environments".to_owned()]);
    for release in &environment.releases {
        all.insert(match &release.source {
            ReleaseSource::Chart(folder) if folder.starts_with("charts/") => "charts".to_owned(),
            ReleaseSource::Chart(folder) => beside(folder).to_owned(),
            ReleaseSource::Manifests(folder) | ReleaseSource::Kustomization(folder) => folder.clone(),
        });
        all.extend(files(release).map(|(path, _)| path.to_owned()));
    }
    all.extend(environment.remote.iter().flat_map(|it| it.verify.files()).cloned());
    if all.contains("") {
        return vec![String::new()];
    }
    let below = |path: &str| path.match_indices('/').any(|(at, _)| all.contains(&path[..at]));
    all.iter().filter(|path| *path != "environments" && !below(path)).cloned().collect()
}

/// The folder `charts` that a chart is in, with the library charts that it may use, or else the chart itself.
fn beside(chart: &str) -> &str {
    match chart.rsplit_once('/') {
        // An archive has its libraries in it.
        _ if Path::new(chart).extension().is_some_and(|it| it == "tgz") => chart,
        Some((above, _)) if above.ends_with("/charts") => above,
        _ => chart,
    }
}

/// Finds every reference of the environment's releases that leads nowhere, once the [`folders`] are in the tree.
pub fn check(environment: &Environment, tree: &Tree) -> Result<(), ProjectError> {
    for release in &environment.releases {
        check_source(release, tree)?;
        for (path, origin) in files(release) {
            tree.text(path).map_err(|source| unreadable(release, path, origin, source, tree))?;
        }
    }
    Ok(())
}

/// The files of values and secrets of a release, with the places where they were named.
fn files(release: &Release) -> impl Iterator<Item = (&str, &Origin)> {
    let values = release.values.iter().filter_map(|layer| match layer {
        ValuesLayer::File(path, origin) | ValuesLayer::Template(path, origin) => Some((path.as_str(), origin)),
        ValuesLayer::Inline(_) => None,
    });
    let patches = release.patches.iter().filter_map(|patch| match &patch.content {
        PatchContent::File(path) => Some((path.as_str(), &patch.origin)),
        PatchContent::Fields(_) | PatchContent::Text(..) => None,
    });
    values.chain(release.secrets.iter().map(|(path, origin)| (path.as_str(), origin))).chain(patches)
}

fn check_source(release: &Release, tree: &Tree) -> Result<(), ProjectError> {
    let (what, path) = match &release.source {
        ReleaseSource::Chart(folder) => ("chart", folder),
        ReleaseSource::Manifests(folder) => ("folder of manifests", folder),
        ReleaseSource::Kustomization(folder) => ("kustomization", folder),
    };
    let there = tree.has_folder(path) || (what != "chart" && tree.contains(path));
    if there {
        return Ok(());
    }
    let folders: BTreeSet<&str> =
        tree.paths().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at])).collect();
    Err(ProjectError::NoSource {
        release: release.name.to_string(),
        what,
        path: path.clone(),
        nearest: nearest(path, folders).map(str::to_owned),
        place: Place::of_word(tree, &release.source_origin),
    })
}

fn unreadable(release: &Release, path: &str, origin: &Origin, source: TreeError, tree: &Tree) -> ProjectError {
    if !matches!(source, TreeError::Missing { .. }) {
        return source.into();
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = tree.paths().filter(|other| other.rsplit_once('/').is_some_and(|(other, _)| other == folder));
    ProjectError::File {
        user: format!("release `{}`", release.name),
        nearest: nearest(path, beside).map(str::to_owned),
        place: Place::of_word(tree, origin),
        source,
    }
}
