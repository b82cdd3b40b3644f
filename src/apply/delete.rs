//! One stage of deletes: each object is looked at once more, and only the one that the plan named is deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep};

use super::{Done, Run, Scope, uid};
use crate::cluster::{Wanted, WriteError};
use crate::diff::LiveObject;
use crate::manifest::ObjectId;
use crate::plan::{Action, Step};
use crate::report::Outcome;
use crate::schema::{Discovery, Gvk, Resource};
use crate::value::Value;

/// Deletes that are worked on at once.
const STEPS: usize = 64;
/// How long objects may take to go before what comes after them is left alone.
const GOING: Duration = Duration::from_secs(60);
/// The wait between two looks.
const PAUSE: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Deletes the objects of a stage, and waits until they are gone: what comes later may be what they need to go.
    pub(super) async fn delete_stage(&self, stage: usize) {
        let mut todo = Vec::new();
        for at in self.deletes(stage) {
            let step = self.step(at);
            let live = step.object.live.as_ref().and_then(|live| uid(live));
            if live.is_some_and(|uid| self.progress().uids.contains(uid)) {
                let reason = "it was applied in this run, under another group".to_owned();
                self.tell(&step.object.id, Outcome::Skipped(reason));
            } else {
                todo.push(at);
            }
        }
        let discovery = self.discovery();
        let (scope, discovery) = (&self.scope, &*discovery);
        let tries =
            todo.into_iter().map(|at| async move { (at, scope.delete(&scope.plan.steps[at], discovery).await) });
        let ended: Vec<_> = futures::stream::iter(tries).buffer_unordered(STEPS).collect().await;
        let mut going = Vec::new();
        for (at, result) in ended {
            let id = &self.step(at).object.id;
            match result {
                Ok(Some(resource)) => going.push((at, Wanted { id: id.clone(), resource })),
                Ok(None) => self.is_gone(at),
                Err(outcome) => {
                    if matches!(outcome, Outcome::Unknown(_)) {
                        self.note(at, Done::Unknown);
                    }
                    self.tell(id, outcome);
                    self.fail(stage, format!("{id} was not deleted"));
                }
            }
        }
        self.watch_go(stage, going).await;
    }

    /// The steps of a stage that delete anything.
    pub(super) fn deletes(&self, stage: usize) -> impl Iterator<Item = usize> {
        self.stage(stage).steps.iter().copied().filter(|at| self.step(*at).action == Action::Delete)
    }

    fn is_gone(&self, at: usize) {
        self.note(at, Done::Deleted);
        self.tell(&self.step(at).object.id, Outcome::Deleted);
    }

    async fn watch_go(&self, stage: usize, mut going: Vec<(usize, Wanted)>) {
        let end = Instant::now() + GOING;
        while !going.is_empty() {
            let mut left: Vec<LiveObject> = Vec::new();
            let wanted: Vec<Wanted> = going.iter().map(|(_, wanted)| wanted.clone()).collect();
            let read = self.scope.cluster.read(wanted, &mut |object| left.push(object)).await;
            let unread: BTreeSet<ObjectId> = read.map(|it| it.reasons.into_keys().collect()).unwrap_or_default();
            let there = |it: &LiveObject, at: usize| {
                it.id == self.step(at).object.id && uid(it) == self.step(at).object.live.as_ref().and_then(|it| uid(it))
            };
            let is_there = |at: usize| left.iter().any(|it| there(it, at));
            let (stay, gone): (Vec<_>, Vec<_>) = going.into_iter().partition(|(at, _)| is_there(*at));
            for (at, wanted) in gone {
                if unread.contains(&wanted.id) {
                    self.linger(stage, at, "it cannot be seen whether it is gone".to_owned());
                } else {
                    self.is_gone(at);
                }
            }
            going = stay;
            if Instant::now() >= end || self.scope.obstacle().is_some() {
                for (at, _) in going.drain(..) {
                    let reason = left.iter().find(|it| it.id == self.step(at).object.id).map(finalizers);
                    self.linger(stage, at, reason.unwrap_or_default());
                }
            } else if !going.is_empty() {
                sleep(PAUSE).await;
            }
        }
    }

    /// An object that is deleted and not yet gone: it stays in the inventory, and what it may need stays too.
    fn linger(&self, stage: usize, at: usize, reason: String) {
        let step = self.step(at);
        self.note(at, Done::Unknown);
        self.tell(&step.object.id, Outcome::Waiting(reason));
        self.fail(stage, format!("{} is still being deleted", step.object.id));
    }
}

impl Scope<'_> {
    /// Deletes one object; `None` where it was gone already.
    async fn delete(&self, step: &Step, discovery: &Discovery) -> Result<Option<Resource>, Outcome> {
        if let Some(reason) = self.obstacle() {
            return Err(Outcome::Skipped(reason));
        }
        let (id, Some(planned)) = (&step.object.id, &step.object.live) else { return Ok(None) };
        let Some(resource) = served(planned, discovery) else { return Ok(None) };
        let now = self.cluster.get(id, resource).await.map_err(|error| Outcome::Failed(error.to_string()))?;
        let Some(now) = now else { return Ok(None) };
        if let Some(reason) = moved(planned, &now) {
            return Err(Outcome::Skipped(reason.to_owned()));
        }
        let uid = uid(planned).unwrap_or_default();
        match self.cluster.delete(id, resource, uid, self.options.propagation).await {
            Ok(()) => Ok(Some(resource.clone())),
            Err(WriteError::Unknown { reason }) => Err(Outcome::Unknown(reason)),
            Err(error) => Err(Outcome::Failed(error.to_string())),
        }
    }
}

/// How the object is served, in the version in which it was read or another.
fn served<'d>(object: &LiveObject, discovery: &'d Discovery) -> Option<&'d Resource> {
    let text = |key: &str| object.body.get(key).and_then(Value::as_str).unwrap_or_default();
    let gvk = Gvk::new(text("apiVersion"), text("kind"));
    discovery.resource(&gvk).or_else(|| discovery.versions(&gvk.group_kind()).first())
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

fn finalizers(object: &LiveObject) -> String {
    let names = object.body.dig(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    if names.is_empty() {
        "it is being deleted".into()
    } else {
        format!("its finalizers hold it: {}", names.join(", "))
    }
}
