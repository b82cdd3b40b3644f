//! What the cluster keeps about an environment, and what a plan has to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compare::{Held, served};
use super::elsewhere::Elsewhere;
use super::{PipelineError, Project, pool};
use crate::chart::{Chance, Making};
use crate::cluster::{Ahead, Beside, Cluster, OtherInventories, Wanted};
use crate::diagnostic::Failure;
use crate::manifest::{self, Hook, ObjectId};
use crate::masked::FingerprintKey;
use crate::plan::hooks::WantedHook;
use crate::plan::{HookFacts, ReleaseFacts};
use crate::project::Environment;
use crate::schema::Discovery;
use crate::state::{Inventory, Outline};

/// Inventories that are read by their names, and live objects before it is known what is wanted of them, at most.
const FEW: usize = 64;
const AHEAD: usize = 128;

/// The releases that a run is about; `None` for all, those that only an inventory knows among them.
pub(super) type About = Option<BTreeSet<Arc<str>>>;

/// What the cluster keeps about an environment.
pub struct State {
    /// The inventories of the releases that the run is about.
    pub inventories: BTreeMap<Arc<str>, Inventory>,
    /// What the inventories of the others hold.
    pub outlines: BTreeMap<Arc<str>, Outline>,
    /// The key of fingerprints and records.
    pub key: FingerprintKey,
    /// Whether the key is kept in the cluster. One of this run alone compares with nothing else.
    pub key_is_kept: bool,
    /// The live objects that were read on the way.
    pub(super) ahead: Ahead,
    /// What the repository gives the releases that the run is not about; told only where anything left the others.
    pub(super) elsewhere: Elsewhere,
    about: About,
}

impl State {
    /// Reads the state of an environment, as a run about these releases needs it. Nothing is written: where no key is kept
    /// yet, this run has one of its own.
    pub async fn read(cluster: &Cluster, environment: &Environment, about: About) -> Result<Self, Failure> {
        let nothing = async |_: &[Inventory]| Ok(Ahead::default());
        Self::read_and(cluster, environment, about, nothing).await
    }

    /// The same, and while the heads of the others are read, the live objects of the run's own inventories, if these are
    /// few. It needs to know what is served.
    pub(super) async fn read_ahead(
        cluster: &Cluster,
        environment: &Environment,
        about: About,
        discovery: impl Future<Output = Result<Arc<Discovery>, Failure>>,
    ) -> Result<Self, Failure> {
        let ahead = async |own: &[Inventory]| {
            let members = || own.iter().flat_map(|it| &it.objects);
            // What goes wrong with the discovery is told by whoever asked for it.
            let Ok(discovery) = discovery.await else { return Ok(Ahead::default()) };
            let wanted = members().filter_map(|(id, member)| {
                Some(Wanted { id: id.clone(), resource: served(&discovery, id, &member.api_version)?.clone() })
            });
            if members().count() > AHEAD { Ok(Ahead::default()) } else { Ok(cluster.read_ahead(wanted).await?) }
        };
        Self::read_and(cluster, environment, about, ahead).await
    }

    async fn read_and(
        cluster: &Cluster,
        environment: &Environment,
        about: About,
        ahead: impl AsyncFnOnce(&[Inventory]) -> Result<Ahead, Failure>,
    ) -> Result<Self, Failure> {
        let (namespace, name) = (&environment.state_namespace, &environment.name);
        let few = about.as_ref().filter(|it| it.len() <= FEW);
        let own = async {
            let Some(releases) = few else { return Ok((Vec::new(), Ahead::default())) };
            let own = cluster.inventories_of(namespace, name, releases.iter().map(|it| &**it)).await?;
            let own = pool::each(own, |it| Ok(it.read()?))?;
            let ahead = ahead(&own).await?;
            Ok((own, ahead))
        };
        let others = async {
            let Some(releases) = few else {
                let whole = cluster.kept_inventories(namespace, name).await?;
                return Ok(OtherInventories { whole, ..OtherInventories::default() });
            };
            Ok(cluster.inventories_beside(namespace, name, releases).await?)
        };
        let ((mut own, ahead), others, (key, key_is_kept)) =
            futures::future::try_join3(own, others, key(cluster, environment)).await?;
        // What was made since the first look.
        let late = others.left_out.iter().filter(|release| own.iter().all(|it| *it.release != ***release));
        let late = cluster.inventories_of(namespace, name, late.map(String::as_str)).await?;
        let (mine, whole): (Vec<_>, Vec<_>) =
            late.into_iter().chain(others.whole).partition(|it| is_about(&about, it.release()));
        own.extend(pool::each(mine, |it| Ok(it.read()?))?);
        let whole = pool::each(whole, |it| Ok((Arc::from(it.release()), Outline::of(&it.read()?))))?;
        let outlines = others.outlines.into_iter().map(|(release, it)| (Arc::from(release), it));
        Ok(Self {
            inventories: own.into_iter().map(|it| (Arc::clone(&it.release), it)).collect(),
            outlines: outlines.chain(whole).collect(),
            ahead,
            key,
            key_is_kept,
            elsewhere: Elsewhere::new(),
            about,
        })
    }

    /// Whether nobody applied anything since it was read.
    pub(super) async fn still_holds(&self, cluster: &Cluster, environment: &Environment) -> Result<bool, Failure> {
        let now = Self::read(cluster, environment, self.about.clone()).await?;
        Ok(now.inventories == self.inventories && now.outlines == self.outlines)
    }

    /// Whether an inventory has a release.
    pub(super) fn knows(&self, release: &str) -> bool {
        self.inventories.contains_key(release) || self.outlines.contains_key(release)
    }

    /// All objects that an inventory holds.
    pub(super) fn members(&self) -> impl Iterator<Item = &ObjectId> {
        let own = self.inventories.values().flat_map(|it| it.objects.keys());
        own.chain(self.outlines.values().flat_map(|it| it.objects.iter()))
    }

    /// Where what templates make up comes from: the key, if it is kept. What comes from one of this run alone would be
    /// something else in the next.
    pub fn making(&self, project: &Project) -> Making {
        let derived = || Chance::Derived(self.key.digest(b"what templates make up").to_vec());
        let chance = if self.key_is_kept { derived() } else { Chance::Placeholder };
        Making { now: project.time, chance, live: None, records: false }
    }

    /// The objects in the inventories of the releases that the run is about.
    pub(super) fn held(&self) -> BTreeMap<ObjectId, Held> {
        let mut held = BTreeMap::new();
        for inventory in self.inventories.values() {
            for (id, member) in &inventory.objects {
                let release = Arc::clone(&inventory.release);
                let (api_version, recorded) = (member.api_version.clone(), member.recorded.clone());
                held.insert(id.clone(), Held { release, api_version, recorded });
            }
        }
        held
    }

    /// How many objects the releases have that the run is not about.
    pub(super) fn beside(&self) -> Beside<'_> {
        let mut beside = Beside::new();
        for id in self.outlines.values().flat_map(|it| it.objects.iter()) {
            *beside.entry((&id.kind, id.namespace.as_deref())).or_default() += 1;
        }
        beside
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
        let removed = self.inventories.keys().chain(self.outlines.keys()).filter(|name| !names.contains(&***name));
        known.chain(removed.map(|name| self.fact(name, declared))).collect()
    }

    /// Adds the hooks of the releases that the run is about.
    pub(super) fn add_hooks(&self, facts: &mut [ReleaseFacts], hooks: Vec<Hook>, back: bool) {
        let mut wanted: BTreeMap<Arc<str>, Vec<Arc<WantedHook>>> = BTreeMap::new();
        for hook in hooks {
            let release = Arc::clone(&hook.object.release);
            wanted.entry(release).or_default().push(Arc::new(WantedHook::new(hook, &self.key)));
        }
        for fact in facts.iter_mut().filter(|it| is_about(&self.about, &it.name)) {
            let kept = self.inventories.get(&fact.name).map(|it| it.hooks.clone()).unwrap_or_default();
            let wanted = wanted.remove(&fact.name).unwrap_or_default();
            fact.hooks = HookFacts { wanted, kept, back };
        }
    }

    fn fact(&self, release: &Arc<str>, environment: &Environment) -> ReleaseFacts {
        let of_inventory = |it: &Inventory| (Arc::new(it.objects.keys().cloned().collect()), it.prune);
        let of_outline = |it: &Outline| (Arc::clone(&it.objects), it.prune);
        let whole = self.inventories.get(release).map(of_inventory);
        let (inventory, kept) = whole.or_else(|| self.outlines.get(release).map(of_outline)).unwrap_or_default();
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
            inventory,
            prune: kept,
            kept_prune: kept,
            ..ReleaseFacts::default()
        }
    }
}

fn is_about(about: &About, release: &str) -> bool {
    about.as_ref().is_none_or(|releases| releases.contains(release))
}

/// The key of fingerprints and records, and whether it is kept; else it is one for this run.
pub(super) async fn key(cluster: &Cluster, environment: &Environment) -> Result<(FingerprintKey, bool), Failure> {
    let kept = cluster.fingerprint_key(&environment.state_namespace, false).await?;
    let is_kept = kept.is_some();
    Ok((kept.map_or_else(random_key, Ok)?, is_kept))
}

/// A key for one run.
pub(super) fn random_key() -> Result<FingerprintKey, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(PipelineError::Random)?;
    Ok(FingerprintKey::new(bytes))
}
