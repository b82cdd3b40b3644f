//! `weft apply`.

use clap::Args;

use super::arguments::{ClusterArgs, Format, ProjectArgs, ReleaseArgs};
use super::planning::GuardArgs;
use super::terminal::Terminal;
use super::{Exit, acting, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline;

/// Plan, show the plan, ask, and apply exactly what was shown. Waits until everything is healthy.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The environment.
    environment: String,
    #[command(flatten)]
    acting: acting::ActingArgs,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    guards: GuardArgs,
    #[command(flatten)]
    releases: ReleaseArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &ApplyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(&args.environment, &args.project, &args.releases, &args.cluster)?;
    let progress = terminal.progress();
    let planned = wait(pipeline::plan(&settings, &args.guards.guards(), &|what| progress.at(what)))?;
    progress.done();
    acting::act(&planned, &args.acting, args.output, terminal)
}
