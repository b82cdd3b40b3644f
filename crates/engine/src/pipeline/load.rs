//! From files to an environment with its inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::state::ReleaseScope;
use super::{Settings, State, sources};
use crate::source::{Commit, ENVIRONMENTS, Source};
use weft_base::diagnostic::Failure;
use weft_base::tree::Tree;
use weft_sops::RULES;
use weft_stages::chart::RenderOptions;
use weft_stages::kustomize;
use weft_stages::policy;
use weft_stages::project::{self, Environment, Owner, Release, ReleaseSource, Repository};

/// An environment with all files that it names.
pub struct Project {
    /// The environment, with the releases that were selected.
    pub environment: Environment,
    /// All its releases, selected or not.
    pub whole: Environment,
    /// The files: `environments/`, what the releases name, and the rules of secrets.
    pub tree: Tree,
    /// The declared inputs, read.
    pub inputs: BTreeMap<String, String>,
    /// The commit that the files belong to.
    pub commit: Option<Commit>,
    /// When it was made, in seconds since 1970; 0 without one.
    pub time: i64,
    /// The releases that the run is about as well, though only an inventory can have them.
    pub left: Vec<String>,
    /// Its folder in its git repository: see [`Source::folder`].
    pub folder: String,
    /// The releases that a closed run takes out, as their charts are not at hand.
    pub left_out: Vec<Arc<str>>,
    /// What tells its repository from copies of it.
    pub repository: Repository,
    /// The conditions of enabled releases that do not hold, by release.
    pub conditions: BTreeMap<String, String>,
}

/// Reads the environment's files, and then the files that it names.
pub fn project(settings: &Settings) -> Result<Project, Failure> {
    let alone = |environment, selection: &project::Selection, inputs: &_| {
        Ok((project::select(environment, selection, inputs)?, selection.gone.clone()))
    };
    read(settings, alone)
}

/// The same for what the cluster has: releases that only an inventory knows can be selected as well.
pub(super) fn with_removed(settings: &Settings) -> Result<Project, Failure> {
    read(settings, project::select_any)
}

/// What the files of a source declare, before anything is selected.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The root of the project, and the commit that its files were read from.
    source: (PathBuf, Option<String>),
    environment: Environment,
    tree: Tree,
    inputs: BTreeMap<String, String>,
    commit: Option<Commit>,
    time: i64,
    folder: String,
    left_out: Vec<Arc<str>>,
    repository: Repository,
}

/// The selected releases that there are: one that is asked for by name may be missing. `None` where the source does not
/// have the environment.
pub(super) fn those_there(settings: &Settings) -> Result<Option<Project>, Failure> {
    declared_there(settings)?.map(|it| it.those_there(&settings.selection)).transpose()
}

/// What the source declares of the environment; `None` where it does not have it.
pub(super) fn declared_there(settings: &Settings) -> Result<Option<Declared>, Failure> {
    let files = settings.source.read([ENVIRONMENTS])?;
    if !project::names(&files).contains(&settings.environment) {
        return Ok(None);
    }
    declared(settings, files).map(Some)
}

type Select = fn(
    Environment,
    &project::Selection,
    &BTreeMap<String, String>,
) -> Result<(Environment, Vec<String>), project::ProjectError>;

/// All releases, whatever is selected.
fn all(
    environment: Environment,
    _: &project::Selection,
    inputs: &BTreeMap<String, String>,
) -> Result<(Environment, Vec<String>), project::ProjectError> {
    Ok((project::select(environment, &project::Selection::default(), inputs)?, Vec::new()))
}

fn read(settings: &Settings, select: Select) -> Result<Project, Failure> {
    let declared = match &settings.declared {
        Some(known) if known.is_of(settings) => Declared::clone(known),
        _ => declared(settings, settings.source.read([ENVIRONMENTS])?)?,
    };
    declared.project(&settings.selection, select)
}

fn declared(settings: &Settings, files: Tree) -> Result<Declared, Failure> {
    let mut environment = project::load(&files, &settings.environment)?;
    let inputs = inputs(settings, &environment)?;
    let folders = project::folders(&environment);
    let named = folders.iter().chain(&environment.identity).map(String::as_str).chain([RULES, policy::FOLDER]);
    let named = files.with(settings.source.read(named)?);
    let tree = with_bases(&settings.source, &environment, named)?;
    let (tree, left_out) = sources::brought(settings, &mut environment, tree)?;
    project::check(&environment, &tree)?;
    let time = settings.source.time()?.unwrap_or_default();
    Ok(Declared {
        source: origin(settings),
        environment,
        tree,
        inputs,
        commit: settings.source.commit()?,
        time,
        folder: settings.source.folder(),
        left_out,
        repository: settings.source.repository()?,
    })
}

/// The declared inputs. A closed run takes no variable for them.
fn inputs(settings: &Settings, environment: &Environment) -> Result<BTreeMap<String, String>, Failure> {
    if let Ok(variables) = settings.trust.environment() {
        return Ok(project::inputs(environment, &|name| variables.get(name).cloned())?);
    }
    for name in project::without_default(environment) {
        settings.trust.skip(format!("The input `{name}` is a stand-in: a closed run reads no variable."));
    }
    Ok(project::stand_ins(environment))
}

/// The conditions of releases that are not there because of them.
fn unmet(all: &Environment, there: &Environment) -> BTreeMap<String, String> {
    let is_there = |it: &&Release| there.releases.iter().any(|other| other.name == it.name);
    let missing = all.releases.iter().filter(|it| !is_there(it));
    missing.filter_map(|it| Some((it.name.to_string(), it.when.as_ref()?.0.clone()))).collect()
}

/// Where files come from.
fn origin(settings: &Settings) -> (PathBuf, Option<String>) {
    (settings.source.root().to_path_buf(), settings.source.revision())
}

impl Declared {
    /// Whether it is what these settings are about.
    fn is_of(&self, settings: &Settings) -> bool {
        self.source == origin(settings) && self.environment.name == settings.environment
    }

    pub(super) fn those_there(self, selection: &project::Selection) -> Result<Project, Failure> {
        let mut found = self.project(selection, all)?;
        let labelled = |it: &Release| selection.labels.iter().all(|(key, value)| it.labels.get(key) == Some(value));
        let asked = |it: &Release| {
            let mut names = selection.releases.iter().chain(&selection.gone).peekable();
            names.peek().is_none() || names.any(|name| **name == *it.name)
        };
        found.environment.releases.retain(|it| labelled(it) && asked(it));
        Ok(found)
    }

    fn project(self, selection: &project::Selection, select: Select) -> Result<Project, Failure> {
        let Self { environment, tree, inputs, commit, time, folder, left_out, repository, .. } = self;
        let whole = project::select(environment.clone(), &project::Selection::default(), &inputs)?;
        let conditions = unmet(&environment, &whole);
        let (environment, left) = select(environment, selection, &inputs)?;
        Ok(Project { environment, whole, tree, inputs, commit, time, left, folder, left_out, repository, conditions })
    }
}

/// The tree with the folders that kustomizations name, and those that these name.
pub(super) fn with_bases(source: &Source, environment: &Environment, mut tree: Tree) -> Result<Tree, Failure> {
    for release in &environment.releases {
        let ReleaseSource::Kustomization(folder) = &release.source else { continue };
        let mut asked = BTreeSet::new();
        loop {
            let needs = kustomize::needs(&tree, folder).into_iter().filter(|it| asked.insert(it.clone()));
            let needs: Vec<String> = needs.collect();
            if needs.is_empty() {
                break;
            }
            tree = tree.with(source.read(needs.iter().map(String::as_str))?);
        }
    }
    Ok(tree)
}

impl Project {
    /// Whose state an apply writes; `None` for a project without an identity.
    pub(super) fn owner(&self) -> Option<Owner> {
        let id = self.environment.project.clone()?;
        Some(Owner { id, repository: self.repository.clone() })
    }

    /// Where what templates make up comes from without a cluster.
    pub fn making(&self) -> RenderOptions {
        RenderOptions { now: self.time, ..RenderOptions::default() }
    }

    /// The releases that a run is about. One that only an inventory knows belongs to every run without a selection.
    pub(super) fn about(&self, settings: &Settings) -> ReleaseScope {
        let named = || self.environment.releases.iter().map(|it| Arc::clone(&it.name));
        let left = || self.left.iter().map(|it| Arc::from(it.as_str()));
        (!settings.selection.is_all()).then(|| named().chain(left()).collect())
    }

    /// Refuses a release that neither the repository nor an inventory has.
    pub(super) fn refuse_unknown(&self, settings: &Settings, state: &State) -> Result<(), Failure> {
        if self.left.iter().all(|name| state.knows(name)) {
            return Ok(());
        }
        let releases = settings.selection.releases.iter().filter(|it| !state.knows(it)).cloned().collect();
        let selection = project::Selection { releases, ..project::Selection::default() };
        project::select(self.whole.clone(), &selection, &self.inputs)?;
        Ok(())
    }
}
