//! `weft ci plan`.

use std::path::PathBuf;

use clap::Args;

use super::here::Here;
use super::tell::{self, Does, Tidings};
use super::{JobArgs, artefact, look};
use crate::cli::arguments::{ProjectArgs, SetArgs, TargetArgs};
use crate::cli::files;
use crate::cli::many::Looked;
use crate::cli::planning::{self, GuardArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Settings};
use crate::report::Report;

/// Plan what comes of merging a change, in the environments that it touches, and tell: a summary, one comment on the pull
/// request for each environment, statuses of the commit, and the plans as files.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The folder for the plans, which `weft ci apply --plans` applies; a job keeps it as its artefact.
    #[arg(long, value_name = "DIR")]
    plans: Option<PathBuf>,
    /// Ask no cluster and decrypt nothing: only render. A pull request from a fork is always looked at so.
    #[arg(long)]
    render_only: bool,
    /// End with exit code 2 where there is anything to do.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let here = Here::of(&args.job, Does::Plan, terminal)?;
    let shut = args.render_only || here.job.is_fork;
    let about = here.about(&args.job, here.commit(), shut, terminal)?;
    let names = &about.names;
    if shut && !args.render_only {
        terminal.say("the change comes from a fork: it is only rendered, without a cluster and without secrets");
    }
    let folder = args.plans.as_ref().filter(|_| !shut);
    if let Some(folder) = folder {
        files::folder(folder)?;
    }
    let fates = look::each(names, terminal, |environment, terminal| {
        let target = about.target(&args.job, environment, here.commit());
        if shut { rendered(args, &here, &target) } else { planned(args, &here, &target, terminal) }
    });
    let parts = look::parts(names, &fates);
    let exit = look::shown(&parts, names, &fates, terminal)?;
    if let Some(folder) = folder {
        artefact::record(folder, &here, names, &fates)?;
    }
    let is_all = args.job.environments.is_empty();
    let tidings = Tidings {
        is_all,
        folder: folder.map(PathBuf::as_path),
        ..Tidings::new(Does::Plan, &parts, Some(&here.change.head))
    };
    let untold = tell::tell(&here.job, &tidings, args.job.dry_run, terminal)?;
    if here.job.is_fork {
        // The token of a fork's job may only read.
        tell::warn(&untold, terminal);
        return Ok(exit);
    }
    Ok(tell::ended(exit, &untold, terminal))
}

fn planned(args: &PlanArgs, here: &Here, target: &TargetArgs, terminal: &Terminal) -> Result<Looked, Failure> {
    let (settings, planned) = look::planned(target, &args.guards, terminal)?;
    let report = look::report(&planned, here, target);
    if let Some(folder) = &args.plans {
        artefact::save(folder, (&settings, &planned), &args.guards.guards(), &report)?;
    }
    let exit = planning::verdict(&report.plan, args.exit_code);
    Ok(Looked { report, key: planned.state.key, exit })
}

/// What is left where neither a cluster nor a secret may be used: what both commits render, beside each other.
fn rendered(args: &PlanArgs, here: &Here, target: &TargetArgs) -> Result<Looked, Failure> {
    let side = |project: &ProjectArgs| {
        let settings = settings::offline(&target.environment, project, &target.select, &SetArgs::default())?;
        Ok::<_, Failure>(Settings { closed: true, ..settings })
    };
    let base = pipeline::revision_beside(&side(&args.job.at(&here.change.base))?)?;
    let head = pipeline::revision(&side(&target.project)?)?;
    let only =
        "Only rendered, without a cluster and without secrets: this is what the change makes of the files.".to_owned();
    let mut warnings: Vec<String> = [only].into_iter().chain(head.rendering.desired.warnings.iter().cloned()).collect();
    let (key, touched) = (pipeline::fresh_key()?, target.select.touched.clone());
    let (plan, unjudged) = pipeline::revised(base, head, &key)?;
    warnings.extend(unjudged);
    let report = Report { plan, warnings, touched, commit: Some(look::named(here)), ..Report::default() };
    let exit = planning::verdict(&report.plan, args.exit_code);
    Ok(Looked { report, key, exit })
}
