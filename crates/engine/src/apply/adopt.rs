//! What other tools manage becomes ours, before it is applied.

use std::collections::BTreeMap;

use super::{ApplyError, Run, Scope};
use crate::cluster::{Refusal, ServedObject, WriteError};
use weft_schema::Resource;
use weft_stages::diff::{Adoption, LiveObject};
use weft_stages::manifest::{Object, ObjectId};
use weft_stages::plan::{Action, Step};

/// How often the move of fields is tried again, where only the status of the object was written meanwhile.
const RACES: usize = 8;
const CHANGED: &str = "it changed since the plan was made, so nothing is taken over from other tools";
const BUSY: &str = "it is written all the time, so that nothing can be taken over from other tools";

/// What a step takes over; an object that is deleted first has nothing to take over.
pub(super) fn adopts(step: &Step) -> Option<&Adoption> {
    step.object.adopts.as_ref().filter(|_| step.action.is_write() && !matches!(step.action, Action::Recreate { .. }))
}

impl Run<'_> {
    /// Refuses a plan that would take over what is not as the plan saw it, before anything is written. What cannot be
    /// read is left to its own step.
    pub(super) async fn refuse_stale(&self) -> Result<(), ApplyError> {
        let planned: BTreeMap<&ObjectId, (&Adoption, ServedObject)> =
            self.scope.plan.steps.iter().filter_map(|it| Some((&it.object.id, self.wanted(it)?))).collect();
        let mut now: BTreeMap<ObjectId, LiveObject> = BTreeMap::new();
        let wanted: Vec<ServedObject> = planned.values().map(|(_, wanted)| wanted.clone()).collect();
        let mut each = |object: LiveObject| drop(now.insert(object.id.clone(), object));
        let Ok(unread) = self.scope.cluster.read(wanted, &mut each).await else { return Ok(()) };
        let stands = |id: &ObjectId, adoption: &Adoption| {
            unread.reasons.contains_key(id) || now.get(id).is_some_and(|it| adoption.migration_now(it).is_some())
        };
        let moved = planned.iter().filter(|(id, (adoption, _))| !stands(id, adoption));
        let objects: Vec<ObjectId> = moved.map(|(id, _)| (*id).clone()).collect();
        if objects.is_empty() { Ok(()) } else { Err(ApplyError::Stale { objects }) }
    }

    fn wanted<'s>(&self, step: &'s Step) -> Option<(&'s Adoption, ServedObject)> {
        let resource = self.discovery().resource(&step.object.desired.as_ref()?.gvk)?.clone();
        Some((adopts(step)?, ServedObject { id: step.object.id.clone(), resource }))
    }
}

impl Scope<'_> {
    /// Moves the fields of other tools into our hands. Between this and the apply they are ours, wanted or not, so that
    /// whoever ends the run here leaves an object that the next one finishes.
    pub(super) async fn adopt(
        &self,
        adoption: &Adoption,
        desired: &Object,
        resource: &Resource,
    ) -> Result<(), WriteError> {
        let mut migration = adoption.migration();
        for _ in 0..RACES {
            match self.begins.migrate(&desired.id, resource, &migration).await {
                Err(error) if error.is_raced() => {}
                other => return other.map(drop),
            }
            let now = self.cluster.get(&desired.id, resource).await;
            let now = now.map_err(|error| WriteError::NotSent { reason: error.to_string() })?;
            if now.as_ref().is_some_and(|it| adoption.is_done(it)) {
                // A repeated request was done the first time, although its answer did not arrive.
                return Ok(());
            }
            migration = now.and_then(|it| adoption.migration_now(&it)).ok_or_else(|| overtaken(CHANGED))?;
        }
        Err(overtaken(BUSY))
    }
}

fn overtaken(message: &str) -> WriteError {
    WriteError::Refused { refusal: Refusal::Conflict, message: message.to_owned() }
}
