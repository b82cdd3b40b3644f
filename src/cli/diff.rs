//! `weft diff`.

use clap::Args;

use super::Exit;
use super::arguments::{JudgeArgs, OutputArgs, SetArgs, TargetsArgs};
use super::many::{self, Looked, Targets};
use super::planning;
use super::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::plan::Guards;
use crate::report::{Purpose, Report};

/// Compare an environment with its cluster, field by field: what you changed, and what others did. It writes nothing.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// End with exit code 2 where there are differences.
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(args: &DiffArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    many::look(&targets, &args.output, terminal, |target, terminal| {
        let planned = planning::plan(target, &args.set, args.judge, &Guards::default(), terminal)?;
        // A comparison is neither approved nor refused: what a guard would say belongs to `plan`.
        let mut plan = planned.plan.clone();
        plan.refusals.clear();
        plan.findings.clear();
        let report = Report { digest: None, ..planning::report(&planned, Purpose::Plan, plan) };
        let exit = planning::exit(&report.plan, args.exit_code);
        Ok(Looked { report, key: planned.state.key, exit })
    })
}
