//! `weft destroy`.

use clap::Args;

use super::arguments::{Format, SetArgs, TargetArgs};
use super::planning::GuardArgs;
use super::terminal::Terminal;
use super::{Exit, acting, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline;

/// Plan, show, ask, and delete the objects of an environment or of some of its releases.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    acting: acting::ActingArgs,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &DestroyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(&args.target, &SetArgs::default())?;
    let progress = terminal.progress();
    // The word `destroy` stands for the number of deletions; kinds that hold data still have to be named.
    let mut guards = args.guards.guards();
    guards.cap = guards.cap.or(Some(usize::MAX));
    let planned = wait(pipeline::destroy(&settings, &guards, &|what| progress.at(what)))?;
    progress.done();
    acting::act(&planned, &args.acting, args.output, terminal)
}
