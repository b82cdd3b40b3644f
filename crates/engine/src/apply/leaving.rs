//! What left the repository: one object is deleted or let go, if it still is the one that the plan named.

use super::{Scope, uid};
use crate::cluster::{FIELD_MANAGER, Precondition, WriteError};
use weft_base::value::Value;
use weft_schema::{Discovery, Gvk, Resource};
use weft_stages::diff::LiveObject;
use weft_stages::manifest::{ObjectId, PART_OF};
use weft_stages::plan::{Action, Step};
use weft_stages::report::Outcome;

/// How often a write is tried again, where the object was written meanwhile and still is as the plan saw it.
const RACES: usize = 8;

impl Scope<'_> {
    /// Deletes an object, or lets go of it, as the plan says; `None` where it was gone already.
    pub(super) async fn leave(&self, step: &Step, discovery: &Discovery) -> Result<Option<Resource>, Outcome> {
        let (id, Some(planned)) = (&step.object.id, &step.object.live) else { return Ok(None) };
        let Some(resource) = served(planned, discovery) else { return Ok(None) };
        let mut tries = 0..RACES;
        loop {
            if let Some(reason) = self.obstacle() {
                return Err(Outcome::Skipped(reason));
            }
            let now = self.cluster.get(id, resource).await.map_err(|error| Outcome::Failed(error.to_string()))?;
            let Some(now) = now else { return Ok(None) };
            if step.action != Action::Delete && uid(planned) == uid(&now) && is_free(&now) {
                // A repeated request was done the first time, although its answer did not arrive.
                return Ok(Some(resource.clone()));
            }
            if let Some(reason) = moved(planned, &now) {
                return Err(Outcome::Skipped(reason.to_owned()));
            }
            match self.write_off(step, id, resource, &now).await {
                Ok(()) => return Ok(Some(resource.clone())),
                // A mark that was set after the look is seen by the next one.
                Err(error) if error.is_overtaken() && tries.next().is_some() => {}
                Err(WriteError::Stopped { why }) => return Err(Outcome::Skipped(why)),
                Err(WriteError::Unknown { reason }) => return Err(Outcome::Unknown(reason)),
                Err(error) => return Err(Outcome::Failed(error.to_string())),
            }
        }
    }

    async fn write_off(
        &self,
        step: &Step,
        id: &ObjectId,
        resource: &Resource,
        now: &LiveObject,
    ) -> Result<(), WriteError> {
        if matches!(step.action, Action::Orphan { .. }) {
            return self.begins.let_go(id, resource, now).await;
        }
        let version = now.body.dig(&["metadata", "resourceVersion"]).and_then(Value::as_str);
        let meant = Precondition { uid: uid(now).unwrap_or_default(), version };
        self.begins.delete(id, resource, meant, self.options.propagation).await
    }
}

/// How the object is served, in the version in which it was read or another.
fn served<'d>(object: &LiveObject, discovery: &'d Discovery) -> Option<&'d Resource> {
    let text = |key: &str| object.body.get(key).and_then(Value::as_str).unwrap_or_default();
    let gvk = Gvk::new(text("apiVersion"), text("kind"));
    discovery.resource(&gvk).or_else(|| discovery.versions(&gvk.group_kind()).first())
}

/// Whether nothing of an object is ours.
fn is_free(object: &LiveObject) -> bool {
    let labelled = object.body.dig(&["metadata", "labels", PART_OF]).is_some();
    !labelled && object.managers.iter().all(|manager| manager.name != FIELD_MANAGER)
}

/// Why it is not the object that the plan named any more. Owner marks and keep marks are labels and annotations.
fn moved(planned: &LiveObject, now: &LiveObject) -> Option<&'static str> {
    let marks = |it: &LiveObject, of: &str| it.body.dig(&["metadata", of]).cloned();
    if uid(planned) != uid(now) {
        return Some("somebody made it again since the plan was made");
    }
    let same = |of: &str| marks(planned, of) == marks(now, of);
    (!same("labels") || !same("annotations")).then_some("its labels or annotations changed since the plan was made")
}
