//! What the cluster keeps about an environment, and what a plan has to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryFutureExt as _;

use super::compare::{Held, served};
use super::elsewhere::Elsewhere;
use super::questions::Questions;
use super::{PipelineError, Project, pool};
use crate::cluster::{Ahead, Beside, Cluster, KeptInventory, OtherInventories, SchemaCache, Wanted};
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_schema::{Discovery, Gvk};
use weft_stages::chart::{Chance, Making};
use weft_stages::manifest::{self, Hook, ObjectId};
use weft_stages::plan::hooks::WantedHook;
use weft_stages::plan::{AbsenceReason, HookFacts, ReleaseFacts};
use weft_stages::project::{Environment, Owner};
use weft_stages::state::{Inventory, Outline};

/// Inventories that are read by their names, and live objects before it is known what is wanted of them, at most.
const FEW: usize = 64;
const AHEAD: usize = 128;

/// The releases that a run is about; `None` for all, those that only an inventory knows among them.
pub(super) type About = Option<BTreeSet<Arc<str>>>;

/// The key of fingerprints and records, and whether it is kept; else it is one for this run.
pub(super) type Key = (FingerprintKey, bool);

/// An object that a run will look at, and the `apiVersion` of its kind.
pub(super) type Sought = (ObjectId, String);

/// What the server was asked for before it was known that it is needed.
#[derive(Default)]
pub(super) struct Early {
    /// Live objects.
    pub ahead: Ahead,
    /// What tells about those that differ.
    pub questions: Questions,
}

/// What is asked for meanwhile.
pub(super) trait Later<T>: Future<Output = Result<T, Failure>> {}

impl<T, F: Future<Output = Result<T, Failure>>> Later<T> for F {}

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
    /// Whether the key is kept in the cluster. One of this run alone compares with nothing else.
    pub key_is_kept: bool,
    /// What was asked for on the way.
    pub(super) early: Early,
    /// What the repository gives the releases that the run is not about; told only where anything left the others.
    pub(super) elsewhere: Elsewhere,
    about: About,
}

impl State {
    /// Reads the state of an environment, as a run about these releases needs it. Nothing is written: where no key is kept
    /// yet, this run has one of its own.
    pub async fn read(cluster: &Cluster, environment: &Environment, about: About) -> Result<Self, Failure> {
        let key = key(cluster, environment);
        let nothing = async |_: &[Inventory]| Ok((Early::default(), ()));
        match about {
            Some(few) if few.len() <= FEW => Ok(Self::read_few(cluster, environment, few, key, nothing).await?.0),
            about => Self::read_all(cluster, environment, about, key).await,
        }
    }

    /// The same with this key and with a work, which finds out what objects the run is about. In a run about few releases
    /// that is done while the heads of the others are read, and then the live ones of these objects and of those in the
    /// run's own inventories are read, if they are few, too. In any other run it comes back as it was given.
    pub(super) async fn read_ahead<R, W: AsyncFnOnce(&Arc<Discovery>, &Key) -> (R, Vec<Sought>)>(
        cluster: &Cluster,
        environment: &Environment,
        about: About,
        (discovery, key): (impl Later<Arc<Discovery>>, impl Later<Key> + Clone),
        cache: &SchemaCache,
        work: W,
    ) -> Result<(Self, Result<R, W>), Failure> {
        let few = match about {
            Some(few) if few.len() <= FEW => few,
            about => return Ok((Self::read_all(cluster, environment, about, key).await?, Err(work))),
        };
        let known = futures::future::try_join(discovery, key.clone());
        let early = async |own: &[Inventory]| {
            let (discovery, key) = known.await?;
            let (done, sought) = work(&discovery, &key).await;
            let about = questioned(&sought, &discovery);
            let members = own.iter().flat_map(|it| &it.objects).map(|(id, it)| (id.clone(), it.api_version.clone()));
            let mut all: BTreeMap<ObjectId, String> = members.chain(sought).collect();
            if all.len() > AHEAD {
                all.clear();
            }
            let wanted = all.into_iter().filter_map(|(id, api_version)| {
                let resource = served(&discovery, &id, &api_version)?.clone();
                Some(Wanted { id, resource })
            });
            let questions = Questions::prepared(cluster, about, cache);
            let (ahead, questions) = futures::future::try_join(cluster.read_ahead(wanted), questions).await?;
            Ok((Early { ahead, questions }, done))
        };
        let (state, done) = Self::read_few(cluster, environment, few, key, early).await?;
        Ok((state, Ok(done)))
    }

    async fn read_all(
        cluster: &Cluster,
        environment: &Environment,
        about: About,
        key: impl Later<Key>,
    ) -> Result<Self, Failure> {
        let whole = cluster.kept_inventories(&environment.state_namespace, &environment.name).map_err(Failure::from);
        let (whole, key) = futures::future::try_join(whole, key).await?;
        let mut foreign = Foreign::of(environment);
        let whole = foreign.leave_out(whole);
        let others = OtherInventories { whole, ..OtherInventories::default() };
        Self::of(about, (Vec::new(), Early::default()), others, foreign, key)
    }

    /// With what was done when the run's own inventories were there.
    async fn read_few<R>(
        cluster: &Cluster,
        environment: &Environment,
        few: BTreeSet<Arc<str>>,
        key: impl Later<Key>,
        early: impl AsyncFnOnce(&[Inventory]) -> Result<(Early, R), Failure>,
    ) -> Result<(Self, R), Failure> {
        let namespace = &environment.state_namespace;
        let name = &environment.name;
        let own = async {
            let mut foreign = Foreign::of(environment);
            let own = cluster.inventories_of(namespace, name, few.iter().map(|it| &**it)).await?;
            let own = pool::each(foreign.leave_out(own), |it| Ok(it.read()?))?;
            let (early, done) = early(&own).await?;
            Ok((own, foreign, early, done))
        };
        let others = cluster.inventories_beside(namespace, name, &few).map_err(Failure::from);
        let ((own, mut foreign, early, done), mut others, key) = futures::future::try_join3(own, others, key).await?;
        // What was made since the first look.
        let late = others.left_out.iter().filter(|release| own.iter().all(|it| *it.release != ***release));
        others.whole.extend(cluster.inventories_of(namespace, name, late.map(String::as_str)).await?);
        others.whole = foreign.leave_out(others.whole);
        others.outlines.retain(|release, it| foreign.lets_through(release, it.owner.as_ref()));
        Ok((Self::of(Some(few), (own, early), others, foreign, key)?, done))
    }

    /// The state that the inventories tell, of which `own` are read.
    fn of(
        about: About,
        (mut own, early): (Vec<Inventory>, Early),
        others: OtherInventories,
        mut foreign: Foreign<'_>,
        (key, key_is_kept): Key,
    ) -> Result<Self, Failure> {
        let (mine, whole): (Vec<_>, Vec<_>) = others.whole.into_iter().partition(|it| is_about(&about, it.release()));
        own.extend(pool::each(mine, |it| Ok(it.read()?))?);
        // Somebody may have taken the label away; the document still says whose it is.
        own.retain(|it| foreign.lets_through(&it.release, it.owner.as_ref()));
        let whole = pool::each(whole, |it| Ok((Arc::from(it.release()), Outline::from_inventory(&it.read()?))))?;
        let outlines = others.outlines.into_iter().map(|(release, it)| (Arc::from(release), it));
        Ok(Self {
            inventories: own.into_iter().map(|it| (Arc::clone(&it.release), it)).collect(),
            outlines: outlines.chain(whole).collect(),
            foreign: foreign.releases,
            early,
            key,
            key_is_kept,
            elsewhere: Elsewhere::new(),
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

    /// Where what templates make up comes from: the key, if it is kept.
    pub fn making(&self, project: &Project) -> Making {
        making(project, &(self.key.clone(), self.key_is_kept))
    }

    /// The objects in the inventories of the releases that the run is about.
    pub(super) fn held(&self) -> BTreeMap<ObjectId, Held> {
        let mut held = BTreeMap::new();
        for inventory in self.inventories.values() {
            for (id, member) in &inventory.objects {
                let release = Arc::clone(&inventory.release);
                let api_version = member.api_version.clone();
                let recorded = member.recorded.clone();
                held.insert(id.clone(), Held { release, api_version, recorded });
            }
        }
        held
    }

    /// How many objects the releases have that the run is not about.
    pub(super) fn beside(&self) -> Beside<'_> {
        let mut beside = Beside::new();
        for group in self.outlines.values().flat_map(|it| it.objects.groups()) {
            for kind in &group.kinds {
                *beside.entry((kind, group.namespace.as_deref())).or_default() += group.names.len();
            }
        }
        beside
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

/// The kinds that are served and the namespaces of objects that a run will look at.
fn questioned(sought: &[Sought], discovery: &Discovery) -> (BTreeSet<Gvk>, BTreeSet<String>) {
    let kinds = sought.iter().map(|(id, api_version)| Gvk::new(api_version, &id.kind.kind));
    let namespaces = sought.iter().filter_map(|(id, _)| id.namespace.clone());
    (kinds.filter(|it| discovery.resource(it).is_some()).collect(), namespaces.collect())
}

/// Where what templates make up comes from: the key, if it is kept. What comes from one of this run alone would be
/// something else in the next.
pub(super) fn making(project: &Project, (key, is_kept): &Key) -> Making {
    let derived = || Chance::Derived(key.digest(b"what templates make up").to_vec());
    let chance = if *is_kept { derived() } else { Chance::Placeholder };
    Making { now: project.time, chance, live: None, records: false }
}

fn is_about(about: &About, release: &str) -> bool {
    about.as_ref().is_none_or(|releases| releases.contains(release))
}

/// The key of an environment.
pub(super) async fn key(cluster: &Cluster, environment: &Environment) -> Result<Key, Failure> {
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
