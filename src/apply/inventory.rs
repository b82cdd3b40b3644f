//! What a release has in the cluster, before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ApplyError, Done, Run, is_write};
use crate::cluster::WriteError;
use crate::manifest::ObjectId;
use crate::plan::{Action, Step};
use crate::state::{Inventory, Member};

type Members = BTreeMap<ObjectId, Member>;

impl Run<'_> {
    /// Saves the union of what was there and what is to be, for each release that gets something new.
    pub(super) async fn save_supersets(&self) -> Result<(), ApplyError> {
        for release in self.releases() {
            let before = self.before(&release);
            let mut members = before.clone();
            for step in self.steps_of(&release).map(|(_, step)| step).filter(|step| is_write(step)) {
                if let Some(member) = member(step) {
                    members.entry(step.object.id.clone()).or_insert(member);
                }
            }
            if members != before {
                self.save(&release, members).await.map_err(|source| ApplyError::Inventory {
                    release: release.to_string(),
                    namespace: self.scope.options.state_namespace.clone(),
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// Saves what is there now, for each release of which that is something else than before.
    pub(super) async fn save_exact(&self) {
        let done = self.progress().done.clone();
        for release in self.releases() {
            let before = self.before(&release);
            let mut members = before.clone();
            for (at, step) in self.steps_of(&release) {
                settle(&mut members, step, &done[at]);
            }
            let grew = self.steps_of(&release).any(|(_, step)| is_write(step) && !before.contains_key(&step.object.id));
            if (members != before || grew)
                && let Err(error) = self.save(&release, members).await
            {
                self.progress().warnings.push(format!(
                    "The inventory of release `{release}` could not be made exact: {error}. It holds more than is there, \
                     and the next run puts it right."
                ));
                if error.is_lost() {
                    break;
                }
            }
        }
    }

    async fn save(&self, release: &Arc<str>, objects: Members) -> Result<(), WriteError> {
        let options = self.scope.options;
        let inventory = Inventory {
            environment: self.scope.plan.environment.clone(),
            release: Arc::clone(release),
            commit: options.commit.clone(),
            objects,
        };
        self.scope.cluster.save(&options.state_namespace, &inventory).await
    }

    fn releases(&self) -> BTreeSet<Arc<str>> {
        self.scope.plan.steps.iter().map(|step| Arc::clone(&step.object.release)).collect()
    }

    fn steps_of(&self, release: &Arc<str>) -> impl Iterator<Item = (usize, &Step)> {
        let steps = self.scope.plan.steps.iter().enumerate();
        steps.filter(move |(_, step)| step.object.release == *release)
    }

    fn before(&self, release: &Arc<str>) -> Members {
        let found = self.scope.options.inventories.iter().find(|it| it.release == *release);
        found.map(|it| it.objects.clone()).unwrap_or_default()
    }
}

/// The entry of an object that is being written; namespaces that are only created where missing have none.
fn member(step: &Step) -> Option<Member> {
    let desired = step.object.desired.as_ref().filter(|it| !it.implicit)?;
    Some(Member { api_version: desired.gvk.api_version(), recorded: step.object.recorded.clone() })
}

/// Puts into the members what became of a step.
fn settle(members: &mut Members, step: &Step, done: &Done) {
    let id = &step.object.id;
    let leaves = match &step.action {
        Action::Delete => matches!(done, Done::Deleted),
        Action::Orphan { .. } => matches!(done, Done::LetGo),
        Action::Keep { leaves, .. } => *leaves,
        Action::Forget { .. } => true,
        _ => false,
    };
    if leaves {
        members.remove(id);
    }
    let Some(mut member) = member(step) else { return };
    match (&step.action, done) {
        (_, Done::Applied(recorded)) => member.recorded = Some(Arc::clone(recorded)),
        (Action::Unchanged, _) | (_, Done::Unknown) => {}
        _ => return,
    }
    members.insert(id.clone(), member);
}
