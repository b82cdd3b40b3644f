//! Finds out whether a write that got no answer was done.

use super::adopt::adopts;
use super::wave::Attempt;
use super::{Scope, uid};
use crate::cluster::{ApplyOptions, ApplyTarget, WriteError};
use weft_schema::Resource;
use weft_stages::diff::LiveObject;
use weft_stages::manifest::Object;
use weft_stages::plan::{Action, Step};

/// Whether the write was done.
enum WriteCheck {
    /// It was done.
    Done(Box<LiveObject>),
    /// It was not done yet, or that cannot be seen; the server answers.
    Open,
    /// Nobody answers.
    Silent,
}

impl Scope<'_> {
    /// The attempt, where nobody knows what became of it with what can be seen; and whether the server answers.
    pub(super) async fn look_up(
        &self,
        attempt: Attempt,
        step: &Step,
        desired: &Object,
        resource: &Resource,
    ) -> (Attempt, bool) {
        let is_open = match &attempt {
            Attempt::Failed(WriteError::Unknown { .. }) | Attempt::HalfWay(WriteError::Unknown { .. }) => true,
            // What is in the way of an object may be that object: a repeated request was done the first time.
            Attempt::Failed(error) | Attempt::HalfWay(error) => {
                error.is_overtaken() && self.meant(step, desired) == ApplyTarget::Absent
            }
            Attempt::Applied(_) | Attempt::Skipped(_) => false,
        };
        if !is_open {
            return (attempt, false);
        }
        match self.look(step, desired, resource).await {
            WriteCheck::Done(live) => (Attempt::Applied(live), true),
            WriteCheck::Open => (attempt, true),
            WriteCheck::Silent => (attempt, false),
        }
    }

    /// Whether an apply was done: the server has the object, not the one that was to go, and says that another apply
    /// would change neither a value nor an owner.
    async fn look(&self, step: &Step, desired: &Object, resource: &Resource) -> WriteCheck {
        let now = match self.cluster.get(&desired.id, resource).await {
            Ok(Some(now)) => now,
            Err(error) if error.is_silence() => return WriteCheck::Silent,
            Ok(None) | Err(_) => return WriteCheck::Open,
        };
        let old =
            matches!(step.action, Action::Recreate { .. }) && uid(&now) == step.object.live.as_deref().and_then(uid);
        let adopted = adopts(step).is_none_or(|it| it.is_done(&now));
        let options = ApplyOptions { force: step.takes().next().is_some(), dry_run: true };
        match self.cluster.apply(&desired.id, resource, &desired.body, options).await {
            Ok(then) if !old && adopted && then.body == now.body && then.managers == now.managers => {
                WriteCheck::Done(Box::new(now))
            }
            _ => WriteCheck::Open,
        }
    }
}
