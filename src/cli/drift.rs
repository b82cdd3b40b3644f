//! `weft drift`.

use clap::Args;

use super::Exit;
use super::arguments::{JudgeArgs, OutputArgs, SetArgs, TargetsArgs};
use super::many::{self, Looked, Targets};
use super::planning;
use super::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::plan::Guards;
use crate::report::Purpose;

/// Find what others changed in the cluster: fields that we own, with manager and time, and objects that are gone. Ends
/// with exit code 2 where there is any, and with 5 where it could not be told.
#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &DriftArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    many::look(&targets, &args.output, terminal, |target, terminal| {
        let planned = planning::plan(target, &args.set, args.judge, &Guards::default(), terminal)?;
        let report = planning::report(&planned, Purpose::Drift, planned.plan.drift());
        let exit = planning::exit(&report.plan, true);
        Ok(Looked { report, key: planned.state.key, exit })
    })
}
