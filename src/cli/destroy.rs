//! `weft destroy`.

use clap::Args;

use super::arguments::{SetArgs, TargetArgs, TargetsArgs};
use super::many::{self, Targets};
use super::planning::GuardArgs;
use super::saving::SavingArgs;
use super::terminal::Terminal;
use super::{Exit, acting, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Planned, Settings};
use crate::plan::Guards;

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    acting: acting::ActingArgs,
    #[command(flatten)]
    saving: SavingArgs,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &DestroyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    let format = args.saving.format();
    let only_saves = args.saving.only_saves(&args.acting)?;
    if only_saves {
        targets.only("a plan is saved of")?;
    }
    match targets.one() {
        Some(target) => {
            let (planned, settings) = plan(args, target, terminal)?;
            if only_saves {
                return args.saving.show(&planned, (&settings, &guards(args)), terminal);
            }
            acting::act(&planned, &args.acting, format, terminal)
        }
        None => many::act(
            &targets,
            &args.acting,
            format,
            terminal,
            |target, terminal| plan(args, target, terminal).map(|(planned, _)| planned),
            |consent, terminal| acting::execute(consent, &args.acting, terminal),
        ),
    }
}

fn plan(args: &DestroyArgs, target: &TargetArgs, terminal: &Terminal) -> Result<(Planned, Settings), Failure> {
    let settings = settings::online(target, &SetArgs::default())?;
    let progress = terminal.progress();
    let planned = wait(pipeline::destroy(&settings, &guards(args), &|what| progress.at(what)))?;
    progress.done();
    Ok((planned, settings))
}

/// The word `destroy` stands for the number of deletions; kinds that hold data still have to be named.
fn guards(args: &DestroyArgs) -> Guards {
    let guards = args.guards.guards();
    Guards { cap: guards.cap.or(Some(usize::MAX)), ..guards }
}
