//! `weft compare`.

use clap::Args;

use super::arguments::{OutputArgs, ProjectArgs, SelectArgs, SetArgs};
use super::terminal::Terminal;
use super::{Exit, diff, planning, settings};
use crate::diagnostic::Failure;
use crate::pipeline;
use crate::report::Report;

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The environment that is compared.
    from: String,
    /// The environment that it is compared with.
    to: String,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// End with exit code 2 where there are differences.
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(args: &CompareArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let of = |environment: &str| settings::offline(environment, &args.project, &args.select, &args.set);
    let from = of(&args.from)?;
    let to = of(&args.to)?;
    let key = pipeline::fresh_key()?;
    let commit = diff::commit(&to.source)?;
    let folder = to.source.folder();
    // A release that is asked for by name may be missing in one of them, and an environment in none.
    let side = |settings| pipeline::revision_beside(settings)?.map_or_else(|| pipeline::revision(settings), Ok);
    let plan = pipeline::beside(side(&from)?, side(&to)?, &key);
    let report = Report { commit, ..diff::of(plan) };
    planning::print_with(&report, (&key, &folder), &args.output, terminal)?;
    Ok(planning::exit(&report.plan, args.exit_code))
}
