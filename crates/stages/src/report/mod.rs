//! Makes one [`Report`] from a plan and the events of its run. Text, JSON and Markdown are views of it.
//!
//! No view prints a secret: a sketch with a fingerprint takes its place. Texts from a cluster or a repository are
//! escaped, so they can neither steer a terminal nor break out of their place in a page.

mod annotations;
mod live_view;
mod closing;
mod columns;
mod escape;
mod html;
mod impact;
mod json;
mod junit;
mod many;
mod markdown;
mod notices;
mod status;
mod tallies;
mod text;
mod values;

use std::collections::BTreeMap;
use std::fmt;

pub use self::annotations::{github, gitlab, sarif};
pub use self::closing::{Outcomes, closing};
pub use self::escape::{fenced, lines as harmless, page as harmless_on_page};
pub use self::html::{html, html_of_many};
pub use self::impact::json_of_impact;
pub use self::json::{FORMAT_VERSION, ListOptions, json, json_of_step, optional};
pub use self::junit::{junit, junit_of_notices};
pub use self::live_view::LiveView;
pub use self::many::{EnvironmentReport, ReportPart, closing_of_many, json_of_many, markdown_of_many, text_of_many};
pub use self::markdown::{Budget, LIMIT, markdown};
pub use self::notices::{Level, Notice, fingerprints, notices, notices_of_many};
pub use self::status::{EnvironmentStatus, Standing};
pub use self::text::{TextStyle, WIDTH, text};
pub use self::values::json as json_of_value;
use crate::diff::{Class, ObjectComparison};
use crate::manifest::ObjectId;
use crate::plan::touched::TouchedReleases;
use crate::plan::{Action, Plan, Ruling, Step, Summary};

/// What a report is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// What an apply would do.
    #[default]
    Plan,
    /// What others changed.
    Drift,
    /// What an apply did; its plan was shown before.
    Run,
}

/// All facts of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// What it is about.
    pub purpose: Purpose,
    /// The cluster, as the environment names it; `None` if none is asked.
    pub cluster: Option<String>,
    /// The commit of the project, if it is a git repository.
    pub commit: Option<String>,
    /// What was to be done.
    pub plan: Plan,
    /// The digest that approves the plan, if it can be applied.
    pub digest: Option<String>,
    /// What happened, in order; empty for a run that only plans.
    pub events: Vec<Event>,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
    /// The releases that a change touches, if the run is restricted to them.
    pub touched: Option<TouchedReleases>,
    /// Who approved the plan, if somebody named its digest.
    pub approval: Option<Approval>,
}

/// An approval of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The digest of the plan.
    pub digest: String,
    /// The name of who approved it.
    pub by: String,
}

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "approved with --approve {} by {}", self.digest, self.by)
    }
}

impl Report {
    /// The digest that approves the plan; `None` if there is nothing left to approve.
    fn approvable(&self) -> Option<&str> {
        let open = self.purpose == Purpose::Plan && !self.plan.is_empty();
        if open { self.digest.as_deref() } else { None }
    }
}

/// Something that happened to an object while a plan was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: ObjectId,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// What other tools managed of it became ours; it is applied next.
    Adopted,
    /// The server took our version.
    Applied,
    /// It was deleted, or is going.
    Deleted,
    /// It was let go: it stays, and is managed no more.
    Orphaned,
    /// It is as its kind says it should be.
    Healthy,
    /// It is not yet; this is what is missing.
    Waiting(String),
    /// It failed, for this reason, or did not become healthy in time.
    Failed(String),
    /// It was not tried, for this reason.
    Skipped(String),
    /// A request got no answer: it may have been done or not.
    Unknown(String),
}

/// How much a view shows of each object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// How many there are.
    Counts,
    /// Which they are, and what is done to them.
    Names,
    /// Their changes.
    Changes,
    /// Their changes, and these in the whole of the object as YAML.
    #[default]
    Full,
}

/// How the changes of an object are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeLayout {
    /// A line a change, what others changed apart from what an apply would, and a new object as YAML.
    #[default]
    Lines,
    /// A table with what was applied, what is there, and what is wanted.
    Columns,
}

/// Which changes a view shows, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// How they are laid out.
    pub view: ChangeLayout,
    /// Whether those that a rule hides are shown as well.
    pub ignored: bool,
}

impl Show {
    /// Whether an object is shown by itself: any that is not unchanged.
    fn has(self, step: &Step) -> bool {
        step.action != Action::Unchanged || (self.ignored && has_ignored(&step.object))
    }

    /// The changes of an object that are shown.
    fn parts<'a>(self, report: &Report, object: &'a ObjectComparison) -> values::ChangeParts<'a> {
        let mut parts = values::ChangeParts::from_fields(&object.fields);
        if !self.ignored {
            parts.ignored.clear();
        }
        if report.purpose == Purpose::Drift && self.view == ChangeLayout::Lines {
            // What an apply would do about it is no part of that question.
            parts.next.retain(|change| !change.drifted);
        }
        parts
    }
}

fn has_ignored(object: &ObjectComparison) -> bool {
    object.fields.iter().any(|change| matches!(change.class, Class::Ignored(_)))
}

impl Outcome {
    /// A word for the variant.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Applied => "applied",
            Self::Deleted => "deleted",
            Self::Orphaned => "orphaned",
            Self::Healthy => "healthy",
            Self::Waiting(_) => "waiting",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What is missing, or why.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting(reason) | Self::Failed(reason) | Self::Skipped(reason) | Self::Unknown(reason) => {
                Some(reason)
            }
            Self::Adopted | Self::Applied | Self::Deleted | Self::Orphaned | Self::Healthy => None,
        }
    }
}

/// The word in front of a finding.
fn policy_word(report: &Report, ruling: Ruling) -> String {
    match (ruling, &report.approval) {
        (Ruling::Deny, _) => "denied".to_owned(),
        (Ruling::Approve, Some(approval)) if report.purpose == Purpose::Run => approval.to_string(),
        (Ruling::Approve, _) => "needs approval".to_owned(),
        (Ruling::Warn, _) => "policy".to_owned(),
    }
}

/// The steps of one release, in the order of the plan.
struct ReleaseSteps<'a> {
    name: &'a str,
    steps: Vec<&'a Step>,
    show: Show,
}

impl<'a> ReleaseSteps<'a> {
    /// The releases of a plan, in the order in which they first have a step.
    fn all(plan: &'a Plan, show: Show) -> Vec<Self> {
        let mut releases: Vec<Self> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &plan.steps {
            let name = step.object.release.as_ref();
            let at = *places.entry(name).or_insert(releases.len());
            if at == releases.len() {
                releases.push(Self { name, steps: Vec::new(), show });
            }
            releases[at].steps.push(step);
        }
        releases
    }

    fn summary(&self) -> Summary {
        self.steps.iter().map(|step| &step.action).collect()
    }

    /// The steps that are shown one by one.
    fn shown(&self) -> impl Iterator<Item = &'a Step> {
        // A hook that does not run gets a line only if something else is done.
        let changes = self.steps.iter().any(|step| step.action.is_pending());
        let rests = |step: &Step| step.action.hook().is_some() && !step.action.is_pending();
        self.steps.iter().copied().filter(move |step| self.show.has(step) && (changes || !rests(step)))
    }
}

/// The table of counts by release: its head, and a row each. Columns without any count are left out.
fn table(releases: &[ReleaseSteps]) -> (Vec<&'static str>, Vec<(String, Vec<usize>)>) {
    let summaries: Vec<_> = releases.iter().map(|release| release.summary().counts()).collect();
    let used: Vec<usize> = (0..Summary::default().counts().len())
        .filter(|column| summaries.iter().any(|counts| counts[*column].1 > 0))
        .collect();
    let head = used.iter().map(|column| Summary::default().counts()[*column].0).collect();
    let row = |counts: &[(&str, usize)]| used.iter().map(|column| counts[*column].1).collect();
    let names = releases.iter().map(|release| escape::line(release.name));
    (head, names.zip(&summaries).map(|(name, counts)| (name, row(counts))).collect())
}
