//! `weft sources`: charts from elsewhere, locked, renewed and vendored.

use std::fs;

use clap::{Args, Subcommand};

use super::arguments::{ProjectArgs, SelectArgs, SetArgs};
use super::terminal::Terminal;
use super::{Exit, FileError, files, settings};
use crate::diagnostic::{Failure, counted};
use crate::pipeline::{self, LockResult, Renew};
use crate::project::{self, VENDOR};
use crate::source::{ENVIRONMENTS, Source};

#[derive(Debug, Args)]
pub(super) struct SourcesArgs {
    #[command(subcommand)]
    verb: SourcesVerb,
}

#[derive(Debug, Subcommand)]
enum SourcesVerb {
    Lock(LockArgs),
    Update(UpdateArgs),
    Vendor(VendorArgs),
}

/// Look for the charts that are not locked yet, check their signatures, and write `sources.lock`.
#[derive(Debug, Args)]
struct LockArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Write nothing, and end with 2 where something would be written.
    #[arg(long)]
    check: bool,
}

/// Look for charts again: the newest version that fits, the commit that a branch is at now.
#[derive(Debug, Args)]
struct UpdateArgs {
    /// The environment.
    environment: String,
    /// Only charts of these names.
    charts: Vec<String>,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Write the archives of locked charts into `vendor/`, and those that charts depend on into their `charts/`, so that
/// a run needs neither the network nor a cache. Those that no environment takes any more are removed.
#[derive(Debug, Args)]
struct VendorArgs {
    #[command(flatten)]
    which: WhichArgs,
}

#[derive(Debug, Args)]
struct WhichArgs {
    /// The environments; all of them where none is named.
    environments: Vec<String>,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &SourcesArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        SourcesVerb::Lock(args) => lock(args, terminal),
        SourcesVerb::Update(UpdateArgs { environment, charts, project }) => {
            let (settings, relocked) = relocked(environment, project, &Renew::Named(charts.clone()))?;
            written(&settings, &relocked, terminal)?;
            Ok(Exit::Done)
        }
        SourcesVerb::Vendor(args) => vendor(args, terminal),
    }
}

fn lock(args: &LockArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for environment in args.which.names()? {
        let (settings, relocked) = relocked(&environment, &args.which.project, &Renew::Missing)?;
        if !args.check {
            written(&settings, &relocked, terminal)?;
            continue;
        }
        tell(&relocked, terminal)?;
        if !relocked.changes.is_empty() {
            exit = Exit::Differences;
        }
    }
    Ok(exit)
}

fn vendor(args: &VendorArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let source = args.which.source()?;
    for environment in args.which.names()? {
        let settings = of(&environment, &args.which.project)?;
        let archives = pipeline::vendored(&settings)?;
        for (path, bytes) in &archives {
            files::write(&settings.source.writable_root()?.join(path), bytes)?;
            terminal.print(&format!("{path}\n"))?;
        }
        terminal.say(&format!("{environment}: {} in `{VENDOR}/` and `charts/`", counted(archives.len(), "archive")));
    }
    for path in pipeline::outdated(&source)? {
        let place = source.root().join(&path);
        fs::remove_file(&place).map_err(|source| FileError::Write { path: place, source })?;
        terminal.say(&format!("removed {path}, which no environment takes any more"));
    }
    Ok(Exit::Done)
}

impl WhichArgs {
    fn names(&self) -> Result<Vec<String>, Failure> {
        if !self.environments.is_empty() {
            return Ok(self.environments.clone());
        }
        Ok(project::names(&self.source()?.read([ENVIRONMENTS])?))
    }

    fn source(&self) -> Result<Source, Failure> {
        Ok(Source::open(&settings::absolute(&self.project.project), self.project.at.as_deref())?)
    }
}

fn of(environment: &str, project: &ProjectArgs) -> Result<pipeline::Settings, Failure> {
    settings::offline(environment, project, &SelectArgs::default(), &SetArgs::default())
}

fn relocked(
    environment: &str,
    project: &ProjectArgs,
    renew: &Renew,
) -> Result<(pipeline::Settings, LockResult), Failure> {
    let settings = of(environment, project)?;
    let relocked = pipeline::lock(&settings, renew)?;
    Ok((settings, relocked))
}

/// Writes a lock file that is another one than before.
fn written(settings: &pipeline::Settings, relocked: &LockResult, terminal: &Terminal) -> Result<(), Failure> {
    let root = settings.source.writable_root()?;
    if !relocked.changes.is_empty() {
        let path = root.join(&relocked.path);
        match &relocked.text {
            Some(text) => files::write(&path, text)?,
            None => fs::remove_file(&path).map_err(|source| FileError::Write { path: path.clone(), source })?,
        }
    }
    tell(relocked, terminal)
}

fn tell(relocked: &LockResult, terminal: &Terminal) -> Result<(), Failure> {
    let path = &relocked.path;
    relocked.changes.iter().try_for_each(|line| terminal.print(&format!("{line}\n")))?;
    terminal.say(&match relocked.changes.len() {
        0 => format!("{path}: up to date"),
        many => format!("{path}: {}", counted(many, "change")),
    });
    Ok(())
}
