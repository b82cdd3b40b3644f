//! Looking at the environments of a job side by side.

use super::here::Here;
use crate::cli::arguments::{Format, SetArgs, TargetArgs};
use crate::cli::many::{self, EnvironmentOutcome, Looked, Names};
use crate::cli::planning::{self, GuardArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::Failure;
use crate::pipeline::{Planned, Settings};
use crate::report::{EnvironmentReport, Purpose, Report, ReportPart};

/// Looks at each environment, at most so many at once.
pub(super) fn each<T: many::Ends + Send>(
    names: &Names,
    terminal: &Terminal,
    work: impl Fn(&str, &Terminal) -> Result<T, Failure> + Sync,
) -> Vec<EnvironmentOutcome<T>> {
    let items: Vec<(&str, &str)> = names.list.iter().map(|name| (name.as_str(), name.as_str())).collect();
    many::each(names, &items, terminal, |name, terminal| work(name, terminal))
}

/// Plans what is asked for.
pub(super) fn planned(
    target: &TargetArgs,
    guards: &GuardArgs,
    terminal: &Terminal,
) -> Result<(Settings, Planned), Failure> {
    let settings = settings::online(target, &SetArgs::default())?;
    let planned = planning::plan_with(&settings, &guards.guards(), terminal)?;
    Ok((settings, planned))
}

/// The report of a plan, in which the commits are those that people know.
pub(super) fn report(planned: &Planned, here: &Here, target: &TargetArgs) -> Report {
    let commit = Some(named(here));
    let touched = target.select.touched.clone();
    Report { commit, touched, ..planning::report(planned, Purpose::Plan, planned.plan.clone()) }
}

/// The commits of a change, by names that people know.
pub(super) fn named(here: &Here) -> String {
    let base = &here.change.base;
    let head = &here.change.head;
    if here.commit() == head { head.clone() } else { format!("{head} merged into {base}") }
}

/// Prints what came of each, and gives back how all end together.
pub(super) fn shown<T: many::Ends>(
    parts: &[ReportPart],
    names: &Names,
    fates: &[EnvironmentOutcome<T>],
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let exit = many::exit(fates);
    planning::print_many(parts, (exit.code(), ""), &Format::Text.into(), terminal)?;
    many::diagnose(names, fates, terminal);
    Ok(exit)
}

/// What is told of each.
pub(super) fn parts<'f>(names: &'f Names, fates: &'f [EnvironmentOutcome<Looked>]) -> Vec<ReportPart<'f>> {
    many::parts(names, fates, |looked| EnvironmentReport::Report(&looked.report, &looked.key))
}
