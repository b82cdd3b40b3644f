//! What `apply` and `destroy` have in common: the plan is shown, a person or `--yes` agrees, and it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use thiserror::Error;

use super::arguments::Format;
use super::terminal::{Progress, Terminal};
use super::{Exit, counted, planning, wait};
use crate::apply::{Conclusion, End};
use crate::cluster::Propagation;
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::pipeline::{self, Ended, Manner, Planned};
use crate::plan::Refusal;
use crate::report::{Event, Outcome, Purpose, Report};

/// How a plan is applied.
#[derive(Clone, Debug, Args)]
pub(super) struct ActingArgs {
    /// Do not ask: apply the plan that is shown. Needed where there is no terminal.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Do not wait until objects are healthy.
    #[arg(long)]
    no_wait: bool,
    /// What happens to what deleted objects own.
    #[arg(long, value_name = "HOW", default_value = "background")]
    cascade: Cascade,
    /// End the run after this time (`90s`, `20m`), when the objects in flight are done.
    #[arg(long, value_name = "DURATION", value_parser = super::arguments::seconds)]
    deadline: Option<u64>,
}

impl ActingArgs {
    /// For a plan of which nothing has to be waited for.
    pub(super) fn agreed(yes: bool) -> Self {
        Self { yes, no_wait: true, cascade: Cascade::Background, deadline: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cascade {
    /// It is deleted too, after them.
    Background,
    /// It stays, without an owner.
    Orphan,
}

/// Nobody agreed to the plan.
#[derive(Debug, Error)]
enum ActingError {
    /// There is nobody to ask.
    #[error("the plan was not applied: there is no terminal to ask on")]
    NobodyToAsk,
    /// A person said no.
    #[error("the plan was not applied: the answer was not `yes`")]
    Declined,
    /// Some objects could not be compared.
    #[error("the plan was not applied: {} could not be compared", counted(*unknown, "object"))]
    Unknown { unknown: usize },
}

impl Diagnose for ActingError {
    fn kind(&self) -> Kind {
        match self {
            Self::NobodyToAsk | Self::Declined => Kind::Refused,
            Self::Unknown { .. } => Kind::Unknown,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NobodyToAsk => Some("Read the plan, and say `--yes` if that is what shall be done.".into()),
            Self::Declined => None,
            Self::Unknown { .. } => Some("The plan above says why; nothing was changed.".into()),
        }
    }
}

/// Shows a plan, asks, applies exactly it, and shows what came of it.
pub(super) fn act(planned: &Planned, args: &ActingArgs, format: Format, terminal: &Terminal) -> Result<Exit, Failure> {
    let report = planning::report(planned, Purpose::Plan, planned.plan.clone());
    let plan = &report.plan;
    let (refused, unknown) = (!plan.refusals.is_empty(), plan.summary().unknown);
    let goes_on = !refused && unknown == 0 && !plan.is_empty();
    if format == Format::Text || !goes_on {
        planning::print(&report, planned, format, terminal)?;
    }
    match () {
        () if refused => return Ok(Exit::Refused),
        () if unknown > 0 => return Err(ActingError::Unknown { unknown }.into()),
        () if plan.is_empty() => return Ok(Exit::Done),
        () => agree(args, planned, terminal)?,
    }
    let manner = Manner {
        wait: !args.no_wait,
        propagation: match args.cascade {
            Cascade::Background => Propagation::Background,
            Cascade::Orphan => Propagation::Orphan,
        },
        carry_on: false,
        deadline: args.deadline.map(Duration::from_secs),
    };
    let progress = terminal.progress();
    let mut events = Vec::new();
    let mut show = |event: Event| {
        tell(&event, &progress, terminal);
        events.push(event);
    };
    let Ended { conclusion, signal } = wait(pipeline::apply(planned, manner, &mut show))?;
    progress.done();
    let plan = planned.plan.clone();
    let warnings = conclusion.warnings.clone();
    let report = Report { events, warnings, ..planning::report(planned, Purpose::Run, plan) };
    planning::print(&report, planned, format, terminal)?;
    Ok(exit(&conclusion, signal))
}

fn agree(args: &ActingArgs, planned: &Planned, terminal: &Terminal) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    let question = format!("Apply this to {}?", planned.cluster.address());
    match terminal.ask(&question)? {
        Some(true) => Ok(()),
        Some(false) => Err(ActingError::Declined.into()),
        None => Err(ActingError::NobodyToAsk.into()),
    }
}

/// What happened to an object is worth a line; what it still waits for only the line that is overwritten.
fn tell(event: &Event, progress: &Progress, terminal: &Terminal) {
    let id = &event.id;
    match &event.outcome {
        Outcome::Waiting(what) => progress.at(&format!("waiting for {id}: {what}")),
        Outcome::Adopted => progress.at(&format!("took over {id}")),
        Outcome::Applied => progress.at(&format!("applied {id}")),
        Outcome::Healthy => progress.at(&format!("healthy {id}")),
        Outcome::Orphaned => progress.at(&format!("let go of {id}")),
        Outcome::Deleted => progress.at(&format!("deleted {id}")),
        Outcome::Failed(why) => progress.above(|| terminal.say(&format!("failed {id}: {why}"))),
        Outcome::Skipped(_) | Outcome::Unknown(_) => {}
    }
}

fn exit(conclusion: &Conclusion, signal: Option<u8>) -> Exit {
    match conclusion.end {
        End::Done => Exit::Done,
        End::Failed => Exit::Invalid,
        End::Partial => Exit::Partial,
        End::Interrupted => signal.map_or(Exit::Partial, Exit::Signal),
    }
}

/// What a real API server objects to in a plan: its refusals, and what failed when it was applied without waiting.
pub(super) async fn rehearse(planned: &Planned) -> Result<Vec<String>, Failure> {
    // What we find ourselves, a real server says in its own words.
    let others = planned.plan.refusals.iter().filter(|it| !matches!(it, Refusal::Invalid { .. }));
    let refusals: Vec<String> = others.map(ToString::to_string).collect();
    if !refusals.is_empty() || planned.plan.is_empty() {
        return Ok(refusals);
    }
    let mut failures = BTreeMap::new();
    let mut note = |event: Event| {
        if let Outcome::Failed(why) | Outcome::Unknown(why) | Outcome::Skipped(why) = event.outcome {
            failures.insert(event.id, why);
        }
    };
    let manner = Manner { wait: false, propagation: Propagation::Background, carry_on: true, deadline: None };
    let ended = pipeline::apply(planned, manner, &mut note).await?;
    let failures = failures.into_iter().map(|(id, why)| format!("{id}: {why}"));
    Ok(failures.chain(ended.conclusion.warnings).collect())
}
