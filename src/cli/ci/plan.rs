//! `weft ci plan`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::here::Here;
use super::tell::{self, CiReport, Does};
use super::{JobArgs, artefact, look};
use crate::cli::arguments::{ProjectArgs, TargetArgs, seconds};
use crate::cli::files;
use crate::cli::many::Looked;
use crate::cli::planning::{self, GuardArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::Failure;
use crate::pipeline;
use crate::report::Report;
use crate::trust::Trust;

/// Plan what comes of merging a change, in the environments that it touches, and tell: a summary, one comment on the pull
/// request for each environment, statuses of the commit, and the plans as files.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The folder for the plans, which `weft ci apply --plans` applies; a job keeps it as its artefact.
    #[arg(long, value_name = "DIR")]
    plans: Option<PathBuf>,
    /// Only render: ask no cluster, open no key, read no variable and contact no server. A pull request from a fork is
    /// always planned this way.
    #[arg(long)]
    render_only: bool,
    /// How long a run that only renders may take (`90s`, `5m`).
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = seconds)]
    deadline: u64,
    /// End with exit code 2 where there is anything to do.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    guards: GuardArgs,
}

pub(super) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let here = Here::of(&args.job, Does::Plan, terminal)?;
    let trust = if args.render_only || here.job.is_fork {
        Trust::closed(&settings::process(), Duration::from_secs(args.deadline))
    } else {
        settings::own()
    };
    let shut = trust.is_closed();
    let about = here.about(&args.job, here.commit(), &trust, terminal);
    let about = about.map_err(|failure| tell::failed(&here.job, Does::Plan, failure, args.job.dry_run, terminal))?;
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
        if shut { rendered(args, &here, &target, &trust) } else { planned(args, &here, &target, terminal) }
    });
    let parts = look::parts(names, &fates);
    let exit = look::shown(&parts, names, &fates, terminal)?;
    if let Some(folder) = folder {
        artefact::record(folder, &here, names, &fates)?;
    }
    let is_all = args.job.environments.is_empty();
    let tidings = CiReport {
        is_all,
        folder: folder.map(PathBuf::as_path),
        ..CiReport::new(Does::Plan, &parts, Some(&here.change.head))
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
fn rendered(args: &PlanArgs, here: &Here, target: &TargetArgs, trust: &Trust) -> Result<Looked, Failure> {
    let side = |project: &ProjectArgs| settings::closed(&target.environment, project, &target.select, trust);
    let before = side(&args.job.at(&here.change.base))?;
    let after = side(&target.project)?;
    let (base, head) = trust.within(move || {
        let base = pipeline::revision_beside(&before)?;
        Ok::<_, Failure>((base, pipeline::revision(&after)?))
    })??;
    let only =
        "Only rendered, without a cluster and without secrets: this is what the change makes of the files.".to_owned();
    let mut warnings: Vec<String> = [only].into_iter().chain(trust.skipped()).collect();
    warnings.extend(head.rendering.desired.warnings.iter().cloned());
    let key = pipeline::fresh_key()?;
    let touched = target.select.touched.clone();
    let (plan, unjudged) = pipeline::revised(base, head, &key)?;
    warnings.extend(unjudged);
    let report = Report { plan, warnings, touched, commit: Some(look::named(here)), ..Report::default() };
    let exit = planning::verdict(&report.plan, args.exit_code);
    Ok(Looked { report, key, exit })
}
