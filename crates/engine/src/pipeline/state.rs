//! What the cluster keeps about an environment, and what a plan needs to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryFutureExt as _;

use super::compare::{InventoryMember, served};
use super::other_releases::OtherReleases;
use super::server_context::ServerContext;
use super::{PipelineError, Project, pool};
use crate::cluster::{
    Cluster, KeptInventory, LivePrefetch, NeighbourCounts, OtherInventories, SchemaCache, ServedObject,
};
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_schema::{Discovery, Gvk};
use weft_stages::chart::{Chance, RenderOptions};
use weft_stages::manifest::{self, Hook, ObjectId};
use weft_stages::plan::hooks::WantedHook;
use weft_stages::plan::{AbsenceReason, HookFacts, ReleaseFacts};
use weft_stages::project::{Environment, Owner};
use weft_stages::state::{Inventory, Outline};

/// The most inventories that are read by their names.
const FEW: usize = 64;
/// The most live objects that are prefetched.
const AHEAD: usize = 128;

/// The releases that a run is about; `None` for all, including those that only an inventory has.
pub(super) type ReleaseScope = Option<BTreeSet<Arc<str>>>;

/// The key of fingerprints and records, and whether the cluster keeps it. If not, it lasts for one run.
#[derive(Clone)]
pub(super) struct EnvironmentKey {
    pub key: FingerprintKey,
    pub is_kept: bool,
}

/// An object that a run will look at.
pub(super) struct ExpectedObject {
    pub id: ObjectId,
    pub api_version: String,
}

/// What was read from the server before the run knew that it needs it. This only hides latency: whatever is missing here
/// is read later.
#[derive(Default)]
pub(super) struct Prefetch {
    pub live: LivePrefetch,
    /// The schemas and rights for the objects that differ.
    pub context: ServerContext,
}

/// A request that may fail, under way beside others.
pub(super) trait Fallible<T>: Future<Output = Result<T, Failure>> {}

impl<T, F: Future<Output = Result<T, Failure>>> Fallible<T> for F {}

/// What the cluster keeps about an environment.
pub struct State {
    /// The inventories of the releases that the run is about.
    pub inventories: BTreeMap<Arc<str>, Inventory>,
    /// What the inventories of the others hold.
    pub outlines: BTreeMap<Arc<str>, Outline>,
    /// The releases of other projects in an environment of this name, with these projects.
    pub foreign: BTreeMap<Arc<str>, Owner>,
    /// The key of fingerprints and records.
    pub key: FingerprintKey,
    /// Whether the cluster keeps the key. Fingerprints of a key that is not kept compare with nothing else.
    pub key_is_kept: bool,
    pub(super) prefetch: Prefetch,
    /// The objects of the releases that the run is not about. Empty unless an object left a release of the run.
    pub(super) elsewhere: OtherReleases,
    about: ReleaseScope,
}

impl State {
    /// Reads the state of an environment for a run about these releases. It writes nothing: if the cluster keeps no key yet,
    /// this run has its own.
    pub async fn read(cluster: &Cluster, environment: &Environment, about: ReleaseScope) -> Result<Self, Failure> {
        let key = key(cluster, environment);
        let nothing = async |_: &[Inventory]| Ok((Prefetch::default(), ()));
        match about {
            Some(few) if few.len() <= FEW => Ok(Self::read_few(cluster, environment, few, key, nothing).await?.0),
            about => Self::read_all(cluster, environment, about, key).await,
        }
    }

    /// Reads the state with this key, and does `work`, which finds out which objects the run is about.
    ///
    /// In a run about few releases, `work` begins as soon as their inventories are there, while the heads of the other
    /// inventories are still being read. Then the objects that `work` names and those of the run's inventories are
    /// prefetched, if they are few. In any other run, `work` begins when the state is read, and nothing is prefetched.
    pub(super) async fn read_and<R>(
        cluster: &Cluster,
        environment: &Environment,
        about: ReleaseScope,
        discovery: impl Fallible<Arc<Discovery>>,
        key: impl Fallible<EnvironmentKey> + Clone,
        cache: &SchemaCache,
        work: impl AsyncFnOnce(&Arc<Discovery>, &EnvironmentKey) -> (R, Vec<ExpectedObject>),
    ) -> Result<(Self, R), Failure> {
        let few = match about {
            Some(few) if few.len() <= FEW => few,
            about => {
                let state = Self::read_all(cluster, environment, about, key);
                let (discovery, state) = futures::future::try_join(discovery, state).await?;
                let (done, _) = work(&discovery, &state.environment_key()).await;
                return Ok((state, done));
            }
        };
        let known = futures::future::try_join(discovery, key.clone());
        let prefetch = async |own: &[Inventory]| {
            let (discovery, key) = known.await?;
            let (done, sought) = work(&discovery, &key).await;
            let (kinds, namespaces) = kinds_and_namespaces(&sought, &discovery);
            let members = own.iter().flat_map(|it| &it.objects).map(|(id, it)| (id.clone(), it.api_version.clone()));
            let mut all: BTreeMap<ObjectId, String> =
                members.chain(sought.into_iter().map(|it| (it.id, it.api_version))).collect();
            if all.len() > AHEAD {
                all.clear();
            }
            let wanted = all.into_iter().filter_map(|(id, api_version)| {
                let resource = served(&discovery, &id, &api_version)?.clone();
                Some(ServedObject { id, resource })
            });
            let context = ServerContext::prepared(cluster, kinds, namespaces, cache);
            let (live, context) = futures::future::try_join(cluster.read_ahead(wanted), context).await?;
            Ok((Prefetch { live, context }, done))
        };
        Self::read_few(cluster, environment, few, key, prefetch).await
    }

    async fn read_all(
        cluster: &Cluster,
        environment: &Environment,
        about: ReleaseScope,
        key: impl Fallible<EnvironmentKey>,
    ) -> Result<Self, Failure> {
        let whole = cluster.kept_inventories(&environment.state_namespace, &environment.name).map_err(Failure::from);
        let (whole, key) = futures::future::try_join(whole, key).await?;
        let mut foreign = Foreign::of(environment);
        let whole = foreign.leave_out(whole);
        let others = OtherInventories { whole, ..OtherInventories::default() };
        Self::new(about, Vec::new(), Prefetch::default(), others, foreign, key)
    }

    /// Reads the inventories of few releases by their names, and the heads of the others. `prefetch` runs as soon as the
    /// former are there.
    async fn read_few<R>(
        cluster: &Cluster,
        environment: &Environment,
        few: BTreeSet<Arc<str>>,
        key: impl Fallible<EnvironmentKey>,
        prefetch: impl AsyncFnOnce(&[Inventory]) -> Result<(Prefetch, R), Failure>,
    ) -> Result<(Self, R), Failure> {
        let namespace = &environment.state_namespace;
        let name = &environment.name;
        let own = async {
            let mut foreign = Foreign::of(environment);
            let own = cluster.inventories_of(namespace, name, few.iter().map(|it| &**it)).await?;
            let own = pool::each(foreign.leave_out(own), |it| Ok(it.read()?))?;
            let (prefetched, done) = prefetch(&own).await?;
            Ok((own, foreign, prefetched, done))
        };
        let others = cluster.inventories_beside(namespace, name, &few).map_err(Failure::from);
        let ((own, mut foreign, prefetched, done), mut others, key) =
            futures::future::try_join3(own, others, key).await?;
        // Inventories that were created since the first read.
        let late = others.left_out.iter().filter(|release| own.iter().all(|it| *it.release != ***release));
        others.whole.extend(cluster.inventories_of(namespace, name, late.map(String::as_str)).await?);
        others.whole = foreign.leave_out(others.whole);
        others.outlines.retain(|release, it| foreign.lets_through(release, it.owner.as_ref()));
        Ok((Self::new(Some(few), own, prefetched, others, foreign, key)?, done))
    }

    /// The state in these inventories. Those in `own` have been parsed already.
    fn new(
        about: ReleaseScope,
        mut own: Vec<Inventory>,
        prefetch: Prefetch,
        others: OtherInventories,
        mut foreign: Foreign<'_>,
        key: EnvironmentKey,
    ) -> Result<Self, Failure> {
        let (mine, whole): (Vec<_>, Vec<_>) = others.whole.into_iter().partition(|it| is_about(&about, it.release()));
        own.extend(pool::each(mine, |it| Ok(it.read()?))?);
        // Somebody may have removed the label; the document still names the owner.
        own.retain(|it| foreign.lets_through(&it.release, it.owner.as_ref()));
        let whole = pool::each(whole, |it| Ok((Arc::from(it.release()), Outline::from_inventory(&it.read()?))))?;
        let outlines = others.outlines.into_iter().map(|(release, it)| (Arc::from(release), it));
        Ok(Self {
            inventories: own.into_iter().map(|it| (Arc::clone(&it.release), it)).collect(),
            outlines: outlines.chain(whole).collect(),
            foreign: foreign.releases,
            prefetch,
            key: key.key,
            key_is_kept: key.is_kept,
            elsewhere: OtherReleases::new(),
            about,
        })
    }

    /// Whether nobody applied anything since it was read.
    pub(super) async fn still_holds(&self, cluster: &Cluster, environment: &Environment) -> Result<bool, Failure> {
        let now = Self::read(cluster, environment, self.about.clone()).await?;
        let is_same = now.inventories == self.inventories && now.outlines == self.outlines;
        Ok(is_same && now.foreign == self.foreign)
    }

    /// Whether an inventory has a release.
    pub(super) fn knows(&self, release: &str) -> bool {
        self.inventories.contains_key(release) || self.outlines.contains_key(release)
    }

    /// All objects that an inventory holds.
    pub(super) fn members(&self) -> impl Iterator<Item = ObjectId> {
        let own = self.inventories.values().flat_map(|it| it.objects.keys().cloned());
        own.chain(self.outlines.values().flat_map(|it| it.objects.ids()))
    }

    /// The render options of a project. What templates generate is derived from the key, if the cluster keeps it.
    pub fn making(&self, project: &Project) -> RenderOptions {
        making(project, &self.environment_key())
    }

    fn environment_key(&self) -> EnvironmentKey {
        EnvironmentKey { key: self.key.clone(), is_kept: self.key_is_kept }
    }

    /// The objects in the inventories of the releases that the run is about.
    pub(super) fn members_with_records(&self) -> BTreeMap<ObjectId, InventoryMember> {
        let mut held = BTreeMap::new();
        for inventory in self.inventories.values() {
            for (id, member) in &inventory.objects {
                let release = Arc::clone(&inventory.release);
                let api_version = member.api_version.clone();
                let recorded = member.recorded.clone();
                held.insert(id.clone(), InventoryMember { release, api_version, recorded });
            }
        }
        held
    }

    /// How many objects of each kind and namespace the other releases have.
    pub(super) fn neighbours(&self) -> NeighbourCounts<'_> {
        let mut counts = NeighbourCounts::new();
        for group in self.outlines.values().flat_map(|it| it.objects.groups()) {
            for kind in &group.kinds {
                *counts.entry((kind, group.namespace.as_deref())).or_default() += group.names.len();
            }
        }
        counts
    }

    /// The facts about the declared releases, and about those that only an inventory knows.
    pub fn facts(&self, project: &Project) -> Vec<ReleaseFacts> {
        let declared = &project.whole;
        let known = declared.releases.iter().map(|release| ReleaseFacts {
            namespace: release.namespace.clone(),
            needs: release.needs.clone(),
            prune: release.prune,
            declared: true,
            conflicts: release.conflicts.iter().chain(&declared.conflicts).cloned().collect(),
            replace: release.replace.iter().chain(&declared.replace).cloned().collect(),
            ..self.fact(&release.name, declared)
        });
        let names: BTreeSet<&str> = declared.releases.iter().map(|it| &*it.name).collect();
        let removed = self.inventories.keys().chain(self.outlines.keys()).filter(|name| !names.contains(&***name));
        let removed = removed
            .map(|name| ReleaseFacts { vanished: Some(self.vanished(name, project)), ..self.fact(name, declared) });
        known.chain(removed).collect()
    }

    /// Why a release that an inventory knows is not in the environment.
    fn vanished(&self, release: &Arc<str>, project: &Project) -> AbsenceReason {
        if let Some(when) = project.conditions.get(&**release) {
            return AbsenceReason::Condition(when.clone());
        }
        let owner = self.inventories.get(release).map(|it| &it.owner);
        let owner = owner.or_else(|| self.outlines.get(release).map(|it| &it.owner));
        let is_selected = project.environment.releases.iter().any(|it| it.name == *release);
        let is_claimed = is_selected || owner.is_some_and(Option::is_some) || project.environment.project.is_none();
        if is_claimed { AbsenceReason::Undeclared } else { AbsenceReason::Unclaimed }
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
        let of_inventory = |it: &Inventory| (Arc::new(it.objects.keys().collect()), it.prune);
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

/// The inventories of other projects, on their way out of what a run is about.
struct Foreign<'e> {
    environment: &'e Environment,
    releases: BTreeMap<Arc<str>, Owner>,
}

impl<'e> Foreign<'e> {
    fn of(environment: &'e Environment) -> Self {
        Self { environment, releases: BTreeMap::new() }
    }

    /// The inventories that are not another project's.
    fn leave_out(&mut self, all: Vec<KeptInventory>) -> Vec<KeptInventory> {
        all.into_iter().filter(|it| self.lets_through(it.release(), it.owner().as_ref())).collect()
    }

    /// Whether an inventory is this project's, or of a time before projects had identities.
    fn lets_through(&mut self, release: &str, owner: Option<&Owner>) -> bool {
        let Some(owner) = owner.filter(|it| Some(&it.id) != self.environment.project.as_ref()) else { return true };
        self.releases.insert(release.into(), owner.clone());
        false
    }
}

/// The served kinds and the namespaces of the objects that a run will look at.
fn kinds_and_namespaces(sought: &[ExpectedObject], discovery: &Discovery) -> (BTreeSet<Gvk>, BTreeSet<String>) {
    let kinds = sought.iter().map(|it| Gvk::new(&it.api_version, &it.id.kind.kind));
    let namespaces = sought.iter().filter_map(|it| it.id.namespace.clone());
    (kinds.filter(|it| discovery.resource(it).is_some()).collect(), namespaces.collect())
}

/// The render options of a project. What templates generate is derived from the key, if the cluster keeps it; a key that
/// lasts for one run would give other values in the next run, so placeholders stand there instead.
pub(super) fn making(project: &Project, EnvironmentKey { key, is_kept }: &EnvironmentKey) -> RenderOptions {
    let derived = || Chance::Derived(key.digest(b"what templates make up").to_vec());
    let chance = if *is_kept { derived() } else { Chance::Placeholder };
    RenderOptions { now: project.time, chance, live: None, records: false }
}

fn is_about(about: &ReleaseScope, release: &str) -> bool {
    about.as_ref().is_none_or(|releases| releases.contains(release))
}

/// The key of an environment.
pub(super) async fn key(cluster: &Cluster, environment: &Environment) -> Result<EnvironmentKey, Failure> {
    let kept = cluster.fingerprint_key(&environment.state_namespace, false).await?;
    let is_kept = kept.is_some();
    Ok(EnvironmentKey { key: kept.map_or_else(random_key, Ok)?, is_kept })
}

/// A key for one run.
pub(super) fn random_key() -> Result<FingerprintKey, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(PipelineError::Random)?;
    Ok(FingerprintKey::new(bytes))
}
