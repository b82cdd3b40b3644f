//! `weft plan`.

use clap::Args;

use super::Exit;
use super::arguments::{JudgeArgs, OutputArgs, SetArgs, TargetArgs};
use super::planning::{self, GuardArgs};
use super::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::report::Purpose;

/// Show what an apply would do: every object, every field, what is pruned, and what is refused. It writes nothing.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// End with exit code 2 where there is anything to do.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let planned = planning::plan(&args.target, &args.set, args.judge, &args.guards.guards(), terminal)?;
    let report = planning::report(&planned, Purpose::Plan, planned.plan.clone());
    planning::print(&report, &planned, args.output, terminal)?;
    if !report.plan.refusals.is_empty() {
        return Ok(Exit::Refused);
    }
    Ok(planning::exit(&report.plan, args.exit_code))
}
