//! Consent to a plan. Nothing is applied without it, and only asking gives it.

use thiserror::Error;

use super::acting::ActingArgs;
use super::settings;
use super::terminal::Terminal;
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::pipeline::Planned;
use crate::plan::{Plan, Ruling};
use crate::report::{Approval, Report};
use crate::state::saved::SavedError;

/// Variables in which CI systems name who started a job.
const ACTORS: [&str; 5] = ["GITHUB_ACTOR", "GITEA_ACTOR", "FORGEJO_ACTOR", "GITLAB_USER_LOGIN", "CI_COMMIT_AUTHOR"];
/// How long a name may be, in characters.
const LONGEST_NAME: usize = 100;

/// Consent to exactly this plan.
pub(super) struct Consent<'p> {
    planned: &'p Planned,
    approval: Option<Approval>,
}

/// Nobody consented to the plan.
#[derive(Debug, Error)]
enum ConsentError {
    /// There is nobody to ask.
    #[error("the plan was not applied: there is no terminal to ask on")]
    NobodyToAsk,
    /// A person said no.
    #[error("the plan was not applied: the answer was not `yes`")]
    Declined,
    /// A rule asks for an approval.
    #[error("the plan was not applied: rules of the repository ask for its approval: {}", rules.join(", "))]
    Unapproved { rules: Vec<String>, digest: Option<String> },
}

impl Diagnose for ConsentError {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NobodyToAsk => Some("Read the plan, and say `--yes` if that is what shall be done.".into()),
            Self::Declined => None,
            Self::Unapproved { digest, .. } => {
                digest.as_ref().map(|it| format!("Read the plan; `--approve {it}` applies exactly it."))
            }
        }
    }
}

impl<'p> Consent<'p> {
    /// From the user: `--approve` with the digest of the plan, or if no rule asks for that, `--yes` or an answer.
    pub fn of_user(
        planned: &'p Planned,
        args: &ActingArgs,
        report: &Report,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        match approved(planned, args, report)? {
            Some(approval) => Ok(Self { planned, approval: Some(approval) }),
            None => ask(args, planned.cluster.address(), terminal).map(|()| Self { planned, approval: None }),
        }
    }

    /// From the user, with one answer for the plans of several environments. None of their rules may ask for more.
    pub fn of_user_to_all(
        plans: &[(&str, &'p Planned)],
        args: &ActingArgs,
        terminal: &Terminal,
    ) -> Result<Vec<Self>, Failure> {
        for (_, planned) in plans {
            refuse_unapproved(&planned.plan, None)?;
        }
        let names: Vec<&str> = plans.iter().map(|(name, _)| *name).collect();
        ask(args, &names.join(", "), terminal)?;
        Ok(plans.iter().map(|(_, planned)| Self { planned, approval: None }).collect())
    }

    /// From those who merged the change. Where a rule asks for an approval, that is not enough.
    pub fn of_merge(planned: &'p Planned, args: &ActingArgs, report: &Report) -> Result<Self, Failure> {
        Ok(Self { planned, approval: approved(planned, args, report)? })
    }

    /// The plan.
    pub fn planned(&self) -> &'p Planned {
        self.planned
    }

    /// Who approved it, if somebody named its digest.
    pub fn approval(&self) -> Option<&Approval> {
        self.approval.as_ref()
    }
}

/// The approval by the digest of a plan. An approval of another plan, and a missing one that a rule asks for, are errors.
fn approved(planned: &Planned, args: &ActingArgs, report: &Report) -> Result<Option<Approval>, Failure> {
    let digest = report.digest.as_ref();
    match digest {
        _ if args.approved().is_empty() => refuse_unapproved(&planned.plan, digest).map(|()| None),
        Some(digest) if args.approved().contains(digest) => {
            Ok(Some(Approval { digest: digest.clone(), by: approver() }))
        }
        Some(digest) => Err(SavedError::NotApproved { digest: digest.clone() }.into()),
        None => refuse_unapproved(&planned.plan, None).map(|()| None),
    }
}

fn refuse_unapproved(plan: &Plan, digest: Option<&String>) -> Result<(), Failure> {
    if !plan.needs_approval() {
        return Ok(());
    }
    let mut rules: Vec<String> = Vec::new();
    for finding in plan.findings.iter().filter(|it| it.ruling == Ruling::Approve) {
        let rule = format!("`{}`", finding.rule);
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Err(ConsentError::Unapproved { rules, digest: digest.cloned() }.into())
}

/// Asks whether what was shown is to be applied there, unless an argument has answered that.
fn ask(args: &ActingArgs, place: &str, terminal: &Terminal) -> Result<(), Failure> {
    if args.says_yes() {
        return Ok(());
    }
    match terminal.ask(&format!("Apply this to {place}?"))? {
        Some(true) => Ok(()),
        Some(false) => Err(ConsentError::Declined.into()),
        None => Err(ConsentError::NobodyToAsk.into()),
    }
}

/// Who runs this: the actor of the CI job, else the user's name in git, else the name of the account.
fn approver() -> String {
    let process = settings::process();
    let set = |name: &&str| process.get(*name).filter(|it| !it.is_empty()).cloned();
    let git = || git2::Config::open_default().and_then(|it| it.get_string("user.name")).ok();
    let name = ACTORS.iter().find_map(set).or_else(git).or_else(|| ["USER", "LOGNAME"].iter().find_map(set));
    // It stands in reports, which are Markdown and HTML, too.
    let is_plain = |it: &char| it.is_alphanumeric() || " ._@-".contains(*it);
    let name: String = name.unwrap_or_default().chars().filter(is_plain).take(LONGEST_NAME).collect();
    if name.trim().is_empty() { "an account without a name".to_owned() } else { name.trim().to_owned() }
}
