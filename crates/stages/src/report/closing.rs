//! The closing line of a run.

use std::collections::BTreeMap;

use super::{Event, Outcome, Purpose, Report};
use crate::manifest::ObjectId;
use weft_base::diagnostic::counted;

/// What became of the objects of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcomes<'a> {
    /// How many were applied.
    pub applied: usize,
    /// How many were deleted.
    pub deleted: usize,
    /// How many were let go.
    pub orphaned: usize,
    /// How many became healthy.
    pub healthy: usize,
    /// Those that ended well, with how they ended.
    pub done: Vec<(&'a ObjectId, &'static str)>,
    /// Those that did not end well, with how they ended and why; failures first.
    pub open: Vec<(&'a ObjectId, &'static str, &'a str)>,
}

impl<'a> Outcomes<'a> {
    /// Counts the events; an object ends as its last event says.
    pub fn from_events(events: &'a [Event]) -> Self {
        let mut outcomes = Self::default();
        let mut last: BTreeMap<&ObjectId, &Outcome> = BTreeMap::new();
        for event in events {
            outcomes.applied += usize::from(event.outcome == Outcome::Applied);
            outcomes.deleted += usize::from(event.outcome == Outcome::Deleted);
            outcomes.orphaned += usize::from(event.outcome == Outcome::Orphaned);
            last.insert(&event.id, &event.outcome);
        }
        for (id, outcome) in last {
            outcomes.healthy += usize::from(*outcome == Outcome::Healthy);
            match outcome.reason() {
                Some(reason) => outcomes.open.push((id, outcome.name(), reason)),
                None => outcomes.done.push((id, outcome.name())),
            }
        }
        outcomes.open.sort_by_key(|(_, outcome, _)| {
            ["failed", "unknown", "waiting"].iter().position(|it| it == outcome).unwrap_or(3)
        });
        outcomes
    }

    /// The counts with their names, in the order in which they are shown.
    pub fn counts(&self) -> [(&'static str, usize); 8] {
        let open = |name: &str| self.open.iter().filter(|(_, outcome, _)| *outcome == name).count();
        [
            ("applied", self.applied),
            ("deleted", self.deleted),
            ("orphaned", self.orphaned),
            ("healthy", self.healthy),
            ("waiting", open("waiting")),
            ("failed", open("failed")),
            ("skipped", open("skipped")),
            ("unknown", open("unknown")),
        ]
    }
}

/// The closing line, such as `dev: 3 to create, 40 unchanged`, without a line break.
pub fn closing(report: &Report) -> String {
    let plan = &report.plan;
    let summary = report.plan.summary();
    let counts = words(&counts(report));
    let said = match (report.purpose, plan.refusals.len()) {
        (Purpose::Drift, _) if summary.create + summary.update + summary.recreate + summary.unknown == 0 => {
            format!("no drift ({})", counted(summary.unchanged, "object"))
        }
        (Purpose::Drift, _) => counts,
        _ if report.events.is_empty() && plan.is_empty() => nothing(summary.unchanged, summary.keep),
        (_, 0) => counts,
        (_, 1) => format!("refused for 1 reason; {counts}"),
        (_, reasons) => format!("refused for {reasons} reasons; {counts}"),
    };
    format!("{}: {said}", super::escape::line(&plan.environment))
}

/// What the closing line counts, with its words.
pub(super) fn counts(report: &Report) -> Vec<(&'static str, usize)> {
    let summary = report.plan.summary();
    if report.purpose == Purpose::Drift {
        let drifted = summary.create + summary.update + summary.recreate;
        return vec![("drifted", drifted), ("unknown", summary.unknown), ("as applied", summary.unchanged)];
    }
    if !report.events.is_empty() {
        let mut counts = Outcomes::from_events(&report.events).counts().to_vec();
        counts.push(("unchanged", summary.unchanged));
        return counts;
    }
    vec![
        ("to create", summary.create),
        ("to change", summary.update),
        ("to recreate", summary.recreate),
        ("to delete", summary.delete),
        ("to let go", summary.orphan),
        ("to run", summary.run),
        ("to note", summary.note),
        ("kept", summary.keep),
        ("to forget", summary.forget),
        ("unknown", summary.unknown),
        ("unchanged", summary.unchanged),
    ]
}

fn nothing(unchanged: usize, kept: usize) -> String {
    let objects = counted(unchanged, "object");
    let kept = if kept == 0 { String::new() } else { format!(", {kept} kept") };
    format!("nothing to change ({objects}{kept})")
}

pub(super) fn words(counts: &[(&str, usize)]) -> String {
    let some: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    some.join(", ")
}
