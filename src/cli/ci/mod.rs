//! `weft ci`: the whole job of a pull request, of a merge and of a schedule, each one command.

mod apply;
mod artefact;
mod drift;
mod here;
mod listen;
mod look;
mod page;
mod plan;
mod tell;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Exit;
use super::arguments::{ClusterArgs, ProjectArgs, SelectArgs, SeveralArgs, TargetArgs};
use super::terminal::Terminal;
use crate::diagnostic::Failure;

#[derive(Debug, Args)]
pub(super) struct CiArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Drift(drift::DriftArgs),
    Listen(listen::ListenArgs),
}

// What the jobs have in common.
#[derive(Clone, Debug, Args)]
struct JobArgs {
    /// The environments, in place of those that the change touches.
    #[arg(value_name = "ENVIRONMENT")]
    environments: Vec<String>,
    #[command(flatten)]
    several: SeveralArgs,
    /// What the change goes into, in place of what the job says.
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// The change, in place of what the job says.
    #[arg(long, value_name = "REVISION")]
    head: Option<String>,
    /// Send nothing to the forge and change nothing: print what would be sent.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl JobArgs {
    /// The project's folder.
    fn folder(&self) -> PathBuf {
        super::settings::absolute(&self.project.project)
    }

    /// The project as a commit has it.
    fn at(&self, revision: &str) -> ProjectArgs {
        ProjectArgs { at: Some(revision.to_owned()), ..self.project.clone() }
    }

    /// An environment as a commit has it.
    fn target(&self, environment: &str, revision: &str) -> TargetArgs {
        TargetArgs {
            environment: environment.to_owned(),
            select: SelectArgs::default(),
            project: self.at(revision),
            cluster: self.cluster.clone(),
        }
    }
}

pub(super) fn run(args: &CiArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Plan(args) => plan::run(args, terminal),
        Verb::Apply(args) => apply::run(args, terminal),
        Verb::Drift(args) => drift::run(args, terminal),
        Verb::Listen(args) => listen::run(args, terminal),
    }
}
