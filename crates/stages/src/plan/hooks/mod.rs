//! Decides which hooks of a release run, when and why, and which of their leftovers are removed.

mod state;
mod test_plan;
mod turn;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Action, Plan, Refusal, ReleaseFacts, build};
use crate::diff::{self, ObjectComparison, Verdict, holds_secret};
use crate::manifest::hooks::{Cleanup, Occasion, Phase, Point, Role, Terms, role};
use crate::manifest::{Hook, Object, ObjectId};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Origin, Value};
use weft_schema::Gvk;

pub use self::state::{HookBody, HookLeftover, HookRecord, HookState};
pub use self::test_plan::test_plan;
pub(super) use self::turn::{HookTurn, is_last};

/// How much of its digest is in the name of a hook.
const HASH: usize = 10;
/// Labels, and so the names of Jobs, have at most so many characters.
const LONGEST: usize = 63;

/// What a plan has to know about the hooks of a release.
#[derive(Clone, Debug, Default)]
pub struct HookFacts {
    /// What the repository says, or for a rollback the revision.
    pub wanted: Vec<Arc<WantedHook>>,
    /// What the inventory keeps.
    pub kept: HookState,
    /// Whether the release goes back to a revision.
    pub back: bool,
}

/// A hook with the digest of all that it says.
#[derive(Clone, Debug)]
pub struct WantedHook {
    /// The hook.
    pub hook: Hook,
    /// The digest; keyed if it covers a secret.
    pub digest: String,
}

/// What is done about a hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookStep {
    /// What is done.
    pub does: HookAction,
    /// Why, with the point.
    pub reason: String,
    /// The point at which it is run.
    pub point: Point,
    /// The object under the name that is written.
    pub of: ObjectId,
    /// How it is run.
    pub terms: Terms,
    /// Whether an earlier run that is still under way, or ended well, is waited for instead of starting a new one.
    pub resumes: bool,
    /// The objects of its earlier runs that are deleted when it has run well.
    pub removes: Vec<ObjectId>,
}

/// What is done about a hook, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookAction {
    /// It is run.
    Run,
    /// It is not run in this plan.
    Rest,
    /// What it says is kept for the time when the release is deleted, or no longer.
    Note,
    /// What it left in the cluster is deleted.
    Remove,
}

impl WantedHook {
    /// A hook with its digest.
    pub fn new(hook: Hook, key: &FingerprintKey) -> Self {
        let digest = digest(&hook.object, &hook.object.id, key);
        Self { hook, digest }
    }
}

/// The digest of what a hook says under the name that is written. Without anything secret it is the same everywhere.
pub fn digest(object: &Object, written: &ObjectId, key: &FingerprintKey) -> String {
    let body = &renamed(object, &written.name).body;
    if holds_secret(body) { diff::digest(body, key) } else { diff::digest(body, &FingerprintKey::new([0; 32])) }
}

/// How what is kept about the hooks of a release changes when a plan is applied.
#[derive(Clone, Debug)]
pub struct HookCourse {
    /// What is done with the release.
    pub occasion: Occasion,
    /// What the inventory keeps about them.
    pub kept: HookState,
    /// What the repository says now, or for a rollback the revision.
    pub wanted: Vec<Arc<WantedHook>>,
}

/// Adds what is done about the hooks of all releases to what is done about their objects.
pub(super) fn plan(
    actions: &mut Vec<(Action, ObjectComparison)>,
    releases: &[ReleaseFacts],
) -> BTreeMap<Arc<str>, HookCourse> {
    let mut courses = BTreeMap::new();
    let mut of_releases: HashMap<&str, Vec<&Action>> = HashMap::new();
    for (action, object) in &*actions {
        of_releases.entry(&object.release).or_default().push(action);
    }
    let mut added = Vec::new();
    for facts in releases.iter().filter(|it| !it.hooks.is_empty()) {
        let judge = HookJudge::new(facts, of_releases.get(&*facts.name).map_or(&[][..], Vec::as_slice));
        let HookFacts { wanted, kept, .. } = facts.hooks.clone();
        courses.insert(Arc::clone(&facts.name), HookCourse { occasion: judge.occasion, kept, wanted });
        added.extend(judge.actions());
    }
    actions.extend(added);
    courses
}

impl Plan {
    /// The hooks that are run, or kept for the time when their release is deleted: whether a server would take them is
    /// to be known before.
    pub fn hooks_to_check(&mut self) -> impl Iterator<Item = &mut ObjectComparison> {
        let courses = &self.hooks;
        self.steps.iter_mut().filter_map(move |step| {
            let hook = step.action.hook()?;
            let wanted = &courses.get(&step.object.release)?.wanted;
            let counts = match hook.does {
                HookAction::Run => true,
                HookAction::Note => wanted.iter().any(|it| it.hook.object.id == hook.of),
                HookAction::Rest | HookAction::Remove => false,
            };
            (counts && step.object.desired.is_some()).then_some(&mut step.object)
        })
    }

    /// Refuses the hooks that were found wrong.
    pub fn refuse_hooks(&mut self) {
        let hooks = self.steps.iter().filter(|step| step.action.hook().is_some()).map(|step| &step.object);
        let found: Vec<Refusal> =
            hooks.flat_map(|object| build::invalid(object, false).chain(build::refused(object))).collect();
        self.refusals.extend(found);
    }
}

impl HookFacts {
    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.kept == HookState::default()
    }
}

/// What there is to know about one release.
struct HookJudge<'a> {
    facts: &'a ReleaseFacts,
    occasion: Occasion,
    changes: bool,
    /// Whether it loses objects.
    loses: bool,
}

impl<'a> HookJudge<'a> {
    fn new(facts: &'a ReleaseFacts, own: &[&Action]) -> Self {
        let own = || own.iter().copied();
        let kept = &facts.hooks.kept;
        let there = own().any(|action| !matches!(action, Action::Create)) || !facts.inventory.is_empty();
        let occasion = match kept.unfinished {
            _ if facts.hooks.back => Occasion::Rollback,
            _ if !facts.declared => Occasion::Delete,
            Some(Occasion::Install) => Occasion::Install,
            _ if there || !kept.seen.is_empty() => Occasion::Upgrade,
            _ => Occasion::Install,
        };
        let changes = own().any(Action::is_pending) || kept.unfinished.is_some();
        let loses = own().any(|action| *action == Action::Delete);
        Self { facts, occasion, changes, loses }
    }

    fn actions(&self) -> Vec<(Action, ObjectComparison)> {
        let HookFacts { wanted, kept, .. } = &self.facts.hooks;
        if self.occasion == Occasion::Delete {
            return self.farewell();
        }
        let run = wanted.iter().flat_map(|it| self.due(&it.hook).map(|point| self.judge(it, point)));
        let noted = wanted.iter().filter(|it| kept.is_news(&it.hook)).map(|it| {
            let reason = "what it does when its release is deleted is kept in the inventory";
            step(&it.hook, HookAction::Note, self.point(&it.hook), reason.to_owned())
        });
        let names: BTreeSet<&ObjectId> = wanted.iter().map(|it| &it.hook.object.id).collect();
        let left = kept.left.iter().filter(|(_, left)| !names.contains(&left.of));
        let left = left.map(|(id, _)| self.remove(id, "its hook left the repository"));
        let stays = |id: &ObjectId| wanted.iter().any(|it| it.hook.object.id == *id && it.hook.is_of(Occasion::Delete));
        let dropped = kept.bodies.iter().filter(|(id, _)| !stays(id));
        let dropped = dropped.filter_map(|(id, body)| {
            let hook = body.hook(id, &self.facts.name)?;
            let reason = "it left the repository, and is not run when its release is deleted";
            Some(step(&hook, HookAction::Note, self.point(&hook), reason.to_owned()))
        });
        run.chain(noted).chain(dropped).chain(left).collect()
    }

    /// What a release does that is deleted, as far as it loses anything.
    fn farewell(&self) -> Vec<(Action, ObjectComparison)> {
        let HookFacts { kept, .. } = &self.facts.hooks;
        if !self.loses && !self.facts.inventory.is_empty() {
            return Vec::new();
        }
        let hooks = kept.bodies.iter().filter_map(|(id, body)| body.hook(id, &self.facts.name));
        let run = hooks.flat_map(|hook| {
            let points: Vec<Point> = self.due(&hook).collect();
            let hook = WantedHook { digest: diff::digest(&hook.object.body, &FingerprintKey::new([0; 32])), hook };
            points.into_iter().map(move |point| self.judge(&hook, point)).collect::<Vec<_>>()
        });
        let left = kept.left.keys().map(|id| self.remove(id, "its release is deleted"));
        run.chain(left).collect()
    }

    /// The points of a hook that this run comes to.
    fn due<'h>(&self, hook: &'h Hook) -> impl Iterator<Item = Point> + use<'h> {
        let occasion = self.occasion;
        hook.terms.points.iter().copied().filter(move |point| point.occasion == occasion)
    }

    /// Any point of a hook, for what is not run.
    fn point(&self, hook: &Hook) -> Point {
        let first = hook.terms.points.iter().find(|it| it.occasion == Occasion::Delete).copied();
        first.unwrap_or(Point { occasion: self.occasion, phase: Phase::After })
    }

    fn judge(&self, wanted: &WantedHook, point: Point) -> (Action, ObjectComparison) {
        let WantedHook { hook, digest } = wanted;
        let seen = self.facts.hooks.kept.seen.get(&(hook.object.id.clone(), point.recorded_as()));
        let (does, why) = match seen {
            None => (HookAction::Run, "it never ran"),
            Some(seen) if seen.digest != *digest => (HookAction::Run, "what it says changed"),
            Some(_) if !self.changes => (HookAction::Rest, "nothing of its release changes"),
            Some(_) if self.occasion == Occasion::Rollback => (HookAction::Run, "it runs at every rollback"),
            Some(seen) if !seen.ran => (HookAction::Run, "it never ran"),
            Some(_) if hook.terms.always => (HookAction::Run, "it runs whenever its release changes"),
            Some(_) => (HookAction::Rest, "what it says did not change since it ran"),
        };
        let (action, mut object) = step(hook, does, point, format!("{point}, {why}"));
        let Action::Hook(mut step) = action else { return (action, object) };
        if hook.terms.renamed {
            let several = self.due(hook).count() > 1;
            let named = renamed(&hook.object, &content_name(&hook.object.id.name, digest, several.then_some(point)));
            object.id = named.id.clone();
            object.desired = Some(Arc::new(named));
        }
        let kept = &self.facts.hooks.kept;
        let ran = seen.is_some_and(|seen| seen.ran && seen.digest == *digest);
        step.resumes = kept.unfinished.is_some() && !ran && kept.left.contains_key(&object.id);
        if does == HookAction::Run && hook.terms.cleanup.contains(&Cleanup::Older) {
            let left = self.facts.hooks.kept.left.iter();
            let older = left.filter(|(id, left)| left.of == hook.object.id && **id != object.id);
            step.removes = older.map(|(id, _)| id.clone()).collect();
        }
        (Action::Hook(step), object)
    }

    fn remove(&self, id: &ObjectId, reason: &str) -> (Action, ObjectComparison) {
        let point = Point { occasion: self.occasion, phase: Phase::After };
        let step = HookStep {
            does: HookAction::Remove,
            reason: reason.to_owned(),
            point,
            of: id.clone(),
            terms: Terms::default(),
            resumes: false,
            removes: Vec::new(),
        };
        let object = ObjectComparison::bare(id.clone(), Arc::clone(&self.facts.name), Verdict::Gone);
        (Action::Hook(Box::new(step)), object)
    }
}

fn step(hook: &Hook, does: HookAction, point: Point, reason: String) -> (Action, ObjectComparison) {
    let Hook { object, terms } = hook;
    let of = object.id.clone();
    let terms = terms.clone();
    let step = HookStep { does, reason, point, of, terms, resumes: false, removes: Vec::new() };
    let new = ObjectComparison {
        desired: Some(Arc::new(object.clone())),
        ..ObjectComparison::bare(object.id.clone(), Arc::clone(&object.release), Verdict::Create)
    };
    (Action::Hook(Box::new(step)), new)
}

impl fmt::Display for HookAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run => "run",
            Self::Rest => "rest",
            Self::Note => "note",
            Self::Remove => "remove",
        })
    }
}

/// The name of a hook with the beginning of its digest. One that is run twice in a run has two names.
fn content_name(name: &str, digest: &str, point: Option<Point>) -> String {
    let hash: String = digest.chars().take(HASH).collect();
    let ending = point.map_or_else(|| format!("-{hash}"), |it| format!("-{}-{hash}", it.phase));
    let beginning: String = name.chars().take(LONGEST.saturating_sub(ending.len())).collect();
    format!("{}{ending}", beginning.trim_end_matches(['-', '.']))
}

fn renamed(object: &Object, name: &str) -> Object {
    let mut object = object.clone();
    name.clone_into(&mut object.id.name);
    if let Some(metadata) = object.body.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut) {
        metadata.insert("name", name);
    }
    object
}

impl HookBody {
    /// The hook that was kept under this name.
    fn hook(&self, id: &ObjectId, release: &Arc<str>) -> Option<Hook> {
        let Ok(Role::Hook(terms)) = role(&self.0) else { return None };
        let text = |key: &str| self.0.get(key).and_then(Value::as_str).unwrap_or_default();
        let object = Object {
            id: id.clone(),
            gvk: Gvk::new(text("apiVersion"), text("kind")),
            release: Arc::clone(release),
            body: (*self.0).clone(),
            origin: Origin::default(),
            implicit: false,
        };
        Some(Hook { object, terms })
    }
}
