//! What a person should look at, each with its place. Forges show these notices beside the lines of a change.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::values::ChangeParts;
use super::{EnvironmentReport, Outcomes, Purpose, Report, ReportPart, impact};
use crate::impact::Consequence;
use crate::manifest::ObjectId;
use crate::plan::{Action, Finding, Refusal, Ruling, Step};
use weft_base::diagnostic::{Diagnose, Diagnostic};
use weft_base::value::Origin;

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// How grave it is.
    pub level: Level,
    /// What sort of thing it is: `refusal/conflict`, `policy/limits`, `drift`, `impact/rights`, ...
    pub rule: String,
    /// What it says, without what it is about.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    pub environment: String,
    /// The release, if it is about one.
    pub release: Option<String>,
    /// The object, if it is about one.
    pub object: Option<ObjectId>,
    /// Where that is written.
    pub origin: Option<Origin>,
}

/// How grave a notice is, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It stops the run, or was stopped by it.
    Error,
    /// It may not be what is meant.
    Warning,
    /// It is worth knowing.
    Note,
}

impl Notice {
    /// A notice about an environment.
    pub fn new(level: Level, rule: impl Into<String>, environment: &str, message: String) -> Self {
        let environment = environment.to_owned();
        let rule = rule.into();
        Self { level, rule, message, environment, hint: None, release: None, object: None, origin: None }
    }

    /// What is wrong before there is a report.
    pub fn failed(environment: &str, diagnostic: &Diagnostic) -> Self {
        let message = diagnostic.reason();
        let hint = diagnostic.hint.clone();
        let origin = diagnostic.origin.clone();
        Self { hint, origin, ..Self::new(Level::Error, "error", environment, message) }
    }

    /// What it says and what it is about, with what to do: one text, of several lines where it has them.
    pub fn text(&self) -> String {
        let about = self.object.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
        let hint = self.hint.as_ref().map(|it| format!("\n{it}")).unwrap_or_default();
        format!("{about}{}{hint}", self.message)
    }

    /// Where to show it: the file and the line of its object, or else the first line of its environment.
    pub fn place(&self) -> (String, u32, u32) {
        let file = self.origin.as_ref().and_then(|it| Some((it.file.as_ref()?.to_string(), it.mark)));
        match file {
            Some((file, mark)) => (file, mark.line.max(1), mark.column.max(1)),
            None => (format!("environments/{}/environment.yaml", self.environment), 1, 1),
        }
    }

    fn of_step(self, step: &Step) -> Self {
        let origin = step.object.desired.as_ref().map(|it| it.origin.clone());
        let object = Some(step.object.id.clone());
        let release = Some(step.object.release.to_string());
        Self { release, object, origin, ..self }
    }
}

/// The path of a file of a project that is in this folder of its repository, empty for the top.
pub(super) fn below(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// Notices with what tells each from the others, in this run and in those to come: whatever lines and values it is
/// about, the same thing of the same object has the same mark. Projects in several folders of a repository have marks of
/// their own.
pub fn fingerprints<'n>(notices: &'n [Notice], folder: &str) -> Vec<(&'n Notice, String)> {
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mark = |notice: &Notice| {
        let about = notice.object.as_ref().map_or_else(|| notice.place().0, ToString::to_string);
        let folder = Some(folder.to_owned()).filter(|it| !it.is_empty());
        let key = [notice.rule.clone(), notice.environment.clone(), about].into_iter().chain(folder);
        let key: Vec<String> = key.collect();
        let count = seen.entry(key.clone()).or_default();
        *count += 1;
        let hash = Sha256::digest(format!("{}\n{count}", key.join("\n")));
        HEXLOWER.encode(&hash[..16])
    };
    let marks: Vec<String> = notices.iter().map(mark).collect();
    notices.iter().zip(marks).collect()
}

/// The notices of several environments, the gravest first.
pub fn notices_of_many(parts: &[ReportPart]) -> Vec<Notice> {
    let of = |part: &ReportPart| match part.told {
        EnvironmentReport::Report(report, _) => notices(report),
        EnvironmentReport::Failed(failed) => failed.iter().map(|it| Notice::failed(part.environment, it)).collect(),
        EnvironmentReport::Lines(_) | EnvironmentReport::Status(..) | EnvironmentReport::Skipped => Vec::new(),
    };
    let mut all: Vec<Notice> = parts.iter().flat_map(of).collect();
    all.sort_by_key(|it| it.level);
    all
}

/// The notices of a report, the gravest first.
pub fn notices(report: &Report) -> Vec<Notice> {
    let plan = &report.plan;
    let environment = plan.environment.as_str();
    let steps: Steps = plan.steps.iter().map(|step| (&step.object.id, step)).collect();
    let refusals = plan.refusals.iter().filter(|it| !matches!(it, Refusal::Policy(_)));
    let mut all: Vec<Notice> = refusals.map(|it| refused(environment, &steps, it)).collect();
    all.extend(plan.findings.iter().map(|it| ruled(environment, &steps, it)));
    all.extend(failed(report, &steps));
    all.extend(plan.steps.iter().filter_map(|step| of_step(report, step)));
    all.extend(impact::to_show(report).effects.iter().filter_map(|effect| {
        let level = match effect.what {
            Consequence::Data { .. } | Consequence::Rights { .. } | Consequence::Selector { .. } => Level::Warning,
            Consequence::NoRestart { .. } => Level::Note,
            // Each has a notice or a line of its own.
            Consequence::Restart { .. } | Consequence::Replace { .. } => return None,
        };
        let rule = format!("impact/{}", effect.what.name());
        let notice = Notice::new(level, rule, environment, effect.what.to_string());
        Some(about(&steps, &effect.object, notice))
    }));
    let warnings = report.warnings.iter();
    all.extend(warnings.map(|it| Notice::new(Level::Warning, "warning", environment, it.clone())));
    all.sort_by_key(|it| it.level);
    all
}

/// The steps of a plan by their objects.
type Steps<'p> = BTreeMap<&'p ObjectId, &'p Step>;

/// The notice as one about an object of the plan.
fn about(steps: &Steps, id: &ObjectId, notice: Notice) -> Notice {
    match steps.get(id) {
        Some(step) => notice.of_step(step),
        None => Notice { object: Some(id.clone()), ..notice },
    }
}

fn refused(environment: &str, steps: &Steps, refusal: &Refusal) -> Notice {
    let rule = format!("refusal/{}", refusal.name());
    let notice = Notice::new(Level::Error, rule, environment, refusal.to_string());
    let notice = Notice { hint: refusal.hint(), ..notice };
    match refusal.object() {
        Some(id) => about(steps, id, notice),
        None => notice,
    }
}

fn ruled(environment: &str, steps: &Steps, finding: &Finding) -> Notice {
    let level = if finding.ruling == Ruling::Deny { Level::Error } else { Level::Warning };
    let rule = format!("policy/{}", finding.rule);
    let notice = Notice::new(level, rule, environment, finding.message.clone());
    let hint = Some(format!("The rule is at {}.", finding.policy));
    let notice = Notice { hint, ..notice };
    match &finding.object {
        Some(id) => about(steps, id, notice),
        None => notice,
    }
}

/// Objects that did not end well.
fn failed(report: &Report, steps: &Steps) -> Vec<Notice> {
    let outcomes = Outcomes::from_events(&report.events);
    let open = outcomes.open.iter().map(|(id, outcome, reason)| {
        let rule = format!("run/{outcome}");
        about(steps, id, Notice::new(Level::Error, rule, &report.plan.environment, (*reason).to_owned()))
    });
    open.collect()
}

fn of_step(report: &Report, step: &Step) -> Option<Notice> {
    let environment = report.plan.environment.as_str();
    let (level, rule, message) = match (&step.action, report.purpose) {
        (_, Purpose::Run) => return None,
        (Action::Unknown { reason }, _) => (Level::Error, "unknown", reason.clone()),
        (Action::Create, Purpose::Drift) => (Level::Warning, "drift", "it is gone".to_owned()),
        (_, Purpose::Drift) => (Level::Warning, "drift", drifted(step)?),
        (Action::Delete, _) => (Level::Warning, "delete", "would be deleted".to_owned()),
        (Action::Recreate { reason, .. }, _) => {
            (Level::Warning, "recreate", format!("would be deleted and made again: {reason}"))
        }
        _ => return None,
    };
    Some(Notice::new(level, rule, environment, message).of_step(step))
}

/// What others changed, a line each.
fn drifted(step: &Step) -> Option<String> {
    let parts = ChangeParts { since: step.object.since_last_apply().collect(), ..ChangeParts::default() };
    let lines: Vec<String> = parts.lines().into_iter().flat_map(|(_, lines)| lines).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
