//! `weft apply`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::arguments::{
    ChangedArgs, ClusterArgs, Format, JudgeArgs, ProjectArgs, SelectArgs, SetArgs, SeveralArgs, TargetArgs, TargetsArgs,
};
use super::many::{self, Looked, Targets};
use super::planning::{self, GuardArgs};
use super::terminal::Terminal;
use super::{Exit, acting, files, history, rollback, settings, wait};
use crate::diagnostic::{Failure, counted};
use crate::pipeline::{self, Planned, Settings};
use crate::state::saved::{self, PlanPurpose, SavedError, SavedPlan};

#[derive(Clone, Debug, Args)]
pub(super) struct ApplyArgs {
    /// The environments. A saved plan names its own.
    #[arg(value_name = "ENVIRONMENT", required_unless_present_any = ["plan", "all"])]
    environments: Vec<String>,
    #[command(flatten)]
    several: SeveralArgs,
    /// Apply exactly the plan in this file, which `weft plan ENV -o FILE` wrote, or refuse since something moved.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["SelectArgs", "ChangedArgs", "JudgeArgs", "GuardArgs", "all"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    changed: ChangedArgs,
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
        let select = select.clone();
        let project = project.clone();
        let cluster = cluster.clone();
        TargetArgs { environment: environment.to_owned(), select, project, cluster }
    }

    fn targets(&self) -> Result<Targets, Failure> {
        let Self { environments, several, select, project, cluster, .. } = self.clone();
        Targets::of(&TargetsArgs { environments, several, select, project, cluster })
    }
}

pub(super) fn run(args: &ApplyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let planned = if let Some(file) = &args.plan {
        saved_plan(file, args, terminal)?
    } else {
        let targets = args.targets()?.changed(&args.changed, &args.set, terminal)?;
        if targets.is_empty() {
            return many::show::<Looked>(&targets, &[], &args.output.into(), terminal, |it| it);
        }
        let Some(target) = targets.one() else { return many(args, &targets, terminal) };
        plan(args, target, terminal)?
    };
    let acted = acting::act_and_tell(&planned, &args.acting, args.output, terminal)?;
    go_back(args, &planned, &acted.going_back, terminal);
    Ok(acted.exit)
}

/// Brings the releases back that failed and say so.
fn go_back(args: &ApplyArgs, planned: &Planned, releases: &[Arc<str>], terminal: &Terminal) {
    let place = (&args.project, &args.cluster);
    bring_back(releases, planned, place, args.judge, &args.acting, terminal);
}

/// The same, for whoever applied them.
pub(super) fn bring_back(
    releases: &[Arc<str>],
    planned: &Planned,
    (project, cluster): (&ProjectArgs, &ClusterArgs),
    judge: JudgeArgs,
    acting: &acting::ActingArgs,
    terminal: &Terminal,
) {
    let environment = &planned.project.environment.name;
    let settings = |release: &str| {
        let settings = history::of_environment(environment, Some(release), project, cluster)?;
        Ok(Settings { judge: judge.into(), ..settings })
    };
    rollback::by_themselves(releases, planned, &settings, acting, terminal);
}

fn plan(args: &ApplyArgs, target: &TargetArgs, terminal: &Terminal) -> Result<Planned, Failure> {
    let plan = || planning::plan(target, &args.set, args.judge, &args.guards.guards(), terminal);
    let planned = plan()?;
    if !planned.placeholders {
        return Ok(planned);
    }
    // A placeholder must never be applied: what is shown and agreed to has the real passwords.
    wait(pipeline::keep_key(&planned))?;
    plan()
}

fn many(args: &ApplyArgs, targets: &Targets, terminal: &Terminal) -> Result<Exit, Failure> {
    many::act(
        targets,
        &args.acting,
        args.output,
        terminal,
        |target, terminal| plan(args, target, terminal),
        |consent, terminal| {
            let ran = acting::execute(consent, &args.acting, terminal)?;
            go_back(args, consent.planned(), &ran.going_back, terminal);
            // The report is about the apply.
            terminal.kept().lines().for_each(|line| terminal.say(line));
            Ok(ran)
        },
    )
}

/// The plan of a file, made anew and found to be the same.
fn saved_plan(file: &Path, args: &ApplyArgs, terminal: &Terminal) -> Result<Planned, Failure> {
    let saved = saved::read(&files::bytes(file)?, &file.display().to_string())?;
    let planned = saved.plan.environment.clone();
    if let Some(asked) = args.environments.iter().find(|asked| **asked != planned) {
        return Err(SavedError::Environment { planned, asked: asked.clone() }.into());
    }
    let settings = settings::online(&args.target(&planned), &args.set)?;
    planned_again(&saved, settings, &args.set, terminal)
}

/// A saved plan, made anew and found to be the same.
pub(super) fn planned_again(
    saved: &SavedPlan,
    mut settings: Settings,
    set: &SetArgs,
    terminal: &Terminal,
) -> Result<Planned, Failure> {
    let mut set = set.clone();
    if let Some(again) = pipeline::set_again(saved, &settings)?.filter(|_| set.is_empty()) {
        set = SetArgs::of_pairs(again);
        settings.overrides = settings::overrides(&set)?;
        settings.set = set.names();
    }
    let progress = terminal.progress();
    let (mut planned, elsewhere) = wait(pipeline::replan(saved, settings, &set.names(), &|what| progress.at(what)))?;
    progress.done();
    if let PlanPurpose::GoBack { release, .. } = &saved.aim {
        rollback::say_where(&planned, release, terminal);
    }
    if !elsewhere.is_empty() {
        let objects = counted(elsewhere.len(), "object");
        planned
            .warnings
            .push(format!("Since the plan was made, {objects} moved that it leaves alone: `weft plan` shows them."));
    }
    Ok(planned)
}
