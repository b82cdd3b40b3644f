//! `weft ci drift`.

use clap::Args;

use super::tell::{self, CiReport, Does};
use super::{JobArgs, here, look};
use crate::cli::arguments::{SetArgs, TargetArgs};
use crate::cli::drift::looked;
use crate::cli::many::{self, Ends, Looked, Names};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings, wait};
use crate::diagnostic::Failure;
use crate::drift::{self, EnvironmentResult, Issue};
use crate::pipeline::{self, DriftOptions};
use crate::plan::Guards;
use crate::project;
use crate::report::EnvironmentReport;
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
    let parts = many::parts(&names, &fates, |it| EnvironmentReport::Report(&it.looked.report, &it.looked.key));
    let exit = look::shown(&parts, &names, &fates, terminal)?;
    let issues: Vec<&Issue> = fates.iter().flatten().flatten().map(|it| &it.issue).collect();
    let tidings = CiReport { issues: &issues, ..CiReport::new(Does::Drift, &parts, None) };
    let untold = tell::tell(&job, &tidings, args.dry_run, terminal)?;
    Ok(tell::ended(exit, &untold, terminal))
}

/// What a look at an environment found.
struct DriftResult {
    looked: Looked,
    issue: Issue,
}

impl Ends for DriftResult {
    fn exit(&self) -> Exit {
        self.looked.exit
    }
}

fn found(args: &JobArgs, environment: &str, terminal: &Terminal) -> Result<DriftResult, Failure> {
    let project = args.head.as_ref().map_or_else(|| args.project.clone(), |it| args.at(it));
    let target = TargetArgs { project, ..args.target(environment, "") };
    let settings = settings::online(&target, &SetArgs::default())?;
    let progress = terminal.progress();
    let looking = DriftOptions { record: !args.dry_run, unmanaged: false };
    let (planned, look) = wait(pipeline::look(&settings, &Guards::default(), looking, &|what| progress.at(what)))?;
    progress.done();
    let issue =
        drift::issue(&drift::EnvironmentCheck { environment, at: &look.at, fate: EnvironmentResult::Looked(&look) });
    Ok(DriftResult { looked: looked(&planned, &look), issue })
}
