//! The `ConfigMapSync`s, with indexes for finding them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{AffectedKeys, ResourceVersion};
use crate::ConfigMapSync;
use crate::decide::{source, target_name};
use crate::marks::{NamespacedName, ORPHAN_FINALIZER, RECONCILE_AT};

/// An object, as it is known.
#[derive(Clone, Debug)]
pub struct Sync {
    pub object: Arc<ConfigMapSync>,
    /// Whether it was ever seen with the finalizer that keeps its copies: that goes early.
    pub orphaned: bool,
}

/// All objects.
#[derive(Debug, Default)]
pub struct Syncs {
    all: BTreeMap<NamespacedName, Sync>,
    sources: HashMap<NamespacedName, BTreeSet<NamespacedName>>,
    accounts: HashMap<NamespacedName, BTreeSet<NamespacedName>>,
    names: HashMap<String, BTreeSet<NamespacedName>>,
}

impl Syncs {
    /// The object of a name.
    pub fn get(&self, key: &NamespacedName) -> Option<&Sync> {
        self.all.get(key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&NamespacedName, &Sync)> {
        self.all.iter()
    }

    /// Takes an object up; whether anything changed that a visit would look at. An older version changes nothing.
    pub fn apply(&mut self, key: &NamespacedName, object: Arc<ConfigMapSync>) -> bool {
        let before = self.all.get(key);
        let same = before.filter(|it| it.object.metadata.uid == object.metadata.uid);
        let version =
            |it: &ConfigMapSync| ResourceVersion::from(it.metadata.resource_version.as_deref().unwrap_or_default());
        if before.is_some_and(|it| version(&object).is_older(&version(&it.object))) {
            return false;
        }
        let finalizers = object.metadata.finalizers.as_deref().unwrap_or_default();
        let keeps = object.metadata.deletion_timestamp.is_some() && finalizers.iter().any(|it| it == ORPHAN_FINALIZER);
        let orphaned = keeps || same.is_some_and(|it| it.orphaned);
        let changed = same.is_none_or(|it| matters(&it.object) != matters(&object));
        self.remove(key);
        self.sources.entry(source(&object.spec, &key.namespace)).or_default().insert(key.clone());
        self.accounts.entry(account(key, &object)).or_default().insert(key.clone());
        self.names.entry(target_name(&object.spec).to_owned()).or_default().insert(key.clone());
        self.all.insert(key.clone(), Sync { object, orphaned });
        changed
    }

    /// Forgets an object; whether there was one.
    pub fn remove(&mut self, key: &NamespacedName) -> bool {
        let Some(Sync { object, .. }) = self.all.remove(key) else { return false };
        forget(&mut self.sources, &source(&object.spec, &key.namespace), key);
        forget(&mut self.accounts, &account(key, &object), key);
        forget(&mut self.names, &target_name(&object.spec).to_owned(), key);
        true
    }

    /// The objects with a source.
    pub fn by_source(&self, source: &NamespacedName) -> AffectedKeys {
        self.sources.get(source).cloned().unwrap_or_default()
    }

    /// The objects that act as an account.
    pub fn by_account(&self, account: &NamespacedName) -> AffectedKeys {
        self.accounts.get(account).cloned().unwrap_or_default()
    }

    /// The objects whose copies have a name.
    pub fn by_target_name(&self, name: &str) -> AffectedKeys {
        self.names.get(name).cloned().unwrap_or_default()
    }
}

fn account(key: &NamespacedName, object: &ConfigMapSync) -> NamespacedName {
    NamespacedName::new(&key.namespace, &object.spec.service_account.name)
}

fn forget<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<NamespacedName>>, at: &K, key: &NamespacedName) {
    if let Some(keys) = index.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(at);
        }
    }
}

/// What a visit looks at. The status is not among it: we write it.
fn matters(object: &ConfigMapSync) -> (Option<i64>, bool, &[String], Option<&String>) {
    let meta = &object.metadata;
    let asked = meta.annotations.as_ref().and_then(|it| it.get(RECONCILE_AT));
    let finalizers = meta.finalizers.as_deref().unwrap_or_default();
    (meta.generation, meta.deletion_timestamp.is_some(), finalizers, asked)
}
