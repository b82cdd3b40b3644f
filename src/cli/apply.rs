//! `weft apply`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::arguments::{ClusterArgs, Format, JudgeArgs, ProjectArgs, SelectArgs, SetArgs, TargetArgs};
use super::planning::{self, GuardArgs};
use super::terminal::Terminal;
use super::{Exit, acting, counted, files, history, rollback, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Planned, Settings};
use crate::state::saved::{self, SavedError};

/// Plan, show the plan, ask, and apply exactly what was shown; or apply a saved plan. Waits until everything is healthy.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The environment. A saved plan names its own.
    #[arg(required_unless_present = "plan")]
    environment: Option<String>,
    /// Apply exactly the plan in this file, which `weft plan ENV -o FILE` wrote, or refuse since something moved.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["SelectArgs", "JudgeArgs", "GuardArgs"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
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

impl ApplyArgs {
    fn target(&self, environment: &str) -> TargetArgs {
        let Self { select, project, cluster, .. } = self;
        let (select, project, cluster) = (select.clone(), project.clone(), cluster.clone());
        TargetArgs { environment: environment.to_owned(), select, project, cluster }
    }
}

pub(super) fn run(args: &ApplyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let planned = if let Some(file) = &args.plan {
        saved_plan(file, args, terminal)?
    } else {
        let target = args.target(args.environment.as_deref().unwrap_or_default());
        planning::plan(&target, &args.set, args.judge, &args.guards.guards(), terminal)?
    };
    let acted = acting::act_and_tell(&planned, &args.acting, args.output, terminal)?;
    let environment = &planned.project.environment.name;
    let settings = |release: &str| {
        let settings = history::of_environment(environment, Some(release), &args.project, &args.cluster)?;
        Ok(Settings { judge: args.judge.into(), ..settings })
    };
    rollback::by_themselves(&acted.going_back, &planned, &settings, &args.acting, terminal);
    Ok(acted.exit)
}

/// The plan of a file, made anew and found to be the same.
fn saved_plan(file: &Path, args: &ApplyArgs, terminal: &Terminal) -> Result<Planned, Failure> {
    let saved = saved::read(&files::bytes(file)?, &file.display().to_string())?;
    let planned = saved.plan.environment.clone();
    if let Some(asked) = args.environment.as_ref().filter(|asked| **asked != planned) {
        return Err(SavedError::Environment { planned, asked: asked.clone() }.into());
    }
    let settings = settings::online(&args.target(&planned), &args.set)?;
    let progress = terminal.progress();
    let set = args.set.names();
    let (mut planned, elsewhere) = wait(pipeline::replan(&saved, settings, &set, &|what| progress.at(what)))?;
    progress.done();
    if !elsewhere.is_empty() {
        let objects = counted(elsewhere.len(), "object");
        planned
            .warnings
            .push(format!("Since the plan was made, {objects} moved that it leaves alone: `weft plan` shows them."));
    }
    Ok(planned)
}
