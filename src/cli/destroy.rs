//! `weft destroy`.

use clap::Args;

use super::arguments::{Format, SetArgs, TargetArgs, TargetsArgs};
use super::many::{self, Targets};
use super::planning::GuardArgs;
use super::terminal::Terminal;
use super::{Exit, acting, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Planned};

/// Plan, show, ask, and delete the objects of an environment or of some of its releases.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    acting: acting::ActingArgs,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &DestroyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    match targets.one() {
        Some(target) => acting::act(&plan(args, target, terminal)?, &args.acting, args.output, terminal),
        None => many::act(
            &targets,
            &args.acting,
            args.output,
            terminal,
            |target, terminal| plan(args, target, terminal),
            |planned, terminal| acting::execute(planned, &args.acting, terminal),
        ),
    }
}

fn plan(args: &DestroyArgs, target: &TargetArgs, terminal: &Terminal) -> Result<Planned, Failure> {
    let settings = settings::online(target, &SetArgs::default())?;
    let progress = terminal.progress();
    // The word `destroy` stands for the number of deletions; kinds that hold data still have to be named.
    let mut guards = args.guards.guards();
    guards.cap = guards.cap.or(Some(usize::MAX));
    let planned = wait(pipeline::destroy(&settings, &guards, &|what| progress.at(what)))?;
    progress.done();
    Ok(planned)
}
