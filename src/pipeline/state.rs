//! What the cluster keeps about an environment, and what a plan has to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compare::Held;
use super::elsewhere::Elsewhere;
use super::{PipelineError, Project, pool};
use crate::chart::{Chance, Making};
use crate::cluster::Cluster;
use crate::diagnostic::Failure;
use crate::manifest::{self, Hook, ObjectId};
use crate::masked::FingerprintKey;
use crate::plan::hooks::WantedHook;
use crate::plan::{HookFacts, ReleaseFacts};
use crate::project::Environment;
use crate::state::Inventory;

/// What the cluster keeps about an environment.
pub struct State {
    /// The inventories, by release.
    pub inventories: BTreeMap<Arc<str>, Inventory>,
    /// The key of fingerprints and records.
    pub key: FingerprintKey,
    /// Whether the key is kept in the cluster. One of this run alone compares with nothing else.
    pub key_is_kept: bool,
    /// What the repository gives the releases that the run is not about; told only where anything left the others.
    pub(super) elsewhere: Elsewhere,
}

impl State {
    /// Reads the state of an environment. Nothing is written: where no key is kept yet, this run has one of its own.
    pub async fn read(cluster: &Cluster, environment: &Environment) -> Result<Self, Failure> {
        let namespace = &environment.state_namespace;
        let (inventories, kept) = futures::future::try_join(
            cluster.kept_inventories(namespace, &environment.name),
            cluster.fingerprint_key(namespace, false),
        )
        .await?;
        let inventories = pool::each(inventories, |it| Ok(it.read()?))?;
        let inventories = inventories.into_iter().map(|it| (Arc::clone(&it.release), it)).collect();
        let key_is_kept = kept.is_some();
        Ok(Self { inventories, key: kept.map_or_else(random_key, Ok)?, key_is_kept, elsewhere: Elsewhere::new() })
    }

    /// Where what templates make up comes from: the key, if it is kept. What comes from one of this run alone would be
    /// something else in the next.
    pub fn making(&self, project: &Project) -> Making {
        let derived = || Chance::Derived(self.key.digest(b"what templates make up").to_vec());
        let chance = if self.key_is_kept { derived() } else { Chance::Placeholder };
        Making { now: project.time, chance, live: None, records: false }
    }

    /// The objects in the inventories of the releases that `selected` says yes to.
    pub(super) fn held(&self, selected: impl Fn(&str) -> bool) -> BTreeMap<ObjectId, Held> {
        let mut held = BTreeMap::new();
        for inventory in self.inventories.values().filter(|it| selected(&it.release)) {
            for (id, member) in &inventory.objects {
                let release = Arc::clone(&inventory.release);
                let (api_version, recorded) = (member.api_version.clone(), member.recorded.clone());
                held.insert(id.clone(), Held { release, api_version, recorded });
            }
        }
        held
    }

    /// The facts about the declared releases, and about those that only an inventory knows.
    pub fn facts(&self, declared: &Environment) -> Vec<ReleaseFacts> {
        let known = declared.releases.iter().map(|release| ReleaseFacts {
            needs: release.needs.clone(),
            prune: release.prune,
            declared: true,
            conflicts: release.conflicts.iter().chain(&declared.conflicts).cloned().collect(),
            replace: release.replace.iter().chain(&declared.replace).cloned().collect(),
            ..self.fact(&release.name, declared)
        });
        let names: BTreeSet<&str> = declared.releases.iter().map(|it| &*it.name).collect();
        let removed = self.inventories.keys().filter(|name| !names.contains(&***name));
        known.chain(removed.map(|name| self.fact(name, declared))).collect()
    }

    /// Adds the hooks of the releases that `selected` says yes to.
    pub(super) fn add_hooks(
        &self,
        facts: &mut [ReleaseFacts],
        hooks: Vec<Hook>,
        back: bool,
        selected: impl Fn(&str) -> bool,
    ) {
        let mut wanted: BTreeMap<Arc<str>, Vec<Arc<WantedHook>>> = BTreeMap::new();
        for hook in hooks {
            let release = Arc::clone(&hook.object.release);
            wanted.entry(release).or_default().push(Arc::new(WantedHook::new(hook, &self.key)));
        }
        for fact in facts.iter_mut().filter(|it| selected(&it.name)) {
            let kept = self.inventories.get(&fact.name).map(|it| it.hooks.clone()).unwrap_or_default();
            let wanted = wanted.remove(&fact.name).unwrap_or_default();
            fact.hooks = HookFacts { wanted, kept, back };
        }
    }

    fn fact(&self, release: &Arc<str>, environment: &Environment) -> ReleaseFacts {
        let inventory = self.inventories.get(release).map(|it| it.objects.keys().cloned().collect());
        let kept = self.inventories.get(release).map(|it| it.prune).unwrap_or_default();
        let (wanted, unrendered) = match self.elsewhere.get(release).cloned() {
            None => (BTreeSet::new(), None),
            Some(Ok(wanted)) => (wanted, None),
            Some(Err(reason)) => (BTreeSet::new(), Some(reason)),
        };
        ReleaseFacts {
            wanted,
            unrendered,
            name: Arc::clone(release),
            set: manifest::apply_set_id(
                &environment.state_namespace,
                &manifest::inventory_name(&environment.name, release),
            ),
            inventory: inventory.unwrap_or_default(),
            prune: kept,
            kept_prune: kept,
            ..ReleaseFacts::default()
        }
    }
}

/// A key for one run.
pub(super) fn random_key() -> Result<FingerprintKey, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(PipelineError::Random)?;
    Ok(FingerprintKey::new(bytes))
}
