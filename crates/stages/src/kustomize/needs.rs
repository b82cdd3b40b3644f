//! The folders and charts that a kustomization names.

use std::sync::Arc;

use super::files::{Root, is_web};
use super::read::Target;
use super::remote::Remote;
use super::spec::{HelmChart, Kustomization, NAMES};
use crate::project::ChartPlace;
use weft_base::tree::Tree;
use weft_base::value::Origin;

/// The kustomizations at and below a folder that no other one there names: what is built of them.
pub fn overlays(tree: &Tree, folder: &str) -> Vec<String> {
    let files: Arc<Tree> = Arc::new(tree.clone());
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut found = Vec::new();
    let mut named = Vec::new();
    for path in tree.paths().filter(|path| path.starts_with(&prefix)) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !NAMES.contains(&name) {
            continue;
        }
        let root =
            Root { files: files.clone(), folder: folder.to_owned(), remote: None, unrestricted: false, parent: None };
        let Ok(target) = Target::load(Arc::new(root), &Origin::default()) else { continue };
        let spec = &target.spec;
        let paths = spec.resources.iter().chain(&spec.components).filter(|it| Remote::parse(it).is_none());
        named.extend(paths.map(|path| target.root.join(path)));
        if !spec.is_component() {
            found.push(folder.to_owned());
        }
    }
    found.retain(|folder| !named.contains(folder));
    found
}

/// The folders and files that the kustomization of a folder is made of: its own folder, and what it and those that it
/// names name.
pub fn folders(tree: &Tree, folder: &str) -> Vec<String> {
    let mut charts = Vec::new();
    let mut visit = |target: &Target| {
        let of = |it| ChartFolder::of(&target.root, target.chart_home(), it).folder;
        charts.extend(target.spec.helm_charts.iter().map(of));
    };
    let mut all = walk(tree, folder, &mut visit, &mut |_| {});
    all.append(&mut charts);
    all
}

/// The folders and files beside its own that the kustomization of a folder names, and that are not in `tree`. With those
/// in the tree it may name more. One that cannot be read names nothing here; building it says why.
pub fn needs(tree: &Tree, folder: &str) -> Vec<String> {
    let mut missing = Vec::new();
    walk(tree, folder, &mut |_| {}, &mut |path| missing.push(path));
    missing
}

/// A chart that a kustomization names and that is not beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartNeed {
    /// Where it is.
    pub place: ChartPlace,
    /// Where it is named.
    pub origin: Origin,
}

/// The charts from elsewhere that the kustomization of a folder, and those that it names, want in `helmCharts`.
pub fn charts(tree: &Tree, folder: &str) -> Vec<ChartNeed> {
    let mut found: Vec<ChartNeed> = Vec::new();
    let mut visit = |target: &Target| {
        for (at, chart) in target.spec.helm_charts.iter().enumerate() {
            let folder = ChartFolder::of(&target.root, target.chart_home(), chart);
            let Some(place) = folder.remote.filter(|_| !tree.has_folder(&folder.folder)) else { continue };
            if found.iter().all(|it| it.place != place) {
                found.push(ChartNeed { place, origin: target.origin("helmCharts", at) });
            }
        }
    };
    walk(tree, folder, &mut visit, &mut |_| {});
    found
}

/// What the kustomization of a folder, and those that it names, read elsewhere, and that may be another thing each time:
/// files, and folders of repositories but at a commit.
pub fn elsewhere(tree: &Tree, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_commit = |it: &str| it.len() == 40 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut visit = |target: &Target| {
        let spec = &target.spec;
        let named = [&spec.resources, &spec.components, &spec.configurations, &spec.crds].into_iter().flatten();
        let patches = spec.patches.iter().chain(&spec.patches_json6902).map(|it| &it.path);
        for path in named.chain(patches).chain(spec.openapi.get("path")) {
            let moves = match Remote::parse(path) {
                Some(remote) => !remote.reference.as_deref().is_some_and(is_commit),
                None => is_web(path),
            };
            if moves && !found.contains(path) {
                found.push(path.clone());
            }
        }
    };
    walk(tree, folder, &mut visit, &mut |_| {});
    found
}

/// Visits the kustomizations that one leads to, itself among them, and tells the paths that are not in the tree; all that
/// it leads to.
fn walk(tree: &Tree, folder: &str, visit: &mut dyn FnMut(&Target), missing: &mut dyn FnMut(String)) -> Vec<String> {
    let mut seen = vec![folder.to_owned()];
    let mut waiting = seen.clone();
    let files: Arc<Tree> = Arc::new(tree.clone());
    while let Some(folder) = waiting.pop() {
        let root = Root { files: files.clone(), folder, remote: None, unrestricted: false, parent: None };
        let Ok(target) = Target::load(Arc::new(root), &Origin::default()) else { continue };
        visit(&target);
        let spec = &target.spec;
        let paths = [&spec.resources, &spec.components, &spec.generators, &spec.transformers, &spec.validators];
        let elsewhere = |it: &str| is_web(it) || Remote::parse(it).is_some();
        for path in paths.into_iter().flatten().filter(|it| !elsewhere(it) && !it.contains('\n')) {
            let path = target.root.join(path);
            if seen.contains(&path) {
                continue;
            }
            seen.push(path.clone());
            if tree.has_folder(&path) {
                waiting.push(path);
            } else if !tree.contains(&path) && !path.is_empty() {
                missing(path);
            }
        }
        for path in single_files(spec).filter(|it| !elsewhere(it) && !it.contains('\n') && !it.is_empty()) {
            let path = target.root.join(path);
            if !seen.contains(&path) {
                seen.push(path.clone());
                if !tree.contains(&path) {
                    missing(path);
                }
            }
        }
    }
    seen
}

/// The files beside resources that a kustomization names. Without a load restrictor they may be anywhere.
fn single_files(spec: &Kustomization) -> impl Iterator<Item = &str> {
    let patches = spec.patches.iter().chain(&spec.patches_json6902).map(|it| &it.path);
    let lists = [&spec.patches_strategic_merge, &spec.crds, &spec.configurations].into_iter().flatten();
    let replacements = spec.replacements.iter().map(|it| &it.path);
    let generators = spec.config_map_generator.iter().chain(&spec.secret_generator);
    let generated = generators.flat_map(|it| it.files.iter().chain(&it.envs).chain([&it.env]));
    let values = spec.helm_charts.iter().flat_map(|it| it.additional_values_files.iter().chain([&it.values_file]));
    let all = patches.chain(lists).chain(replacements).chain(generated).chain(values).chain(spec.openapi.get("path"));
    // `KEY=FILE` names a file under another key.
    all.map(|it| it.split_once('=').map_or(it.as_str(), |(_, path)| path))
}

/// Where a chart lies, as kustomize looks for it.
#[derive(Debug)]
pub struct ChartFolder {
    /// The folder, whether it is there or not.
    pub folder: String,
    /// Where it is brought from where it is not there.
    pub remote: Option<ChartPlace>,
}

impl ChartFolder {
    /// That of a chart of a kustomization; `home` is `helmGlobals.chartHome`.
    pub fn of(root: &Root, home: &str, chart: &HelmChart) -> Self {
        let home = if home.is_empty() { "charts" } else { home };
        let HelmChart { name, version, repo, .. } = chart;
        let folder = if version.is_empty() || repo.is_empty() {
            root.join(&format!("{home}/{name}"))
        } else {
            root.join(&format!("{home}/{name}-{version}/{name}"))
        };
        let version = match (version.as_str(), chart.devel) {
            ("", false) => ">0.0.0",
            ("", true) => ">0.0.0-0",
            (version, _) => version,
        };
        let repo = repo.trim_end_matches('/').to_owned();
        let place = || ChartPlace::named(repo.clone(), name.clone(), version.to_owned());
        Self { folder, remote: (!repo.is_empty()).then(place) }
    }
}
