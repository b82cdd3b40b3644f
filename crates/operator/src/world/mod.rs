//! What the operator knows of the cluster. Watches and writes fill it, visits ask it. It is pure: the objects that a
//! change affects are returned as a value.

mod copies;
mod ids;
mod queue;
mod syncs;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use self::copies::{Copies, CopySet, TargetKnowledge, WatchedCopy};
pub use self::ids::{ResourceVersion, Uid};
pub use self::queue::{Due, Queue, Visit};
pub use self::syncs::{Sync, Syncs};
use crate::ConfigMapSync;
use crate::decide::{Namespace, TargetPlace, owner_of, place_of, places, uid_of};
use crate::marks::NamespacedName;

/// The objects that a change affects.
pub type AffectedKeys = BTreeSet<NamespacedName>;

/// What is known of the cluster.
#[derive(Debug, Default)]
pub struct World {
    syncs: Syncs,
    namespaces: BTreeMap<String, Namespace>,
    accounts: HashMap<NamespacedName, String>,
    copies: Copies,
    listing: Listing,
}

/// What a list that is under way has brought so far. What it does not bring is gone when it ends, and not before.
#[derive(Debug, Default)]
struct Listing {
    syncs: HashSet<NamespacedName>,
    namespaces: HashSet<String>,
    accounts: HashSet<NamespacedName>,
}

/// Namespace and name of an object.
pub fn key_of(meta: &ObjectMeta) -> NamespacedName {
    NamespacedName::new(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

impl World {
    /// An object, as it is known.
    pub fn sync(&self, key: &NamespacedName) -> Option<&Sync> {
        self.syncs.get(key)
    }

    /// All objects.
    pub fn syncs(&self) -> impl Iterator<Item = (&NamespacedName, &Sync)> {
        self.syncs.iter()
    }

    /// The namespaces.
    pub fn namespaces(&self) -> &BTreeMap<String, Namespace> {
        &self.namespaces
    }

    /// The UID of an account.
    pub fn account(&self, key: &NamespacedName) -> Option<&String> {
        self.accounts.get(key)
    }

    /// The copies.
    pub fn copies(&self) -> &Copies {
        &self.copies
    }

    /// The copies, to note what was found or written.
    pub fn copies_mut(&mut self) -> &mut Copies {
        &mut self.copies
    }

    /// The namespaces that are to have a copy of an object.
    pub fn places(&self, sync: &ConfigMapSync) -> BTreeMap<String, TargetPlace> {
        places(&sync.spec, sync.metadata.namespace.as_deref().unwrap_or_default(), &self.namespaces)
    }

    /// An object came or changed.
    pub fn sync_applied(&mut self, sync: Arc<ConfigMapSync>) -> AffectedKeys {
        let key = key_of(&sync.metadata);
        self.listing.syncs.insert(key.clone());
        if self.syncs.apply(&key, sync) { AffectedKeys::from([key]) } else { AffectedKeys::new() }
    }

    /// Records an object that was read or written. If the watch does not show it, it is gone by now.
    pub fn sync_read(&mut self, sync: &Arc<ConfigMapSync>) {
        let key = key_of(&sync.metadata);
        if self.syncs.get(&key).is_some() {
            self.syncs.apply(&key, Arc::clone(sync));
        }
    }

    /// An object is gone.
    pub fn sync_deleted(&mut self, key: &NamespacedName) -> AffectedKeys {
        self.syncs.remove(key).then(|| key.clone()).into_iter().collect()
    }

    /// A list of objects begins.
    pub fn syncs_listed_anew(&mut self) {
        self.listing.syncs.clear();
    }

    /// A list of objects ended: what it did not bring is gone.
    pub fn syncs_listed(&mut self) -> AffectedKeys {
        let listed = std::mem::take(&mut self.listing.syncs);
        let gone: Vec<NamespacedName> =
            self.syncs.iter().map(|it| it.0).filter(|key| !listed.contains(*key)).cloned().collect();
        gone.iter().flat_map(|key| self.sync_deleted(key)).collect()
    }

    /// A namespace came or changed.
    pub fn namespace_applied(&mut self, name: &str, namespace: Namespace) -> AffectedKeys {
        self.listing.namespaces.insert(name.to_owned());
        let before = self.namespaces.insert(name.to_owned(), namespace);
        let now = self.namespaces.get(name);
        if before.as_ref().is_some_and(|it| Some(&it.uid) != now.map(|it| &it.uid)) {
            self.copies.namespace_gone(name);
        }
        self.concerned_by(name, before.as_ref(), now)
    }

    /// A namespace is gone.
    pub fn namespace_deleted(&mut self, name: &str) -> AffectedKeys {
        let before = self.namespaces.remove(name);
        self.copies.namespace_gone(name);
        self.concerned_by(name, before.as_ref(), None)
    }

    /// A list of namespaces begins.
    pub fn namespaces_listed_anew(&mut self) {
        self.listing.namespaces.clear();
    }

    /// A list of namespaces ended: what it did not bring is gone.
    pub fn namespaces_listed(&mut self) -> AffectedKeys {
        let listed = std::mem::take(&mut self.listing.namespaces);
        let gone: Vec<String> = self.namespaces.keys().filter(|name| !listed.contains(*name)).cloned().collect();
        gone.iter().flat_map(|name| self.namespace_deleted(name)).collect()
    }

    /// A service account came or changed.
    pub fn account_applied(&mut self, key: &NamespacedName, uid: &str) -> AffectedKeys {
        self.listing.accounts.insert(key.clone());
        let before = self.accounts.insert(key.clone(), uid.to_owned());
        if before.as_deref() == Some(uid) { AffectedKeys::new() } else { self.syncs.by_account(key) }
    }

    /// A service account is gone.
    pub fn account_deleted(&mut self, key: &NamespacedName) -> AffectedKeys {
        self.accounts.remove(key);
        self.syncs.by_account(key)
    }

    /// A list of service accounts begins.
    pub fn accounts_listed_anew(&mut self) {
        self.listing.accounts.clear();
    }

    /// A list of service accounts ended: what it did not bring is gone.
    pub fn accounts_listed(&mut self) -> AffectedKeys {
        let listed = std::mem::take(&mut self.listing.accounts);
        let gone: Vec<NamespacedName> = self.accounts.keys().filter(|key| !listed.contains(*key)).cloned().collect();
        gone.iter().flat_map(|key| self.account_deleted(key)).collect()
    }

    /// A ConfigMap came or changed: a source, a copy, or what stands in the way of one.
    pub fn map_applied(&mut self, meta: &ObjectMeta) -> AffectedKeys {
        let key = key_of(meta);
        let mut concerned = self.syncs.by_source(&key);
        let seen = owner_of(meta).map(|owner| (owner, WatchedCopy::from_meta(meta, uid_of(meta))));
        concerned.extend(self.copies.saw(&key, seen));
        concerned.extend(self.in_the_way(&key));
        concerned
    }

    /// A ConfigMap is gone.
    pub fn map_deleted(&mut self, key: &NamespacedName) -> AffectedKeys {
        let mut concerned = self.syncs.by_source(key);
        concerned.extend(self.in_the_way(key));
        concerned.extend(self.copies.gone(key));
        concerned
    }

    /// A list of ConfigMaps begins.
    pub fn maps_listed_anew(&mut self) {
        self.copies.listed_anew();
    }

    /// A list of ConfigMaps ended: copies that it did not bring are gone. Sources are read when they are needed.
    pub fn maps_listed(&mut self) -> AffectedKeys {
        self.copies.unlisted().iter().flat_map(|key| self.map_deleted(key)).collect()
    }

    /// The objects that have a conflict at a ConfigMap.
    fn in_the_way(&self, map: &NamespacedName) -> AffectedKeys {
        let named = self.syncs.by_target_name(&map.name);
        named
            .into_iter()
            .filter(|owner| self.copies.is_conflict(&CopySet::new(owner, &map.name), &map.namespace))
            .collect()
    }

    /// The objects for which a namespace is now something else than it was.
    fn concerned_by(&self, name: &str, before: Option<&Namespace>, now: Option<&Namespace>) -> AffectedKeys {
        if before == now {
            return AffectedKeys::new();
        }
        let other = before.map(|it| &it.uid) != now.map(|it| &it.uid);
        let labels = |of: Option<&Namespace>| of.map(|it| it.labels.clone());
        // Whether there may be tokens is said by labels of the object's own namespace.
        let relabelled = !other && labels(before) != labels(now);
        let changed = |key: &NamespacedName, sync: &Sync| {
            let of = |namespace| place_of(&sync.object.spec, &key.namespace, name, namespace);
            let was = of(before);
            let is = of(now);
            was != is || (other && is.is_some()) || (relabelled && key.namespace == name)
        };
        self.syncs.iter().filter(|(key, sync)| changed(key, sync)).map(|it| it.0.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
