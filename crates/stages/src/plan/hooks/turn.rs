//! When a hook runs, relative to the objects of its release.

use crate::diff::ObjectComparison;
use crate::manifest::hooks::{Occasion, Phase};
use crate::plan::{Action, HookAction, HookStep};

/// When a hook is run: for the objects that are wanted or for those that left, and when of that; what hooks left goes at
/// last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plan) struct HookTurn {
    /// Whether it is run with what leaves.
    pub(in crate::plan) deletes: bool,
    /// When of it.
    pub(in crate::plan) phase: Phase,
    removes: bool,
    weight: i64,
}

impl HookTurn {
    /// The turn of a hook that runs, or of a leftover that is deleted; `None` if nothing is done.
    pub(in crate::plan) fn for_hook(hook: &HookStep) -> Option<Self> {
        let removes = hook.does == HookAction::Remove;
        let deletes = removes || hook.point.occasion == Occasion::Delete;
        let turn = Self { deletes, phase: hook.point.phase, removes, weight: hook.terms.weight };
        matches!(hook.does, HookAction::Run | HookAction::Remove).then_some(turn)
    }

    /// Whether it comes before all objects that are wanted.
    pub(in crate::plan) fn is_early(self) -> bool {
        !self.deletes && self.phase == Phase::Before
    }
}

/// Whether a step is listed behind all that is applied.
pub(in crate::plan) fn is_last((action, object): &(Action, ObjectComparison)) -> bool {
    match action.hook() {
        Some(hook) => HookTurn::for_hook(hook).is_some_and(|turn| turn.deletes),
        None => object.desired.is_none(),
    }
}
