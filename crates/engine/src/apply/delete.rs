//! One stage of deletes: only what the plan named is deleted or let go, and waited for until it is gone.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep};

use super::{Run, STEPS, StepResult, is_leaving, uid};
use crate::cluster::ServedObject;
use weft_base::value::Value;
use weft_stages::diff::LiveObject;
use weft_stages::manifest::ObjectId;
use weft_stages::plan::Action;
use weft_stages::report::Outcome;

/// How long objects may take to go before what comes after them is left alone.
const GOING: Duration = Duration::from_secs(60);
/// The wait between two looks.
const PAUSE: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Deletes the objects of a stage, or lets go of them, and waits until they are gone: what comes later may be what
    /// they need to go.
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
        let scope = &self.scope;
        let discovery = &*discovery;
        let tries = todo.into_iter().map(|at| async move {
            self.began(at);
            (at, scope.leave(&scope.plan.steps[at], discovery).await)
        });
        let ended: Vec<_> = futures::stream::iter(tries).buffer_unordered(STEPS).collect().await;
        let mut going = Vec::new();
        for (at, result) in ended {
            let id = &self.step(at).object.id;
            let lets_go = self.step(at).action != Action::Delete;
            if lets_go || result.is_err() {
                self.done_with(at);
            }
            match result {
                Ok(_) if lets_go => {
                    self.note(at, StepResult::LetGo);
                    self.tell(id, Outcome::Orphaned);
                }
                Ok(Some(resource)) => going.push((at, ServedObject { id: id.clone(), resource })),
                Ok(None) => self.is_gone(at),
                Err(outcome) => {
                    if matches!(outcome, Outcome::Unknown(_)) {
                        self.note(at, StepResult::Unknown);
                    }
                    self.tell(id, outcome);
                    self.fail(stage, format!("{id} was not {}", if lets_go { "let go" } else { "deleted" }));
                }
            }
        }
        self.watch_go(stage, going).await;
    }

    /// The steps of a stage that delete anything, or let go of it.
    pub(super) fn deletes(&self, stage: usize) -> impl Iterator<Item = usize> {
        self.stage(stage).steps.iter().copied().filter(|at| is_leaving(self.step(*at)))
    }

    fn is_gone(&self, at: usize) {
        self.done_with(at);
        self.note(at, StepResult::Deleted);
        self.tell(&self.step(at).object.id, Outcome::Deleted);
    }

    async fn watch_go(&self, stage: usize, mut going: Vec<(usize, ServedObject)>) {
        let end = Instant::now() + GOING;
        while !going.is_empty() {
            let mut left: HashMap<ObjectId, LiveObject> = HashMap::new();
            let wanted: Vec<ServedObject> = going.iter().map(|(_, wanted)| wanted.clone()).collect();
            let read =
                self.scope.cluster.read(wanted, &mut |object| drop(left.insert(object.id.clone(), object))).await;
            // Where nothing can be read at all, nothing is seen to be gone.
            let unread: BTreeSet<ObjectId> = match read {
                Ok(unread) => unread.reasons.into_keys().collect(),
                Err(_) => going.iter().map(|(_, wanted)| wanted.id.clone()).collect(),
            };
            let is_there = |at: usize| {
                let object = &self.step(at).object;
                let live = left.get(&object.id);
                live.is_some_and(|it| uid(it) == object.live.as_ref().and_then(|it| uid(it)))
            };
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
                    let reason = left.get(&self.step(at).object.id).map(finalizers);
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
        self.done_with(at);
        self.note(at, StepResult::Unknown);
        self.tell(&step.object.id, Outcome::Waiting(reason));
        self.fail(stage, format!("{} is still being deleted", step.object.id));
    }
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
