//! `weft ci apply`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::here::{About, Here};
use super::tell::{self, CiReport, Does};
use super::{JobArgs, artefact, look};
use crate::cli::acting::{self, ActingArgs, Ran};
use crate::cli::arguments::{JudgeArgs, SetArgs, TargetArgs};
use crate::cli::consent::Consent;
use crate::cli::many::{EnvironmentOutcome, Looked, Names};
use crate::cli::planning::{self, GuardArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, apply, files, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Planned};
use crate::state::saved;

/// Apply a change that was merged, in the environments that it touches: exactly the plans of `weft ci plan --plans`, or
/// nothing if the branch moved since; without plans, what is planned anew. Nobody is asked: the merge is the consent. If
/// a rule asks for an approval, the plan is applied only with `--approve` and its digest.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The folder that `weft ci plan --plans` wrote.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["environments", "all", "GuardArgs"])]
    plans: Option<PathBuf>,
    #[command(flatten)]
    acting: ActingArgs,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &ApplyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let here = Here::of(&args.job, Does::Apply, terminal)?;
    here.check_newest(&args.job)
        .map_err(|failure| tell::failed(&here.job, Does::Apply, failure, args.job.dry_run, terminal))?;
    let commit = here.change.head.clone();
    let (about, plans) = match &args.plans {
        Some(folder) => planned_before(args, &here, folder)
            .map_err(|failure| tell::failed(&here.job, Does::Apply, failure, args.job.dry_run, terminal))?,
        None => (here.about(&args.job, &commit, &settings::own(), terminal)?, Vec::new()),
    };
    let fates = look::each(&about.names, terminal, |environment, terminal| {
        let target = about.target(&args.job, environment, &commit);
        let file = plans.iter().find(|(name, _)| name == environment).map(|(_, file)| file);
        let planned = match file {
            Some(file) => again(&target, file, terminal)?,
            None => anew(args, &target, terminal)?,
        };
        acted(args, &here, planned, &target, terminal)
    });
    conclude(args, &here, &about.names, &fates, terminal)
}

/// The environments of a folder with plans, which have to be of this change on this base.
fn planned_before(args: &ApplyArgs, here: &Here, folder: &Path) -> Result<(About, Vec<(String, PathBuf)>), Failure> {
    let artefact = artefact::read(folder)?;
    artefact.allows(&here.change.base, &here.change.head, &here.change.tree)?;
    let list = artefact.environments.iter().map(|it| it.environment.clone()).collect();
    Ok((About::whole(list, &args.job.several), artefact::plans(folder, &artefact)))
}

/// The plan of a file, made anew and found to be the same.
fn again(target: &TargetArgs, file: &Path, terminal: &Terminal) -> Result<Planned, Failure> {
    let saved = saved::read(&files::bytes(file)?, &file.display().to_string())?;
    apply::planned_again(&saved, settings::online(target, &SetArgs::default())?, &SetArgs::default(), terminal)
}

fn anew(args: &ApplyArgs, target: &TargetArgs, terminal: &Terminal) -> Result<Planned, Failure> {
    let (settings, planned) = look::planned(target, &args.guards, terminal)?;
    if !planned.placeholders {
        return Ok(planned);
    }
    // A placeholder must never be applied.
    wait(pipeline::keep_key(&planned))?;
    planning::plan_with(&settings, &args.guards.guards(), terminal)
}

/// Applies a plan that may be applied, and says what came of it.
fn acted(
    args: &ApplyArgs,
    here: &Here,
    planned: Planned,
    target: &TargetArgs,
    terminal: &Terminal,
) -> Result<Looked, Failure> {
    let early = acting::without_applying(&planned.plan);
    if args.job.dry_run || early.is_some() {
        let report = look::report(&planned, here, target);
        let exit = early.unwrap_or_else(|| planning::verdict(&report.plan, false));
        return Ok(Looked { report, key: planned.state.key, exit });
    }
    let consent = Consent::of_merge(&planned, &args.acting, &look::report(&planned, here, target))?;
    let Ran { report, exit, going_back } = acting::execute(&consent, &args.acting, terminal)?;
    let place = (&target.project, &target.cluster);
    let judge = JudgeArgs::default();
    apply::bring_back(&going_back, &planned, place, judge, &args.acting, terminal);
    // The report is about the apply.
    terminal.kept().lines().for_each(|line| terminal.say(line));
    Ok(Looked { report, key: planned.state.key, exit })
}

fn conclude(
    args: &ApplyArgs,
    here: &Here,
    names: &Names,
    fates: &[EnvironmentOutcome<Looked>],
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let parts = look::parts(names, fates);
    let exit = look::shown(&parts, names, fates, terminal)?;
    let tidings = CiReport { is_all: true, ..CiReport::new(Does::Apply, &parts, Some(&here.change.head)) };
    // What was done stays done, whether or not it can be told.
    tell::warn(&tell::tell(&here.job, &tidings, args.job.dry_run, terminal)?, terminal);
    Ok(exit)
}
