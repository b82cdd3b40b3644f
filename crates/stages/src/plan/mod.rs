//! [`Comparison`](crate::diff::Comparison) -> [`Plan`]: what an apply will do, in which order, and what it refuses.
//!
//! Nothing is deleted unless every gate of `prune` lets it through and the plan names it. What needs a person's consent
//! becomes a [`Refusal`]; what merely stays becomes [`Action::Keep`].

mod action;
mod alike;
mod build;
mod conflict;
mod deletions;
mod depends;
mod digest;
mod finding;
mod graph;
mod holders;
pub mod hooks;
mod immutable;
mod neighbours;
mod order;
mod ownership;
mod positions;
mod prune;
mod refusal;
mod replace;
mod residents;
mod revisions;
mod stages;
pub mod touched;
mod relations;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::action::{Action, Dependents, Summary};
pub use self::build::plan;
pub use self::finding::{Finding, Ruling};
pub use self::hooks::{HookAction, HookCourse, HookFacts, HookStep};
pub use self::neighbours::IgnoredMark;
pub use self::neighbours::written;
pub use self::ownership::{Ownership, Rewrite};
pub(crate) use self::prune::is_guarded;
pub use self::refusal::Refusal;
pub use self::residents::{ContainerScope, containers};
pub use self::revisions::{Objects, of_environments, of_revisions, rebase};
use crate::diff::{Class, FieldChange, ObjectComparison, Residents, Tool};
pub use crate::manifest::PART_OF;
use crate::manifest::{Object, ObjectId, ObjectSet};
use crate::project::{ConflictRule, Prune, ReplaceRule};
use weft_base::value::Origin;

/// Everything an apply would do. It is data: the text that people read and the steps that run are views of it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub environment: String,
    /// The steps: wanted objects, then removed ones, each sorted by wave, release and object.
    pub steps: Vec<Step>,
    /// Their order: each step that may run is in one stage of [`Work::Apply`] or [`Work::Delete`].
    pub stages: Vec<Stage>,
    /// By release that has or had hooks, how the record of them changes.
    pub hooks: BTreeMap<Arc<str>, HookCourse>,
    /// By release, the prune policy to record for the time when the repository no longer has the release. Only if it
    /// differs from the recorded one.
    pub policies: BTreeMap<String, Prune>,
    /// By release, why its inventory is rewritten although no object changes.
    pub rewrites: BTreeMap<String, Rewrite>,
    /// Why the plan must not be applied as it is; empty if it may be.
    pub refusals: Vec<Refusal>,
    /// What the policies of the repository say about it; a denial is a refusal as well.
    pub findings: Vec<Finding>,
}

/// One object and what is done to it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The length of the longest chain of non-empty stages before its own. Only for reading: a step does not wait for all
    /// earlier waves.
    pub wave: usize,
    /// The object, with its field changes.
    pub object: ObjectComparison,
    /// The counterpart, if it is one half of a rename or a move.
    pub was: Option<Relation>,
}

/// A part of a plan that begins as soon as the stages before it have succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The release that fails if the stage fails.
    pub release: Arc<str>,
    /// What is done with its steps.
    pub work: Work,
    /// The indices of its steps in [`Plan::steps`]; they may run side by side. A stage without steps is a junction: it is
    /// done as soon as the stages before it are.
    pub steps: Vec<usize>,
    /// The indices of the stages before it in [`Plan::stages`], each lower than its own.
    pub after: Vec<usize>,
}

/// What is done with the steps of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Applies their objects; kinds that these define can be used when it ends.
    Apply,
    /// Waits until what was applied is healthy, as long as its release allows.
    Wait,
    /// Deletes their objects; they are gone when it ends.
    Delete,
    /// Runs their hooks to the end, or deletes what hooks left.
    Run,
}

/// What an object was before, or what it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Relation {
    /// This new object is nearly the one that leaves under this name.
    Named(ObjectId),
    /// The object that leaves is nearly this new one.
    Becomes(ObjectId),
    /// It was part of this release, which hands it over.
    OfRelease(#[serde(with = "relations::name")] Arc<str>),
    /// It is part of this release from now on.
    GoesTo(#[serde(with = "relations::name")] Arc<str>),
}

/// What a plan has to know about a release besides its objects. The facts of releases that were not selected are
/// handed in as well: their inventories may claim an object.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFacts {
    pub name: Arc<str>,
    /// The releases that must be there first.
    pub needs: Vec<String>,
    /// What becomes of objects that leave it.
    pub prune: Prune,
    /// What its inventory keeps of that.
    pub kept_prune: Prune,
    /// Whether the repository has it; `false` for a release that only an inventory knows.
    pub declared: bool,
    /// Why it is not in the environment, if nobody asked for its removal.
    pub vanished: Option<AbsenceReason>,
    /// The namespace that the repository gives it; empty for a release that only an inventory knows.
    pub namespace: String,
    /// What the label [`PART_OF`] of its objects says.
    pub set: String,
    /// The objects that its inventory holds.
    pub inventory: Arc<ObjectSet>,
    /// The objects that the repository gives it, if it is not part of the run.
    pub wanted: BTreeSet<ObjectId>,
    /// Why these are unknown, if they are needed.
    pub unrendered: Option<String>,
    /// Who decides about fields that others own: its own rules, then those of the environment.
    pub conflicts: Vec<ConflictRule>,
    /// Which of its objects may be recreated, by its own rules and those of the environment.
    pub replace: Vec<ReplaceRule>,
    /// Its hooks; empty if it is not part of the run.
    pub hooks: HookFacts,
}

/// Why a release that has objects in the cluster is not in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsenceReason {
    /// No file declares it, or it is not enabled.
    Undeclared,
    /// Its condition does not hold.
    Condition(String),
    /// No file declares it, and its state does not say whose it is.
    Unclaimed,
}

/// What people allowed on the command line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Guards {
    /// How many objects of a release may be deleted; without it 5 or 20 % of its inventory, whichever is more. Of an
    /// environment, so many or 10 or 20 % of its inventories, whichever is most.
    pub cap: Option<usize>,
    /// The confirmation that a [`Refusal::PruneCap`] asked for.
    pub confirm: Option<String>,
    /// The kinds that are deleted only when named: `Namespace`, `PersistentVolumeClaim`, ...
    pub allow_delete: BTreeSet<String>,
    /// The releases that may render to nothing, and the environment, if it may have no releases.
    pub allow_empty: BTreeSet<String>,
    /// The releases that may go although they are only not in the environment any more, or that may leave their namespace.
    pub remove_release: BTreeSet<String>,
    /// Whether the state may have been written from another repository that carries the identity of this project.
    pub repository_moved: bool,
    /// The field managers whose fields are taken; a `*` at the end stands for any ending.
    pub take: Vec<String>,
    /// The objects that may be recreated: `KIND/NAME` or `Kind.group/NAMESPACE/NAME`.
    pub replace: BTreeSet<String>,
    /// The objects that are let go instead of deleted, whatever their release says; all if the list is empty. Nothing
    /// else is touched then.
    pub orphan: Option<BTreeSet<String>>,
}

/// What the actions depend on besides the object itself.
struct PlanContext<'a> {
    releases: &'a [ReleaseFacts],
    by_name: HashMap<&'a Arc<str>, &'a ReleaseFacts>,
    residents: &'a BTreeMap<ObjectId, Residents>,
}

impl<'a> PlanContext<'a> {
    fn new(releases: &'a [ReleaseFacts], residents: &'a BTreeMap<ObjectId, Residents>) -> Self {
        Self { releases, by_name: by_name(releases), residents }
    }

    fn release(&self, name: &Arc<str>) -> Option<&'a ReleaseFacts> {
        self.by_name.get(name).copied()
    }
}

/// Releases by name; of two with the same name the first one counts.
fn by_name(releases: &[ReleaseFacts]) -> HashMap<&Arc<str>, &ReleaseFacts> {
    releases.iter().rev().map(|release| (&release.name, release)).collect()
}

impl Guards {
    /// Whether a plan may be about an object that left.
    pub fn are_about(&self, id: &ObjectId) -> bool {
        let named = |words: &BTreeSet<String>| words.is_empty() || words.iter().any(|word| replace::names(word, id));
        self.orphan.as_ref().is_none_or(named)
    }

    /// The words of [`Self::orphan`] that name none of these objects.
    pub fn naming_none<'g>(&'g self, objects: &[&ObjectId]) -> impl Iterator<Item = &'g String> {
        let words = self.orphan.iter().flatten();
        words.filter(|word| !objects.iter().any(|id| replace::names(word, id)))
    }
}

impl Plan {
    /// How many steps there are of each action.
    pub fn summary(&self) -> Summary {
        self.steps.iter().map(|step| &step.action).collect()
    }

    /// The refusals, each with the origin of its object.
    pub fn refusals_with_origins(&self) -> impl Iterator<Item = (&Refusal, Option<&Origin>)> {
        let steps: &[Step] = if self.refusals.is_empty() { &[] } else { &self.steps };
        let desired = steps.iter().filter_map(|step| Some((&step.object.id, step.object.desired.as_ref()?)));
        let origins: HashMap<&ObjectId, &Origin> = desired.map(|(id, object)| (id, &object.origin)).collect();
        self.refusals.iter().map(move |it| (it, it.object().and_then(|id| origins.get(id).copied())))
    }

    /// The part of the plan that others made necessary: fields that they changed, and objects that they deleted. Unknown
    /// objects stay in. It is for reading: it has no stages.
    #[must_use]
    pub fn drift(&self) -> Plan {
        let drifted =
            |step: &&Step| step.is_drift() || matches!(step.action, Action::Unknown { .. } | Action::Unchanged);
        let steps = self.steps.iter().filter(drifted).map(Step::of_drift).collect();
        Plan { environment: self.environment.clone(), steps, ..Plan::default() }
    }

    /// Notes what the rules of the repository say; what they deny is refused.
    pub fn find(&mut self, findings: Vec<Finding>) {
        let denied = findings.iter().filter(|it| it.ruling == Ruling::Deny).cloned();
        self.refusals.extend(denied.map(Refusal::Policy));
        self.findings.extend(findings);
    }

    /// Whether a rule asks for the approval of exactly this plan.
    pub fn needs_approval(&self) -> bool {
        self.findings.iter().any(|it| it.ruling == Ruling::Approve)
    }

    /// How many objects of a release it creates.
    pub fn created(&self, release: &str) -> usize {
        self.steps.iter().filter(|step| step.action == Action::Create && *step.object.release == *release).count()
    }

    /// The other tools that count objects of the plan among theirs, with these objects.
    pub fn tools(&self) -> BTreeMap<&Tool, Vec<&ObjectId>> {
        let mut tools: BTreeMap<&Tool, Vec<&ObjectId>> = BTreeMap::new();
        for object in self.steps.iter().map(|step| &step.object) {
            object.tools.iter().for_each(|tool| tools.entry(tool).or_default().push(&object.id));
        }
        tools
    }

    /// Whether there is nothing to do: no object and no inventory would change, and nothing is unknown.
    pub fn is_empty(&self) -> bool {
        self.pending().next().is_none() && self.policies.is_empty() && self.rewrites.is_empty()
    }

    /// The steps that change anything, or might.
    pub fn pending(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action.is_pending())
    }
}

impl Step {
    /// The object that is sent. A recreated object is sent exactly as the repository has it: fields that rules leave to
    /// others went with the old one.
    pub fn sent(&self) -> Option<&Arc<Object>> {
        let whole = if matches!(self.action, Action::Recreate { .. }) { self.object.repository.as_ref() } else { None };
        whole.or(self.object.desired.as_ref())
    }

    /// Whether somebody else made it necessary.
    pub fn is_drift(&self) -> bool {
        let lost = self.action == Action::Create && self.object.recorded.is_some();
        lost || self.object.fields.iter().any(FieldChange::is_drift)
    }

    /// The step with only what others did.
    fn of_drift(&self) -> Step {
        let mut step = self.clone();
        step.object.fields.retain(|change| change.is_drift() || matches!(change.class, Class::Ignored(_)));
        step.object.adopts = None;
        step
    }

    /// The fields that this step takes from other field managers: an apply may force exactly these conflicts.
    pub fn takes(&self) -> impl Iterator<Item = &FieldChange> {
        self.object.fields.iter().filter(|change| change.takes_over())
    }
}

impl FieldChange {
    /// Whether somebody else changed the field since we applied it.
    pub fn is_drift(&self) -> bool {
        self.drifted && self.changes()
    }

    /// Whether applying it overwrites a value that somebody else owns.
    pub fn takes_over(&self) -> bool {
        let value = self.desired.value();
        self.changes() && value.is_some() && value != self.live.as_ref() && !self.writers.is_empty()
    }
}

impl fmt::Display for Relation {
    /// `was ConfigMap shop/a`, `becomes ConfigMap shop/b`, `comes from the release shop`, `goes to the release shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(id) => write!(f, "was `{id}`"),
            Self::Becomes(id) => write!(f, "becomes `{id}`"),
            Self::OfRelease(release) => write!(f, "comes from the release `{release}`"),
            Self::GoesTo(release) => write!(f, "goes to the release `{release}`"),
        }
    }
}
