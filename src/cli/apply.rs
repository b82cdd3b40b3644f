//! `weft apply`.

use clap::Args;

use super::arguments::{Format, JudgeArgs, SetArgs, TargetArgs};
use super::planning::{self, GuardArgs};
use super::terminal::Terminal;
use super::{Exit, acting, history, rollback};
use crate::diagnostic::Failure;
use crate::pipeline::Settings;

/// Plan, show the plan, ask, and apply exactly what was shown. Waits until everything is healthy.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    acting: acting::ActingArgs,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &ApplyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let planned = planning::plan(&args.target, &args.set, args.judge, &args.guards.guards(), terminal)?;
    let acted = acting::act_and_tell(&planned, &args.acting, args.output, terminal)?;
    let settings = |release: &str| {
        let settings = history::of_environment(
            &args.target.environment,
            Some(release),
            &args.target.project,
            &args.target.cluster,
        )?;
        Ok(Settings { judge: args.judge.into(), ..settings })
    };
    rollback::by_themselves(&acted.going_back, &planned, &settings, &args.acting, terminal);
    Ok(acted.exit)
}
