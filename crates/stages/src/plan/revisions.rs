//! Compares two renderings of the repository and makes a [`Plan`] for reading. It asks no cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Action, Guards, PART_OF, Plan, Relation, ReleaseFacts, Step};
use crate::diff::{Comparison, ObjectComparison, Verdict, dropped, rebased, revised};
use crate::manifest::{Object, ObjectId, apply_set_id, inventory_name};
use crate::project::{Environment, GUARDED, Release};
use weft_base::masked::FingerprintKey;
use weft_base::value::Value;
use weft_schema::GroupKind;

/// The objects of a rendering, those of hooks among them.
pub type Objects = Vec<Arc<Object>>;

/// Plans what an apply of `head` would do where exactly `base` is applied, each of them an environment with its objects.
/// What deletes data is in it like all else, as the revision says so; who applies it is asked first.
pub fn of_revisions(base: (&Environment, Objects), head: (&Environment, &Objects), key: &FingerprintKey) -> Plan {
    let from = base.0;
    let to = head.0;
    let inventories = by_release(&base.1);
    let fact = |release: &Release, declared: bool| ReleaseFacts {
        name: Arc::clone(&release.name),
        needs: release.needs.clone(),
        prune: release.prune,
        kept_prune: release.prune,
        declared,
        set: apply_set_id(&to.state_namespace, &inventory_name(&to.name, &release.name)),
        inventory: Arc::new(inventories.get(&release.name).into_iter().flatten().cloned().collect()),
        replace: release.replace.iter().chain(&to.replace).cloned().collect(),
        ..ReleaseFacts::default()
    };
    let has = |name: &str| to.releases.iter().any(|it| &*it.name == name);
    let gone = from.releases.iter().filter(|it| !has(&it.name)).map(|it| fact(it, false));
    let facts: Vec<ReleaseFacts> = to.releases.iter().map(|it| fact(it, true)).chain(gone).collect();
    let guards = Guards {
        allow_delete: GUARDED.iter().map(|it| (*it).to_owned()).collect(),
        allow_empty: facts.iter().map(|it| it.name.to_string()).collect(),
        ..Guards::default()
    };
    let comparison = Comparison { objects: compared(base.1, head.1, key), residents: BTreeMap::new() };
    let mut plan = super::plan(&to.name, comparison, &facts, &guards);
    plan.refusals.clear();
    plan.stages.clear();
    plan
}

/// Plans what makes one environment the other: objects are the same where they have one name in one release, in whatever
/// namespace the release is.
pub fn of_environments(base: (&Environment, Objects), head: (&Environment, Objects), key: &FingerprintKey) -> Plan {
    let environment = format!("{} -> {}", base.0.name, head.0.name);
    let mut left = UnmatchedObjects::new(base.1);
    let mut steps = Vec::new();
    for object in head.1 {
        let other = left.take(&object);
        let at_home = other.as_ref().is_some_and(|it| is_at_home(base.0, it) && is_at_home(head.0, &object));
        let was = other.as_ref().filter(|it| it.id != object.id && !at_home).map(|it| Relation::Named(it.id.clone()));
        let other = other.map(|it| moved(it, &object, at_home));
        let object = revised(other.as_ref(), &object, key);
        let action = match object.verdict {
            Verdict::Create => Action::Create,
            Verdict::Update => Action::Update,
            _ => Action::Unchanged,
        };
        steps.push(Step { action, wave: 0, object, was });
    }
    let dropped = left.objects.into_iter().flatten().map(|it| dropped(&it, key));
    steps.extend(dropped.map(|object| Step { action: Action::Delete, wave: 0, object, was: None }));
    Plan { environment, steps, ..Plan::default() }
}

/// Tells in a plan what the revision changes from what had drifted before: what the fields of its objects were last is
/// what `base` has.
pub fn rebase(plan: &mut Plan, base: &Objects, key: &FingerprintKey) {
    let known: HashMap<&ObjectId, &Arc<Object>> = base.iter().map(|it| (&it.id, it)).collect();
    for step in &mut plan.steps {
        let base = known.get(&step.object.id).copied();
        rebased(&mut step.object, base, key);
    }
}

fn by_release(objects: &Objects) -> BTreeMap<Arc<str>, Vec<ObjectId>> {
    let mut all: BTreeMap<Arc<str>, Vec<ObjectId>> = BTreeMap::new();
    for object in objects.iter().filter(|it| !it.implicit) {
        all.entry(Arc::clone(&object.release)).or_default().push(object.id.clone());
    }
    all
}

fn compared(base: Objects, head: &Objects, key: &FingerprintKey) -> Vec<ObjectComparison> {
    let mut left: HashMap<ObjectId, Vec<Arc<Object>>> = HashMap::new();
    // Hooks may share a name; their order distinguishes them.
    for object in base.into_iter().rev() {
        left.entry(object.id.clone()).or_default().push(object);
    }
    let mut all: Vec<ObjectComparison> = Vec::new();
    for object in head {
        let other = left.get_mut(&object.id).and_then(Vec::pop);
        if let Some(other) = other.as_ref().filter(|it| it.release != object.release && !it.implicit) {
            all.push(dropped(other, key));
        }
        all.push(revised(other.as_ref(), object, key));
    }
    let mut gone: Vec<Arc<Object>> = left.into_values().flatten().filter(|it| !it.implicit).collect();
    gone.sort_by(|a, b| (&a.release, &a.id).cmp(&(&b.release, &b.id)));
    all.extend(gone.iter().map(|it| dropped(it, key)));
    // Removed objects come last, as in a comparison with a cluster.
    all.sort_by_key(|it| it.desired.is_none());
    all
}

/// The objects of an environment for which none of another one was found yet.
struct UnmatchedObjects {
    objects: Vec<Option<Arc<Object>>>,
    /// Their places by what they may be found by, the first one last.
    places: HashMap<Likeness, Vec<usize>>,
}

/// What makes two objects the same thing in two environments.
#[derive(PartialEq, Eq, Hash)]
enum Likeness {
    Id(ObjectId),
    /// Of a release, in whatever namespace it is.
    Name(GroupKind, String, Arc<str>),
    /// The namespace that is made for a release.
    Implicit(Arc<str>),
}

impl Likeness {
    /// Those of an object beside its id.
    fn all(object: &Object) -> impl Iterator<Item = Self> {
        let release = &object.release;
        let name = Self::Name(object.id.kind.clone(), object.id.name.clone(), Arc::clone(release));
        [name].into_iter().chain(object.implicit.then(|| Self::Implicit(Arc::clone(release))))
    }
}

impl UnmatchedObjects {
    fn new(objects: Objects) -> Self {
        let mut places: HashMap<Likeness, Vec<usize>> = HashMap::new();
        for (at, object) in objects.iter().enumerate().rev() {
            for likeness in Likeness::all(object).chain([Likeness::Id(object.id.clone())]) {
                places.entry(likeness).or_default().push(at);
            }
        }
        Self { objects: objects.into_iter().map(Some).collect(), places }
    }

    /// The object that is the same thing: first by its id.
    fn take(&mut self, object: &Object) -> Option<Arc<Object>> {
        let same = self.first(&Likeness::Id(object.id.clone()));
        let at = same.or_else(|| Likeness::all(object).filter_map(|likeness| self.first(&likeness)).min())?;
        self.objects.get_mut(at)?.take()
    }

    fn first(&mut self, likeness: &Likeness) -> Option<usize> {
        let places = self.places.get_mut(likeness)?;
        while places.pop_if(|at| self.objects[*at].is_none()).is_some() {}
        places.last().copied()
    }
}

/// Whether an object is in the namespace of its release, or is that namespace.
fn is_at_home(environment: &Environment, object: &Object) -> bool {
    let release = environment.releases.iter().find(|it| it.name == object.release);
    release.is_some_and(|it| object.id.namespace.as_ref().unwrap_or(&object.id.name) == &it.namespace)
}

/// An object as it would be in another environment: with the label of the set there, and at home in the namespace there.
fn moved(object: Arc<Object>, to: &Object, at_home: bool) -> Arc<Object> {
    let mut object = Arc::unwrap_or_clone(object);
    let metadata = |body: &Value| body.get("metadata").and_then(Value::as_map).cloned();
    let (Some(mut own), Some(theirs)) = (metadata(&object.body), metadata(&to.body)) else { return Arc::new(object) };
    if at_home {
        for key in ["namespace", "name"] {
            if own.contains(key)
                && let Some(there) = theirs.get(key)
            {
                own.insert(key, there.clone());
            }
        }
    }
    let set = theirs.get("labels").and_then(|it| it.get(PART_OF)).cloned();
    if let (Some(set), Some(labels)) = (set, own.get_mut("labels").and_then(Value::as_map_mut)) {
        labels.insert(PART_OF, set);
    }
    if let Some(body) = object.body.as_map_mut() {
        body.insert("metadata", own);
    }
    Arc::new(object)
}
