//! Counts what a plan deletes, and limits how much of it may go without consent.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{AbsenceReason, Action, Guards, HookAction, Refusal, ReleaseFacts, Step, prune};
use crate::manifest::ObjectId;

/// A release may lose this many objects without a confirmation, however few it has.
const CAP: usize = 5;
/// The same of an environment.
const ENVIRONMENT_CAP: usize = 10;
/// The share of its inventory that a larger release or environment may lose.
const SHARE: usize = 5;

/// The deletions of a plan.
pub(super) struct Deletions<'a> {
    environment: &'a str,
    /// How many objects are deleted by release: removed ones, recreated ones, and leftovers of hooks.
    counts: BTreeMap<&'a str, usize>,
    /// How many of them left, by release.
    leaving: BTreeMap<&'a str, usize>,
    /// How many are let go by what their releases and marks say, by release.
    orphans: BTreeMap<&'a str, usize>,
    /// What confirms exactly these.
    confirm: String,
}

impl<'a> Deletions<'a> {
    pub(super) fn new(environment: &'a str, steps: &'a [Step]) -> Self {
        let mut all = Self {
            environment,
            counts: BTreeMap::new(),
            leaving: BTreeMap::new(),
            orphans: BTreeMap::new(),
            confirm: String::new(),
        };
        let mut lines = Vec::new();
        for step in steps {
            let release = step.object.release.as_ref();
            let object = &step.object;
            match &step.action {
                Action::Orphan { .. } => *all.orphans.entry(release).or_default() += 1,
                Action::Delete => *all.leaving.entry(release).or_default() += 1,
                _ => {}
            }
            for id in deleted(step) {
                *all.counts.entry(release).or_default() += 1;
                lines.push(format!("{release} {id} {}\n", prune::uid(object).unwrap_or_default()));
            }
        }
        lines.sort_unstable();
        let digest = Sha256::digest(format!("{environment}\n{}", lines.concat()));
        Self { confirm: HEXLOWER.encode(&digest[..5]), ..all }
    }

    /// Why they may not be done as they are.
    pub(super) fn refusals(&self, releases: &[ReleaseFacts], steps: &[Step], guards: &Guards) -> Vec<Refusal> {
        let is_empty = self.is_emptied(releases);
        let mut refusals = Vec::new();
        if is_empty && !guards.allow_empty.contains(self.environment) {
            let vanished = releases.iter().filter(|it| self.vanishes(it));
            let deletes = vanished.clone().map(|it| self.leaving(it)).sum();
            let environment = self.environment.to_owned();
            let releases = vanished.count();
            refusals.push(Refusal::EmptyEnvironment { environment, releases, deletes });
        }
        refusals.extend(self.environment_cap(releases, guards));
        let by_release = steps_by_release(steps);
        for release in releases {
            let own = by_release.get(release.name.as_ref()).map_or(&[][..], Vec::as_slice);
            refusals.extend(self.of_release(release, is_empty, own, guards));
        }
        refusals
    }

    fn of_release(&self, release: &ReleaseFacts, is_empty: bool, own: &[&Step], guards: &Guards) -> Vec<Refusal> {
        let name = release.name.to_string();
        let deletes = count_of(&self.counts, release);
        let leaving = self.leaving(release) + count_of(&self.orphans, release);
        let mut refusals = Vec::new();
        let meant = guards.orphan.is_some() || guards.allow_empty.contains(&name);
        if leaving > 0 && release.declared && !meant && renders_nothing(own) {
            refusals.push(Refusal::EmptyRender { release: name.clone(), deletes: leaving });
        }
        if !guards.remove_release.contains(&name) {
            if let Some(why) = &release.vanished
                && !is_empty
                && self.vanishes(release)
            {
                refusals.push(vanished_release(release, why, self.leaving(release)));
            }
            refusals.extend(left_namespace(release, own));
        }
        let cap = guards.cap.unwrap_or_else(|| CAP.max(release.inventory.len() / SHARE));
        if deletes > cap && !self.is_confirmed(guards) {
            refusals.push(Refusal::PruneCap { release: name, deletes, cap, confirm: self.confirm.clone() });
        }
        refusals
    }

    /// More than one release may lose a little, but not all of them together a lot.
    fn environment_cap(&self, releases: &[ReleaseFacts], guards: &Guards) -> Option<Refusal> {
        let deletes = self.counts.values().sum();
        let held = releases.iter().map(|it| it.inventory.len()).sum::<usize>();
        let cap = ENVIRONMENT_CAP.max(held / SHARE).max(guards.cap.unwrap_or_default());
        let refused = deletes > cap && self.counts.len() > 1 && !self.is_confirmed(guards);
        let environment = self.environment.to_owned();
        refused.then(|| Refusal::EnvironmentCap { environment, deletes, cap, confirm: self.confirm.clone() })
    }

    fn is_confirmed(&self, guards: &Guards) -> bool {
        guards.confirm.as_ref() == Some(&self.confirm)
    }

    /// Whether the environment has no release any more, and loses what it had.
    fn is_emptied(&self, releases: &[ReleaseFacts]) -> bool {
        let is_known = |it: &ReleaseFacts| it.vanished != Some(AbsenceReason::Unclaimed) && self.vanishes(it);
        !releases.iter().any(|it| it.declared) && releases.iter().any(is_known)
    }

    fn vanishes(&self, release: &ReleaseFacts) -> bool {
        release.vanished.is_some() && self.leaving(release) > 0
    }

    fn leaving(&self, release: &ReleaseFacts) -> usize {
        count_of(&self.leaving, release)
    }
}

fn count_of(counts: &BTreeMap<&str, usize>, release: &ReleaseFacts) -> usize {
    counts.get(release.name.as_ref()).copied().unwrap_or(0)
}

/// The objects that a step deletes.
fn deleted(step: &Step) -> Vec<&ObjectId> {
    match &step.action {
        Action::Delete | Action::Recreate { .. } => vec![&step.object.id],
        Action::Hook(hook) if hook.does == HookAction::Remove => vec![&step.object.id],
        Action::Hook(hook) if hook.does == HookAction::Run => hook.removes.iter().collect(),
        _ => Vec::new(),
    }
}

fn vanished_release(release: &ReleaseFacts, why: &AbsenceReason, deletes: usize) -> Refusal {
    let name = &release.name;
    let why = match why {
        AbsenceReason::Undeclared => format!("the release `{name}` is no longer in the environment"),
        AbsenceReason::Condition(when) => {
            format!("the condition `{when}` of the release `{name}` does not hold any more")
        }
        AbsenceReason::Unclaimed => {
            format!(
                "the release `{name}` is not in the environment, and its state does not say which project it belongs to"
            )
        }
    };
    Refusal::VanishedRelease { release: name.to_string(), why, deletes }
}

/// A release whose namespace was changed loses all that it had in the old one.
fn left_namespace(release: &ReleaseFacts, own: &[&Step]) -> Option<Refusal> {
    let same = |id: &ObjectId| (id.kind.clone(), id.name.clone());
    let created: BTreeSet<_> = own
        .iter()
        .filter(|step| step.action == Action::Create)
        .map(|step| &step.object.id)
        .filter(|id| id.namespace.as_ref() == Some(&release.namespace))
        .map(same)
        .collect();
    let left = own.iter().filter(|step| step.action == Action::Delete).map(|step| &step.object.id);
    let from = left.clone().find(|id| created.contains(&same(id)))?.namespace.clone()?;
    let is_from = |id: &ObjectId| id.namespace.as_ref() == Some(&from);
    let stays = own.iter().any(|step| step.object.desired.is_some() && is_from(&step.object.id));
    let deletes = left.filter(|id| is_from(id)).count();
    if stays {
        return None;
    }
    let to = release.namespace.clone();
    Some(Refusal::LeftNamespace { release: release.name.to_string(), from, to, deletes })
}

/// Whether a release has no object of its own: the namespace made for it does not count.
fn renders_nothing(own: &[&Step]) -> bool {
    let mut objects = own.iter().filter(|step| step.action.hook().is_none());
    !objects.any(|step| step.object.desired.as_ref().is_some_and(|desired| !desired.implicit))
}

fn steps_by_release(steps: &[Step]) -> BTreeMap<&str, Vec<&Step>> {
    let mut by_release: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_release.entry(step.object.release.as_ref()).or_default().push(step);
    }
    by_release
}
