//! What `apply` and `destroy` have in common: the plan is shown, a person or `--yes` agrees, and it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use thiserror::Error;

use super::arguments::Format;
use super::consent::Consent;
use super::progress::Progress;
use super::terminal::Terminal;
use super::{Exit, planning, wait};
use crate::apply::{Conclusion, End};
use crate::cluster::Propagation;
use crate::diagnostic::{Diagnose, Failure, Kind, counted};
use crate::pipeline::{self, ApplyResult, ApplySettings, Planned};
use crate::plan::{Plan, Refusal};
use crate::report::{Event, LiveView, Outcome, Purpose, Report, harmless};

// How a plan is applied.
#[derive(Clone, Debug, Args)]
pub(super) struct ActingArgs {
    /// Do not ask: apply the plan that is shown. Needed where there is no terminal.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Apply the plan without asking if it has this digest, which `weft plan` prints, and refuse any other. May be
    /// repeated for the plans of several environments of a job.
    #[arg(long, value_name = "DIGEST")]
    approve: Vec<String>,
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
    /// Whether somebody agreed to the plan before it was made.
    pub(super) fn agrees(&self) -> bool {
        self.yes || !self.approve.is_empty()
    }

    /// The digests, of which the plan must have one.
    pub(super) fn approved(&self) -> &[String] {
        &self.approve
    }

    /// Whether the user agrees to whatever is planned.
    pub(super) fn says_yes(&self) -> bool {
        self.yes
    }

    /// The same, agreed to, whatever the plan: an approval was for another one.
    pub(super) fn with_consent(&self) -> Self {
        Self { yes: true, approve: Vec::new(), ..self.clone() }
    }

    /// For a plan of which nothing has to be waited for.
    pub(super) fn agreed(yes: bool) -> Self {
        Self { yes, approve: Vec::new(), no_wait: true, cascade: Cascade::Background, deadline: None }
    }
}

/// What became of a plan that was shown.
pub(super) struct Acted {
    /// How the program ends.
    pub exit: Exit,
    /// The releases that failed, and go back by themselves.
    pub going_back: Vec<Arc<str>>,
}

impl From<Exit> for Acted {
    fn from(exit: Exit) -> Self {
        Self { exit, going_back: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cascade {
    /// It is deleted too, after them.
    Background,
    /// It stays, without an owner.
    Orphan,
}

/// A plan may not be applied.
#[derive(Debug, Error)]
enum ActingError {
    /// Some objects could not be compared.
    #[error("the plan was not applied: {} could not be compared", counted(*unknown, "object"))]
    Unknown { unknown: usize },
}

impl Diagnose for ActingError {
    fn kind(&self) -> Kind {
        Kind::Unknown
    }

    fn hint(&self) -> Option<String> {
        Some("The plan above says why; nothing was changed.".into())
    }
}

/// Shows a plan, asks, applies exactly it, and shows what came of it.
pub(super) fn act(planned: &Planned, args: &ActingArgs, format: Format, terminal: &Terminal) -> Result<Exit, Failure> {
    act_and_tell(planned, args, format, terminal).map(|acted| acted.exit)
}

/// As [`act`], and tells which releases go back by themselves.
pub(super) fn act_and_tell(
    planned: &Planned,
    args: &ActingArgs,
    format: Format,
    terminal: &Terminal,
) -> Result<Acted, Failure> {
    let report = planning::report(planned, Purpose::Plan, planned.plan.clone());
    let plan = &report.plan;
    let early = without_applying(plan);
    if format == Format::Text || early.is_some() {
        planning::print(&report, planned, &format.into(), terminal)?;
    }
    match early {
        Some(Exit::Unknown) => return Err(ActingError::Unknown { unknown: plan.summary().unknown }.into()),
        Some(exit) => return Ok(exit.into()),
        None => {}
    }
    let consent = Consent::of_user(planned, args, &report, terminal)?;
    let Ran { report, exit, going_back } = execute(&consent, args, terminal)?;
    if let Err(failure) = planning::print(&report, planned, &format.into(), terminal) {
        // The objects are written, whether anybody reads of it or not: this is no run that changed nothing.
        failure.diagnostics.iter().for_each(|it| terminal.diagnose(it));
        return Ok(Acted { exit: Exit::gravest([exit, Exit::Partial]), going_back });
    }
    if exit == Exit::Done {
        tell_notes(planned, terminal);
    }
    Ok(Acted { exit, going_back })
}

/// Says what the charts tell people of the releases that changed.
fn tell_notes(planned: &Planned, terminal: &Terminal) {
    for (release, notes) in planned.notes.iter().filter(|(_, notes)| !notes.trim().is_empty()) {
        if planned.plan.pending().any(|step| step.object.release == *release) {
            terminal.say(&harmless(&format!("notes of {release}:\n{}", notes.trim_end())));
        }
    }
}

/// How it ends with a plan that is not to be applied: it is refused, not wholly known, or empty.
pub(super) fn without_applying(plan: &Plan) -> Option<Exit> {
    match () {
        () if !plan.refusals.is_empty() => Some(Exit::Refused),
        () if plan.summary().unknown > 0 => Some(Exit::Unknown),
        () if plan.is_empty() => Some(Exit::Done),
        () => None,
    }
}

/// What came of a plan that was applied.
pub(super) struct Ran {
    /// What happened.
    pub report: Report,
    /// How the program ends.
    pub exit: Exit,
    /// The releases that failed, and go back by themselves.
    pub going_back: Vec<Arc<str>>,
}

/// Applies the plan of a consent, and tells how it goes on.
pub(super) fn execute(consent: &Consent<'_>, args: &ActingArgs, terminal: &Terminal) -> Result<Ran, Failure> {
    let planned = consent.planned();
    let manner = ApplySettings {
        wait: !args.no_wait,
        propagation: match args.cascade {
            Cascade::Background => Propagation::Background,
            Cascade::Orphan => Propagation::Orphan,
        },
        carry_on: false,
        deadline: args.deadline.map(Duration::from_secs),
    };
    let progress = terminal.progress();
    let watched = Watched::new(&planned.plan, progress.clone());
    let mut events = Vec::new();
    let mut show = |event: Event| {
        watched.tell(&event, terminal);
        events.push(event);
    };
    let ApplyResult { conclusion, signal, going_back } =
        wait(pipeline::apply(planned, manner, &|what| progress.at(what), &mut show))?;
    progress.done();
    let plan = planned.plan.clone();
    let warnings = conclusion.warnings.clone();
    let approval = consent.approval().cloned();
    let report = Report { events, warnings, approval, ..planning::report(planned, Purpose::Run, plan) };
    Ok(Ran { report, exit: exit(&conclusion, signal), going_back })
}

/// A run that is watched while it goes on.
struct Watched {
    board: Arc<Mutex<LiveView>>,
    began: Instant,
    progress: Progress,
}

impl Watched {
    fn new(plan: &Plan, progress: Progress) -> Self {
        let board = Arc::new(Mutex::new(LiveView::new(plan)));
        let began = Instant::now();
        let shown = Arc::clone(&board);
        progress.show(move |width, most| {
            let board = shown.lock().unwrap_or_else(PoisonError::into_inner);
            board.lines(began.elapsed(), width, most)
        });
        Self { board, began, progress }
    }

    /// What failed is worth a line that stays; what an object waits for is in the view, or a line where it changed.
    fn tell(&self, event: &Event, terminal: &Terminal) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        board.note(event, self.began.elapsed());
        let id = &event.id;
        let counts = board.counts();
        // Whoever draws the view needs the board.
        drop(board);
        match &event.outcome {
            Outcome::Waiting(what) => self.progress.changed(&harmless(&format!("waiting for {id}: {what}"))),
            Outcome::Failed(why) => {
                self.progress.above(|| terminal.say(&harmless(&format!("failed {id}: {why}"))));
            }
            _ => self.progress.counted(&counts),
        }
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
    let others = planned.plan.refusals.iter().filter(|it| !matches!(it, Refusal::Invalid { .. } | Refusal::NoIdentity));
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
    let manner = ApplySettings { wait: false, propagation: Propagation::Background, carry_on: true, deadline: None };
    let ended = pipeline::apply(planned, manner, &|_| (), &mut note).await?;
    let failures = failures.into_iter().map(|(id, why)| format!("{id}: {why}"));
    Ok(failures.chain(ended.conclusion.warnings).collect())
}
