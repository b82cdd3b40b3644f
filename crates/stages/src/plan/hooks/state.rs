//! What an inventory records about hooks, and how a run changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{HookAction, WantedHook};
use crate::manifest::hooks::{Occasion, Point};
use crate::manifest::{Hook, ObjectId};
use crate::plan::Step;
use weft_base::value::Value;

/// What an inventory keeps about the hooks of its release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HookState {
    /// What was begun with the release and has not ended well.
    pub unfinished: Option<Occasion>,
    /// By the name that is written and [`Point::recorded_as`], what was known of a hook when the release was last applied.
    pub seen: BTreeMap<(ObjectId, Point), HookRecord>,
    /// What hooks may have left in the cluster.
    pub left: BTreeMap<ObjectId, HookLeftover>,
    /// The hooks that are run when the release is deleted: the repository may have them no more then.
    pub bodies: BTreeMap<ObjectId, HookBody>,
}

/// What was known of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRecord {
    /// The digest of its content.
    pub digest: String,
    /// Whether it ran well, saying that.
    pub ran: bool,
}

/// An object that a hook may have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookLeftover {
    /// The version in which it was created.
    pub api_version: String,
    /// The name of the hook, as it is written.
    pub of: ObjectId,
}

/// A hook as it is kept: nothing in it is secret.
#[derive(Clone, Debug, PartialEq)]
pub struct HookBody(pub Arc<Value>);

impl HookState {
    /// Whether an inventory without objects is not worth keeping: nothing is left, and nothing was begun. What was seen
    /// counts as long as the release is there.
    pub fn is_over(&self) -> bool {
        self.unfinished.is_none() && self.left.is_empty() && self.seen.is_empty() && self.bodies.is_empty()
    }

    /// Whether a hook is run when its release is deleted, and is not kept as it is now.
    pub(super) fn is_news(&self, hook: &Hook) -> bool {
        let kept = self.bodies.get(&hook.object.id).map(|it| &*it.0);
        hook.is_of(Occasion::Delete) && kept != Some(&hook.object.body)
    }

    /// What is kept from before the first write: nothing that a hook may leave is forgotten, whatever ends the run.
    #[must_use]
    pub fn begun<'s>(&self, occasion: Occasion, steps: impl IntoIterator<Item = &'s Step>) -> Self {
        let mut kept = Self { unfinished: Some(occasion), ..self.clone() };
        for step in steps {
            let Some((hook, desired)) = step.action.hook().zip(step.object.desired.as_ref()) else { continue };
            // An object that nobody is to delete stops being ours once it has run.
            if hook.does == HookAction::Run && !hook.terms.cleanup.is_empty() {
                let left = HookLeftover { api_version: desired.gvk.api_version(), of: hook.of.clone() };
                kept.left.insert(desired.id.clone(), left);
            }
        }
        kept
    }

    /// Notes that a release was deleted: only what hooks left, and is still there, counts.
    pub fn end(&mut self) {
        *self = Self { left: std::mem::take(&mut self.left), ..Self::default() };
    }

    /// Notes that all went well: what these hooks say now is what was seen, and those that did not run with it still
    /// have to.
    pub fn finish(&mut self, wanted: &[Arc<WantedHook>]) {
        self.unfinished = None;
        let mut seen = self.seen.clone();
        for WantedHook { hook, digest } in wanted.iter().map(AsRef::as_ref) {
            let points: BTreeSet<Point> = hook.terms.points.iter().map(|it| it.recorded_as()).collect();
            for point in points {
                let key = (hook.object.id.clone(), point);
                let ran = self.seen.get(&key).is_some_and(|seen| seen.ran && seen.digest == *digest);
                seen.insert(key, HookRecord { digest: digest.clone(), ran });
            }
        }
        self.seen = seen;
        let of_delete = wanted.iter().map(|it| &it.hook).filter(|hook| hook.is_of(Occasion::Delete));
        let body = |hook: &Hook| (hook.object.id.clone(), HookBody(Arc::new(hook.object.body.clone())));
        self.bodies = of_delete.map(body).collect();
    }

    /// Notes that a hook ran well.
    pub fn ran(&mut self, of: &ObjectId, point: Point, digest: String) {
        self.seen.insert((of.clone(), point.recorded_as()), HookRecord { digest, ran: true });
    }
}

impl Hook {
    /// Whether it is run at a point of this.
    pub fn is_of(&self, occasion: Occasion) -> bool {
        self.terms.points.iter().any(|point| point.occasion == occasion)
    }
}

impl Point {
    /// The point under which a run is kept: what ran when a release was installed need not run again when it is upgraded.
    #[must_use]
    pub fn recorded_as(self) -> Self {
        let occasion = if self.occasion == Occasion::Delete { Occasion::Delete } else { Occasion::Install };
        Self { occasion, ..self }
    }
}
