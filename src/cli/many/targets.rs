//! Which environments a verb is about.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Looked;
use crate::cli::arguments::{ChangedArgs, ProjectArgs, SetArgs, SeveralArgs, TargetArgs, TargetsArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, changed, settings};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::plan::Plan;
use crate::plan::touched::TouchedReleases;
use crate::report::Report;
use crate::source::{ENVIRONMENTS, Source};
use crate::tree::Tree;
use crate::{pipeline, project};

/// Environments by name, each once, in the order asked for, and how they are worked on.
pub(in crate::cli) struct Names {
    /// The names.
    pub list: Vec<String>,
    /// How many are worked on at once, at most.
    pub parallel: usize,
    /// Whether the first failure ends all.
    pub fail_fast: bool,
}

/// Environments in their clusters.
pub(in crate::cli) struct Targets {
    /// The names of those that are worked on, and how.
    pub names: Names,
    working: Vec<TargetArgs>,
    /// All that were asked for.
    asked: Vec<String>,
    /// What is told of those that nothing is done about, since a change does not touch them.
    untouched: BTreeMap<String, Looked>,
}

/// What was asked for is not possible with several environments, or there are none.
#[derive(Debug, Error)]
enum TargetsError {
    /// `--all` finds nothing.
    #[error("the project has no environments")]
    None,
    /// A name that no environment has; perhaps a release of one that was named is meant.
    #[error("there is no environment `{name}`; nothing was done")]
    Unknown { name: String, known: Vec<String>, environment: Option<String> },
    /// Several where one is meant.
    #[error("{what} one environment, not of {count}")]
    Several { what: &'static str, count: usize },
}

impl Diagnose for TargetsError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None => "An environment is a folder `environments/NAME` with an `environment.yaml`.".into(),
            Self::Unknown { name, environment: Some(environment), .. } => {
                format!("Is the release `{name}` of `{environment}` meant? Say `-r {name}`.")
            }
            Self::Unknown { known, .. } => format!("There are {}.", known.join(", ")),
            Self::Several { .. } => "Run the command once for each environment.".into(),
        })
    }
}

impl Names {
    /// The environments that are named, or all that are places of their own.
    fn of(named: &[String], several: &SeveralArgs, project: &ProjectArgs) -> Result<Self, Failure> {
        if several.all {
            return Ok(Self::once(project::places(&tree(project)?)?, several));
        }
        let asked = Self::once(named.to_vec(), several);
        if asked.list.len() > 1 {
            asked.refuse_unknown(&tree(project)?)?;
        }
        Ok(asked)
    }

    /// The same, but all, also those that others only inherit from, where none is named and nothing else is said.
    pub fn or_all(named: &[String], several: &SeveralArgs, project: &ProjectArgs) -> Result<Self, Failure> {
        if named.is_empty() && !several.all {
            return Ok(Self::once(project::names(&tree(project)?), several));
        }
        Self::of(named, several, project)
    }

    /// Refuses a name that no environment has before anything is done about the others.
    fn refuse_unknown(&self, files: &Tree) -> Result<(), Failure> {
        let known = project::names(files);
        let Some(name) = self.list.iter().find(|it| !known.contains(it)) else { return Ok(()) };
        let has_release = |environment: &&String| {
            let environment = project::load(files, environment);
            environment.is_ok_and(|it| it.releases.iter().any(|release| *release.name == **name))
        };
        let environment = self.list.iter().filter(|it| known.contains(it)).find(has_release).cloned();
        Err(TargetsError::Unknown { name: name.clone(), known, environment }.into())
    }

    fn once(found: Vec<String>, several: &SeveralArgs) -> Self {
        let mut names: Vec<String> = Vec::new();
        for name in found {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let SeveralArgs { parallel, fail_fast, .. } = *several;
        Self { list: names, parallel, fail_fast }
    }
}

impl Targets {
    /// What the arguments ask for.
    pub fn of(args: &TargetsArgs) -> Result<Self, Failure> {
        let TargetsArgs { environments, several, select, project, cluster } = args;
        let names = Names::of(environments, several, project)?;
        if names.list.is_empty() {
            return Err(TargetsError::None.into());
        }
        let target = |environment: &String| TargetArgs {
            environment: environment.clone(),
            select: select.clone(),
            project: project.clone(),
            cluster: cluster.clone(),
        };
        let working = names.list.iter().map(target).collect();
        let asked = names.list.clone();
        Ok(Self { names, working, asked, untouched: BTreeMap::new() })
    }

    /// The only one that was asked for.
    pub fn one(&self) -> Option<&TargetArgs> {
        self.working.first().filter(|_| self.asked.len() == 1)
    }

    /// All that were asked for, in that order, each with what there is to tell of it where a change does not touch it.
    pub fn asked(&self) -> impl ExactSizeIterator<Item = (&str, Option<&Looked>)> {
        self.asked.iter().map(|name| (name.as_str(), self.untouched.get(name)))
    }

    /// The folder of their project in its repository: see [`settings::folder`].
    pub fn folder(&self) -> String {
        self.working.first().map(|it| settings::folder(&it.project)).unwrap_or_default()
    }

    /// All, each with its name.
    pub fn items(&self) -> Vec<(&str, &TargetArgs)> {
        self.working.iter().map(|target| (target.environment.as_str(), target)).collect()
    }

    /// The same, but only what a change touches. Nothing is done about an environment of which nothing is touched.
    pub fn changed(mut self, args: &ChangedArgs, set: &SetArgs, terminal: &Terminal) -> Result<Self, Failure> {
        let Some(first) = self.working.first() else { return Ok(self) };
        let project = first.project.clone();
        let select = first.select.clone();
        let touched = changed::touched(&self.names.list, args, &project, (&select, set), terminal)?;
        let Some(mut touched) = touched else { return Ok(self) };
        let mut targets = Vec::new();
        for target in self.working {
            match touched.remove(&target.environment) {
                Some(change) if change.touched.is_empty() => {
                    self.untouched.insert(target.environment, nothing_to_do(change.touched)?);
                }
                Some(change) => targets.push(TargetArgs { select: changed::selected(change), ..target }),
                None => targets.push(target),
            }
        }
        self.names.list.retain(|name| targets.iter().any(|it| it.environment == *name));
        self.working = targets;
        Ok(self)
    }

    /// Whether there are none, since nothing is touched.
    pub fn is_empty(&self) -> bool {
        self.working.is_empty()
    }

    /// Refuses several, which `what` does not go with: `a plan is saved of`.
    pub fn only(&self, what: &'static str) -> Result<(), Failure> {
        match self.working.len() {
            1 => Ok(()),
            count => Err(TargetsError::Several { what, count }.into()),
        }
    }
}

/// What is told of an environment of which nothing is touched.
fn nothing_to_do(touched: TouchedReleases) -> Result<Looked, Failure> {
    let plan = Plan { environment: touched.environment.clone(), ..Plan::default() };
    let report = Report { plan, touched: Some(touched), ..Report::default() };
    Ok(Looked { report, key: pipeline::fresh_key()?, exit: Exit::Done })
}

fn tree(project: &ProjectArgs) -> Result<Tree, Failure> {
    let source = Source::open(&settings::absolute(&project.project), project.at.as_deref())?;
    Ok(source.read([ENVIRONMENTS])?)
}
