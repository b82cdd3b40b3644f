//! Waiting for health, with what is missing said on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Done, Run, cause};
use crate::cluster::Wanted;
use crate::diff::{Cause, LiveObject};
use crate::health::{self, Health};
use crate::manifest::ObjectId;
use crate::plan::Stage;
use crate::report::Outcome;

/// The time between two looks; the first ones come sooner.
const INTERVAL: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(200);
/// After this time of waiting the cause is looked for among pods and events.
const PUZZLED: Duration = Duration::from_secs(5);

/// An object that is waited for.
struct Pending {
    wanted: Wanted,
    /// The stage that waits for it.
    stage: usize,
    patience: Duration,
    /// What was last said about it.
    said: String,
    /// When its cause was last looked for.
    puzzled: Instant,
}

type Seen = BTreeMap<ObjectId, LiveObject>;

impl Run<'_> {
    /// Waits until what was applied of the steps of a stage is healthy, has failed, or time is up.
    pub(super) async fn wait(&self, stage: usize) {
        let (began, mut pause) = (Instant::now(), SOON);
        let mut pending = self.pending(stage);
        while !pending.is_empty() && self.scope.obstacle().is_none() {
            let Some(seen) = self.look(&mut pending).await else { return };
            let mut left = Vec::new();
            for mut it in pending {
                if !self.judge(&mut it, &seen, began).await {
                    left.push(it);
                }
            }
            pending = left;
            if !pending.is_empty() {
                let mut stop = self.scope.options.stop.clone();
                tokio::select! {
                    () = sleep(pause) => {}
                    // A sender that is gone stops nothing.
                    Ok(_) = stop.wait_for(Option::is_some) => {}
                }
                pause = (pause * 2).min(INTERVAL);
            }
        }
    }

    /// What was applied of a stage in this run, if its release waits at all.
    fn pending(&self, stage: usize) -> Vec<Pending> {
        let Stage { release, steps, .. } = self.stage(stage);
        let patience = self.scope.options.releases.get(release).and_then(|it| it.patience);
        let Some(patience) = patience else { return Vec::new() };
        let mut progress = self.progress();
        let applied = |at: &usize| matches!(progress.done[*at], Done::Applied(_)) && !progress.waited.contains(at);
        let applied: Vec<usize> = steps.iter().copied().filter(applied).collect();
        progress.waited.extend(&applied);
        let pending = applied.into_iter().filter_map(|at| {
            let step = self.step(at);
            let resource = progress.discovery.resource(&step.object.desired.as_ref()?.gvk)?.clone();
            let wanted = Wanted { id: step.object.id.clone(), resource };
            Some(Pending { wanted, stage, patience, said: String::new(), puzzled: Instant::now() })
        });
        pending.collect()
    }

    /// Reads what is waited for. What cannot be read is waited for no longer; `None` where the server is lost.
    async fn look(&self, pending: &mut Vec<Pending>) -> Option<Seen> {
        let mut seen = Seen::new();
        let wanted: Vec<Wanted> = pending.iter().map(|it| it.wanted.clone()).collect();
        let mut each = |object: LiveObject| {
            seen.insert(object.id.clone(), object);
        };
        let reasons = match self.scope.cluster.read(wanted, &mut each).await {
            Ok(unread) => unread.reasons,
            Err(error) => {
                let _ = self.scope.lost.set(error.to_string());
                let why = Cause::Unreadable.since(error.to_string());
                pending.iter().map(|it| (it.wanted.id.clone(), why.clone())).collect()
            }
        };
        for it in pending.extract_if(.., |it| reasons.contains_key(&it.wanted.id)) {
            self.tell(&it.wanted.id, Outcome::Unknown(format!("its health: {}", reasons[&it.wanted.id])));
            self.fail(it.stage, format!("the health of {} is unknown", it.wanted.id));
        }
        self.scope.lost.get().is_none().then_some(seen)
    }

    /// Judges one object; whether it is waited for no longer.
    async fn judge(&self, it: &mut Pending, seen: &Seen, began: Instant) -> bool {
        let live = seen.get(&it.wanted.id);
        let health = live.map_or_else(|| Health::InProgress("it is gone".into()), |live| health::of(&live.body));
        let missing = match health {
            Health::Current => {
                self.tell(&it.wanted.id, Outcome::Healthy);
                return true;
            }
            Health::Failed(reason) => {
                self.fell(it, live, &reason).await;
                return true;
            }
            Health::Terminating => "it is being deleted".to_owned(),
            Health::InProgress(_) if self.binds_later(live).await => {
                // It would stay pending until somebody's pod uses it, which need not be ours.
                self.tell(&it.wanted.id, Outcome::Healthy);
                return true;
            }
            Health::InProgress(missing) => missing,
        };
        if began.elapsed() >= it.patience {
            let reason = format!("not healthy after {} s: {missing}", it.patience.as_secs());
            self.fell(it, live, &reason).await;
            return true;
        }
        if it.puzzled.elapsed() >= PUZZLED {
            it.puzzled = Instant::now();
            let said = self.with_cause(live, &missing).await;
            self.say(it, said);
        } else if !it.said.starts_with(&missing) {
            self.say(it, missing);
        }
        false
    }

    /// Whether it is a claim that is bound when a pod uses it first.
    async fn binds_later(&self, live: Option<&LiveObject>) -> bool {
        match live.filter(|it| it.id.kind.kind == "PersistentVolumeClaim") {
            Some(claim) => self.scope.cluster.waits_for_consumer(&claim.body).await,
            None => false,
        }
    }

    fn say(&self, it: &mut Pending, said: String) {
        if it.said != said {
            self.tell(&it.wanted.id, Outcome::Waiting(said.clone()));
            it.said = said;
        }
    }

    async fn fell(&self, it: &Pending, live: Option<&LiveObject>, reason: &str) {
        let said = self.with_cause(live, reason).await;
        self.tell(&it.wanted.id, Outcome::Failed(said));
        self.fail(it.stage, format!("{} is not healthy", it.wanted.id));
    }

    async fn with_cause(&self, live: Option<&LiveObject>, said: &str) -> String {
        let Some(live) = live else { return said.to_owned() };
        match cause::of(self.scope.cluster, live).await {
            Some(cause) if !said.contains(&cause) => format!("{said}\n{cause}"),
            _ => said.to_owned(),
        }
    }
}
