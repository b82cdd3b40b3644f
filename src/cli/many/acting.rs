//! Applying several environments: all plans are shown, one question is asked, and they run side by side.

use super::{Ends, EnvironmentOutcome, Names, Targets, diagnose, each, ended, exit_of, finish, part_of, parts_of};
use crate::cli::acting::{ActingArgs, Ran, without_applying};
use crate::cli::arguments::{Format, TargetArgs};
use crate::cli::consent::Consent;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, planning};
use crate::diagnostic::Failure;
use crate::pipeline::Planned;
use crate::report::{EnvironmentReport, Purpose, Report};

/// A plan with its report.
struct Proposal {
    planned: Planned,
    report: Report,
    /// How it ends where there is nothing to apply, or nothing may be.
    early: Option<Exit>,
}

impl Proposal {
    fn told(&self) -> EnvironmentReport<'_> {
        EnvironmentReport::Report(&self.report, &self.planned.state.key)
    }
}

impl Ends for Proposal {
    fn exit(&self) -> Exit {
        self.early.unwrap_or(Exit::Done)
    }
}

impl Ends for Ran {
    fn exit(&self) -> Exit {
        self.exit
    }
}

/// Plans all, shows the plans, asks once, applies those that can be, and shows what came of all of them.
pub(in crate::cli) fn act(
    targets: &Targets,
    args: &ActingArgs,
    format: Format,
    terminal: &Terminal,
    plan: impl Fn(&TargetArgs, &Terminal) -> Result<Planned, Failure> + Sync,
    run: impl Fn(&Consent<'_>, &Terminal) -> Result<Ran, Failure> + Sync,
) -> Result<Exit, Failure> {
    if !args.approved().is_empty() {
        targets.only("a digest approves the plan of")?;
    }
    let mut proposals = each(&targets.names, &targets.items(), terminal, |target, terminal| {
        let planned = plan(target, terminal)?;
        let report = planning::report(&planned, Purpose::Plan, planned.plan.clone());
        // One digest approves one plan.
        let unapproved = planned.plan.needs_approval().then_some(Exit::Refused);
        let early = without_applying(&planned.plan).or(unapproved);
        Ok(Proposal { planned, report, early })
    });
    let shown = parts_of(targets, &proposals, Proposal::told);
    let going = going(&targets.names, &proposals);
    if going.is_empty() {
        return finish(&shown, targets, &proposals, &format.into(), terminal);
    }
    if format == Format::Text {
        planning::print_many(&shown, (Exit::Done.code(), ""), &format.into(), terminal)?;
        diagnose(&targets.names, &proposals, terminal);
    }
    let names: Vec<String> = going.iter().map(|(name, _)| (*name).to_owned()).collect();
    let consents = Consent::of_user_to_all(&going, args, terminal)?;
    let going: Vec<(&str, &Consent<'_>)> = going.iter().map(|(name, _)| *name).zip(&consents).collect();
    let ran = each(&targets.names, &going, terminal, |consent, terminal| run(consent, terminal));
    for proposal in proposals.iter_mut().flatten().flatten() {
        // Its plan was shown before.
        proposal.report.purpose = Purpose::Run;
    }
    conclude(targets, &proposals, names.iter().zip(&ran), format, terminal)
}

/// The plans that are to be applied: none after a failure that ends all.
fn going<'p>(names: &'p Names, proposals: &'p [EnvironmentOutcome<Proposal>]) -> Vec<(&'p str, &'p Planned)> {
    let failed = |fate: &EnvironmentOutcome<Proposal>| fate.as_ref().is_none_or(|it| exit_of(it).is_failure());
    if names.fail_fast && proposals.iter().any(failed) {
        return Vec::new();
    }
    let going = |(name, fate): (&'p String, &'p EnvironmentOutcome<Proposal>)| match fate {
        Some(Ok(Proposal { planned, early: None, .. })) => Some((name.as_str(), planned)),
        _ => None,
    };
    names.list.iter().zip(proposals).filter_map(going).collect()
}

/// Shows what came of all: of those that ran, and of those that could not.
fn conclude<'r>(
    targets: &'r Targets,
    proposals: &'r [EnvironmentOutcome<Proposal>],
    ran: impl Iterator<Item = (&'r String, &'r EnvironmentOutcome<Ran>)>,
    format: Format,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let mut parts = parts_of(targets, proposals, Proposal::told);
    let mut exits: Vec<Exit> = proposals.iter().flatten().map(exit_of).collect();
    let mut failures = Vec::new();
    for (name, fate) in ran {
        exits.extend(fate.as_ref().map(exit_of));
        failures.extend(fate.iter().filter_map(|it| it.as_ref().err()).map(|it| it.clone().of_environment(name)));
        let Some(part) = parts.iter_mut().find(|part| part.environment == name) else { continue };
        let EnvironmentReport::Report(_, key) = part.told else { continue };
        let told = |ran: &'r Ran| EnvironmentReport::Report(&ran.report, key);
        *part = part_of(part.environment, fate.as_ref(), told);
    }
    let exit = ended(exits, parts.iter().any(|part| matches!(part.told, EnvironmentReport::Skipped)));
    planning::print_many(&parts, (exit.code(), &targets.folder()), &format.into(), terminal)?;
    failures.iter().flat_map(|it| &it.diagnostics).for_each(|it| terminal.diagnose(it));
    Ok(exit)
}
