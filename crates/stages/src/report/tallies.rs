//! The counts before the closing line: how objects were judged, what is hidden, and what is unknown.

use std::collections::BTreeMap;

use crate::diff::{Cause, Class, Judged, Verdict};
use crate::plan::{Action, Plan, Rewrite, Step};
use crate::project::Prune;
use weft_base::diagnostic::counted;

/// What is counted besides the actions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tallies {
    /// How many objects were judged in which way, the strongest first.
    pub judged: [(&'static str, usize); 5],
    /// How many fields rules hide, and of how many objects.
    pub ignored: (usize, usize),
    /// How many objects are unknown, by cause and kind.
    pub unknown: BTreeMap<Cause, BTreeMap<String, usize>>,
    /// By release, what its inventory says from now on about the objects that leave it.
    pub policies: BTreeMap<String, Prune>,
    /// By release, why its inventory is written anew.
    pub rewrites: BTreeMap<String, Rewrite>,
}

/// The words for the ways of judging, the strongest first.
const WAYS: [&str; 5] = ["recorded", "structure", "dry-run", "predicted", "refused"];

/// The word for how an object was judged; `trivial` if there was nothing to compare.
pub(super) fn way(judged: &Judged) -> &'static str {
    match judged {
        Judged::Recorded => "recorded",
        Judged::Structure => "structure",
        Judged::DryRun => "dry-run",
        Judged::Predicted(_) => "predicted",
        Judged::Refused(_) => "refused",
        Judged::Trivial => "trivial",
    }
}

/// Why a step is unknown.
pub(super) fn cause(step: &Step) -> Option<Cause> {
    match (&step.action, &step.object.verdict) {
        (Action::Unknown { .. }, Verdict::Unknown(why)) => Some(why.cause),
        (Action::Unknown { .. }, _) => Some(Cause::Undecided),
        _ => None,
    }
}

impl Tallies {
    pub fn from_plan(plan: &Plan) -> Self {
        let policies = plan.policies.clone();
        let rewrites = plan.rewrites.clone();
        let mut tallies = Self { judged: WAYS.map(|way| (way, 0)), policies, rewrites, ..Self::default() };
        for step in &plan.steps {
            let way = way(&step.object.judged);
            tallies.judged.iter_mut().filter(|(name, _)| *name == way).for_each(|(_, count)| *count += 1);
            let ignored = step.object.fields.iter().filter(|it| matches!(it.class, Class::Ignored(_))).count();
            tallies.ignored.0 += ignored;
            tallies.ignored.1 += usize::from(ignored > 0);
            if let Some(cause) = cause(step) {
                *tallies.unknown.entry(cause).or_default().entry(step.object.id.kind.kind.clone()).or_default() += 1;
            }
        }
        tallies
    }

    /// A line for each useful count. How objects were judged is left out if all are proven.
    pub fn lines(&self, ignored_are_shown: bool) -> Vec<String> {
        let asked = self.judged.iter().any(|(way, count)| *count > 0 && !Self::is_proof(way));
        let judged = asked.then(|| {
            let some = self.judged.iter().filter(|(_, count)| *count > 0);
            format!(
                "judged: {}",
                some.map(|(way, count)| format!("{count} {}", words(way))).collect::<Vec<_>>().join(", ")
            )
        });
        let (fields, objects) = self.ignored;
        let flag = if ignored_are_shown { "" } else { "; `--show-ignored` shows them" };
        let ignored = (fields > 0)
            .then(|| format!("ignored: {} of {}{flag}", counted(fields, "field"), counted(objects, "object")));
        let unknown = self.unknown.iter().map(|(cause, kinds)| {
            let kinds = kinds.iter().map(|(kind, count)| counted(*count, kind));
            format!("unknown ({cause}): {}", kinds.collect::<Vec<_>>().join(", "))
        });
        let policies = self.policies.iter().map(|(release, prune)| format!("release {release}: {}", policy(*prune)));
        let rewrites = self.rewrites.iter().map(|(release, why)| format!("release {release}: {why}"));
        judged.into_iter().chain(ignored).chain(unknown).chain(policies).chain(rewrites).collect()
    }

    fn is_proof(way: &str) -> bool {
        matches!(way, "recorded" | "structure")
    }
}

/// What becomes of objects that leave a release, as it is kept from now on.
fn policy(prune: Prune) -> &'static str {
    match prune {
        Prune::Delete => "what leaves it is deleted from now on (`prune: true`)",
        Prune::Keep => "what leaves it stays from now on (`prune: false`)",
        Prune::Orphan => "what leaves it is let go from now on (`prune: orphan`)",
    }
}

/// A way of judging behind a count.
fn words(way: &str) -> &str {
    match way {
        "recorded" => "by the record",
        "structure" => "by structure",
        "dry-run" => "by a dry run",
        "refused" => "refused by the server",
        way => way,
    }
}
