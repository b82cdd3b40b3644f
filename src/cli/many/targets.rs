//! Which environments a verb is about.

use thiserror::Error;

use crate::cli::arguments::{ChangedArgs, ProjectArgs, SetArgs, SeveralArgs, TargetArgs, TargetsArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{changed, settings};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::plan::touched::Touched;
use crate::project;
use crate::source::{ENVIRONMENTS, Source};

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
    /// Their names, and how they are worked on.
    pub names: Names,
    targets: Vec<TargetArgs>,
}

/// What was asked for is not possible with several environments, or there are none.
#[derive(Debug, Error)]
enum TargetsError {
    /// `--all` finds nothing.
    #[error("the project has no environments")]
    None,
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
            Self::Several { .. } => "Run the command once for each environment.".into(),
        })
    }
}

impl Names {
    /// The environments that are named, or all that are places of their own.
    fn of(named: &[String], several: &SeveralArgs, project: &ProjectArgs) -> Result<Self, Failure> {
        let found = if several.all { project::places(&tree(project)?)? } else { named.to_vec() };
        Ok(Self::once(found, several))
    }

    /// The same, but all, also those that others only inherit from, where none is named and nothing else is said.
    pub fn or_all(named: &[String], several: &SeveralArgs, project: &ProjectArgs) -> Result<Self, Failure> {
        if named.is_empty() && !several.all {
            return Ok(Self::once(project::names(&tree(project)?), several));
        }
        Self::of(named, several, project)
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
        let targets = names.list.iter().map(target).collect();
        Ok(Self { names, targets })
    }

    /// The only one.
    pub fn one(&self) -> Option<&TargetArgs> {
        if let [only] = self.targets.as_slice() { Some(only) } else { None }
    }

    /// The folder of their project in its repository: see [`settings::folder`].
    pub fn folder(&self) -> String {
        self.targets.first().map(|it| settings::folder(&it.project)).unwrap_or_default()
    }

    /// All, each with its name.
    pub fn items(&self) -> Vec<(&str, &TargetArgs)> {
        self.targets.iter().map(|target| (target.environment.as_str(), target)).collect()
    }

    /// The same, but only what a change touches. An environment of which nothing is touched is left out, with what there
    /// is to tell of it.
    pub fn changed(
        mut self,
        args: &ChangedArgs,
        set: &SetArgs,
        terminal: &Terminal,
    ) -> Result<(Self, Vec<Touched>), Failure> {
        let Some(first) = self.targets.first() else { return Ok((self, Vec::new())) };
        let (project, select) = (first.project.clone(), first.select.clone());
        let touched = changed::touched(&self.names.list, args, &project, (&select, set), terminal)?;
        let Some(mut touched) = touched else { return Ok((self, Vec::new())) };
        let mut untouched = Vec::new();
        let mut targets = Vec::new();
        for target in self.targets {
            match touched.remove(&target.environment) {
                Some(touched) if touched.is_empty() => untouched.push(touched),
                Some(touched) => targets.push(TargetArgs { select: changed::selected(touched), ..target }),
                None => targets.push(target),
            }
        }
        self.names.list.retain(|name| targets.iter().any(|it| it.environment == *name));
        self.targets = targets;
        Ok((self, untouched))
    }

    /// Whether there are none, since nothing is touched.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Refuses several, which `what` does not go with: `a plan is saved of`.
    pub fn only(&self, what: &'static str) -> Result<(), Failure> {
        match self.targets.len() {
            1 => Ok(()),
            count => Err(TargetsError::Several { what, count }.into()),
        }
    }
}

fn tree(project: &ProjectArgs) -> Result<crate::tree::Tree, Failure> {
    let source = Source::open(&settings::absolute(&project.project), project.at.as_deref())?;
    Ok(source.read([ENVIRONMENTS])?)
}
