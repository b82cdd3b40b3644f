//! What a release has in the cluster, before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use futures::{StreamExt as _, TryStreamExt as _};

use super::{ApplyError, Run, StepResult};
use crate::cluster::WriteError;
use weft_stages::manifest::ObjectId;
use weft_stages::manifest::hooks::Occasion;
use weft_stages::plan::hooks::{HookCourse, HookState, WantedHook};
use weft_stages::plan::{Action, Step};
use weft_stages::project::Prune;
use weft_stages::state::{Inventory, Member};

/// Inventories that are saved at once; how many requests are sent is decided by `cluster`.
const SAVES: usize = 16;

type Members = BTreeMap<ObjectId, Member>;

/// What an inventory holds.
#[derive(Clone, Default, PartialEq)]
struct InventoryContent {
    members: Members,
    hooks: HookState,
    prune: Prune,
}

impl Run<'_> {
    /// Saves the union of what was there and what is to be, for each release that gets something new.
    pub(super) async fn save_supersets(&self) -> Result<(), ApplyError> {
        let begun = self.releases().into_iter().filter_map(|release| Some((self.begun(&release)?, release)));
        let saves = begun.map(|(begun, release)| async move {
            self.save(&release, begun).await.map_err(|source| ApplyError::Inventory {
                release: release.to_string(),
                namespace: self.scope.options.state_namespace.clone(),
                source,
            })
        });
        futures::stream::iter(saves).buffer_unordered(SAVES).try_collect().await
    }

    /// The union of what was there and what is to be, if that is more than was there.
    fn begun(&self, release: &Arc<str>) -> Option<InventoryContent> {
        let before = self.before(release);
        let mut begun = before.clone();
        for step in self.steps_of(release).map(|(_, step)| step).filter(|step| step.action.is_write()) {
            if let Some(member) = member(step) {
                begun.members.entry(step.object.id.clone()).or_insert(member);
            }
        }
        if let Some(course) = self.course(release) {
            begun.hooks = course.kept.begun(course.occasion, self.steps_of(release).map(|(_, step)| step));
        }
        (begun != before).then_some(begun)
    }

    /// Saves what is there now, for each release of which that is something else than before.
    pub(super) async fn save_exact(&self) {
        let done = self.progress().done.clone();
        let lost = OnceLock::new();
        let exact = self.releases().into_iter().filter_map(|release| Some((self.exact(&release, &done)?, release)));
        let saves = exact.map(|(exact, release)| {
            let lost = &lost;
            async move {
                if lost.get().is_some() {
                    return;
                }
                if let Err(error) = self.save(&release, exact).await {
                    self.progress().warnings.push(format!(
                        "The inventory of release `{release}` could not be made exact: {error}. It holds more than is \
                         there, and the next run puts it right."
                    ));
                    if error.is_lost() {
                        lost.get_or_init(|| ());
                    }
                }
            }
        });
        futures::stream::iter(saves).buffer_unordered(SAVES).collect::<()>().await;
    }

    /// What is there now, if that is something else than was saved before.
    fn exact(&self, release: &Arc<str>, done: &[StepResult]) -> Option<InventoryContent> {
        let before = self.before(release);
        let mut now = before.clone();
        for (at, step) in self.steps_of(release) {
            settle(&mut now.members, step, &done[at]);
        }
        now.hooks = self.hooks_after(release, done).unwrap_or(now.hooks);
        now.prune = self.scope.plan.policies.get(&**release).copied().unwrap_or(now.prune);
        let is_new = |step: &Step| step.action.is_write() && !before.members.contains_key(&step.object.id);
        let grew = self.steps_of(release).any(|(_, step)| is_new(step)) || self.course(release).is_some();
        let rewritten = self.scope.plan.rewrites.contains_key(&**release);
        (grew || rewritten || now != before).then_some(now)
    }

    async fn save(&self, release: &Arc<str>, held: InventoryContent) -> Result<(), WriteError> {
        let options = self.scope.options;
        let inventory = Inventory {
            environment: self.scope.plan.environment.clone(),
            release: Arc::clone(release),
            owner: options.owner.clone().or_else(|| self.inventory_before(release)?.owner.clone()),
            commit: options.commit.clone().or_else(|| self.commit_before(release)),
            objects: held.members,
            hooks: held.hooks,
            prune: held.prune,
        };
        self.scope.cluster.save(&options.state_namespace, &inventory).await
    }

    fn releases(&self) -> BTreeSet<Arc<str>> {
        let changed = self.scope.steps.keys().copied().cloned();
        changed.chain(self.scope.plan.rewrites.keys().map(|it| Arc::from(it.as_str()))).collect()
    }

    fn steps_of(&self, release: &Arc<str>) -> impl Iterator<Item = (usize, &Step)> {
        let places = self.scope.steps.get(release).map_or(&[][..], Vec::as_slice);
        places.iter().map(|at| (*at, self.step(*at)))
    }

    fn before(&self, release: &Arc<str>) -> InventoryContent {
        let found = self.inventory_before(release);
        let held =
            |it: &Inventory| InventoryContent { members: it.objects.clone(), hooks: it.hooks.clone(), prune: it.prune };
        found.map(held).unwrap_or_default()
    }

    fn inventory_before(&self, release: &Arc<str>) -> Option<&Inventory> {
        self.scope.inventories.get(release).copied()
    }

    fn commit_before(&self, release: &Arc<str>) -> Option<String> {
        self.inventory_before(release)?.commit.clone()
    }

    /// How what is kept about the hooks of a release changes, if anything is done with it.
    fn course(&self, release: &Arc<str>) -> Option<&HookCourse> {
        let pending = self.steps_of(release).any(|(_, step)| step.action.is_pending());
        self.scope.plan.hooks.get(release).filter(|_| pending)
    }

    /// What is kept about the hooks of a release after what was done.
    fn hooks_after(&self, release: &Arc<str>, done: &[StepResult]) -> Option<HookState> {
        let course = self.course(release)?;
        let mut kept = course.kept.begun(course.occasion, self.steps_of(release).map(|(_, step)| step));
        for (at, step) in self.steps_of(release) {
            if let (Some(hook), StepResult::Ran(digest)) = (step.action.hook(), &done[at]) {
                kept.ran(&hook.of, hook.point, digest.clone());
            }
        }
        let progress = self.progress();
        kept.left.retain(|id, _| !progress.cleared.contains(id));
        let failed = progress.failed.keys().any(|stage| self.stage(*stage).release == *release);
        if !failed && self.scope.obstacle().is_none() {
            let key = &self.scope.options.key;
            let wanted = course.wanted.iter().map(|it| Arc::new(WantedHook::new(it.hook.clone(), key)));
            match course.occasion {
                Occasion::Delete => kept.end(),
                _ => kept.finish(&wanted.collect::<Vec<_>>()),
            }
        }
        Some(kept)
    }
}

/// The entry of an object that is being written; namespaces that are only created where missing have none.
fn member(step: &Step) -> Option<Member> {
    let desired = step.object.desired.as_ref().filter(|it| !it.implicit && step.action.hook().is_none())?;
    Some(Member { api_version: desired.gvk.api_version(), recorded: step.object.recorded.clone() })
}

/// Puts into the members what became of a step.
fn settle(members: &mut Members, step: &Step, done: &StepResult) {
    let id = &step.object.id;
    let leaves = match &step.action {
        Action::Delete => matches!(done, StepResult::Deleted),
        Action::Orphan { .. } => matches!(done, StepResult::LetGo),
        Action::Keep { leaves, .. } => *leaves,
        Action::Forget { .. } => true,
        _ => false,
    };
    if leaves {
        members.remove(id);
    }
    let Some(mut member) = member(step) else { return };
    match (&step.action, done) {
        (_, StepResult::Applied(recorded)) => member.recorded = Some(Arc::clone(recorded)),
        (Action::Unchanged, _) | (_, StepResult::Unknown) => {}
        _ => return,
    }
    members.insert(id.clone(), member);
}
