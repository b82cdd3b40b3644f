//! `weft ci drift`.

use clap::Args;

use super::tell::{Does, Tidings, tell};
use super::{JobArgs, here, look};
use crate::cli::arguments::{Format, SetArgs, TargetArgs};
use crate::cli::many::{self, Looked, Names};
use crate::cli::planning;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::Failure;
use crate::plan::Guards;
use crate::project;
use crate::report::Purpose;
use crate::source::{ENVIRONMENTS, Source};

/// Look for drift in all environments, and keep one issue for each: open as long as there is drift, closed when it is
/// clean, and left as it is where that could not be told. Ends as `weft drift` does.
#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    #[command(flatten)]
    job: JobArgs,
}

pub(super) fn run(args: &DriftArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let job = here::job()?;
    let args = &args.job;
    let source = Source::open(&args.folder(), args.head.as_deref())?;
    let list = match args.environments.as_slice() {
        [] => project::places(&source.read([ENVIRONMENTS])?)?,
        named => named.to_vec(),
    };
    let names = Names { list, parallel: args.several.parallel, fail_fast: args.several.fail_fast };
    let fates = look::each(&names, terminal, |environment, terminal| found(args, environment, terminal));
    let parts = look::parts(&names, &fates);
    let exit = many::ended(fates.iter().flatten().map(many::exit_of), fates.iter().any(Option::is_none));
    planning::print_many(&parts, exit.code(), Format::Text.into(), terminal)?;
    many::diagnose(&names, &fates, terminal);
    let tidings = Tidings { does: Does::Drift, parts: &parts, head: None, is_all: true };
    let untold = tell(&job, &tidings, args.dry_run, terminal)?;
    untold.iter().for_each(|it| terminal.diagnose(it));
    Ok(if untold.is_empty() { exit } else { Exit::gravest([exit, Exit::Invalid]) })
}

fn found(args: &JobArgs, environment: &str, terminal: &Terminal) -> Result<Looked, Failure> {
    let project = args.head.as_ref().map_or_else(|| args.project.clone(), |it| args.at(it));
    let target = TargetArgs { project, ..args.target(environment, "") };
    let settings = settings::online(&target, &SetArgs::default())?;
    let planned = planning::plan_with(&settings, &Guards::default(), terminal)?;
    let report = planning::report(&planned, Purpose::Drift, planned.plan.drift());
    let exit = planning::exit(&report.plan, true);
    Ok(Looked { report, key: planned.state.key, exit })
}
