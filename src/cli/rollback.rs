//! `weft rollback`.

use std::sync::Arc;

use clap::Args;

use super::arguments::{ClusterArgs, Format, JudgeArgs, ProjectArgs};
use super::planning::GuardArgs;
use super::saving::SavingArgs;
use super::terminal::Terminal;
use super::{Exit, acting, history, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Planned, Settings};
use crate::plan::Guards;

#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The environment.
    environment: String,
    /// The release.
    release: String,
    /// The revision to go back to; without it the last one before now that is done.
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,
    /// Show the plan, and do nothing.
    #[arg(long, conflicts_with = "yes")]
    plan_only: bool,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    acting: acting::ActingArgs,
    #[command(flatten)]
    saving: SavingArgs,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &RollbackArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = history::of_environment(&args.environment, Some(&args.release), &args.project, &args.cluster)?;
    let settings = Settings { judge: args.judge.into(), ..settings };
    let guards = args.guards.guards();
    let only_saves = args.saving.only_saves(&args.acting)?;
    let planned = plan(&settings, &args.release, args.to, &guards, terminal)?;
    if args.plan_only || only_saves {
        return args.saving.show(&planned, (&settings, &guards), terminal);
    }
    acting::act(&planned, &args.acting, args.saving.format(), terminal)
}

/// Plans to go back, and says where to.
fn plan(
    settings: &Settings,
    release: &str,
    to: Option<u64>,
    guards: &Guards,
    terminal: &Terminal,
) -> Result<Planned, Failure> {
    let progress = terminal.progress();
    let planned = wait(pipeline::rollback(settings, release, to, guards, &|what| progress.at(what)))?;
    progress.done();
    say_where(&planned, release, terminal);
    Ok(planned)
}

/// Says to which revision a release goes back.
pub(super) fn say_where(planned: &Planned, release: &str, terminal: &Terminal) {
    let commit = planned.project.commit.as_ref().map(|it| format!(", commit {}", it.id)).unwrap_or_default();
    let number = planned.aim.back_to().unwrap_or_default();
    terminal.say(&format!("release {release}: back to revision {number}{commit}"));
}

/// Brings releases back that failed and say so, one after the other. As many objects may be deleted as the failed run
/// was to create.
pub(super) fn by_themselves(
    releases: &[Arc<str>],
    failed: &Planned,
    settings: &dyn Fn(&str) -> Result<Settings, Failure>,
    acting: &acting::ActingArgs,
    terminal: &Terminal,
) {
    for release in releases {
        let created = failed.plan.created(release);
        let guards = Guards { cap: (created > 0).then_some(created), ..Guards::default() };
        let ended = settings(release)
            .and_then(|settings| plan(&settings, release, None, &guards, terminal))
            .and_then(|planned| acting::act(&planned, &acting.with_consent(), Format::Text, terminal));
        match ended {
            Ok(Exit::Done) => terminal.say(&format!("release {release} is rolled back")),
            Ok(_) => terminal.warn(&format!("release {release} was not rolled back, or not wholly")),
            Err(failure) => {
                failure.diagnostics.iter().for_each(|it| terminal.diagnose(it));
                terminal.warn(&format!("release {release} was not rolled back"));
            }
        }
    }
}
