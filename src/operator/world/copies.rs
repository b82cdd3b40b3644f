//! The copies: what the watch shows of them, and what we know from having looked or written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Concerned, is_older};
use crate::operator::marks::Key;

/// A copy as the watch shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its UID.
    pub uid: Box<str>,
    /// Its resource version.
    pub version: Box<str>,
    /// The UID of the owner that it notes.
    pub owner_uid: Box<str>,
}

/// What we know of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// The object of this UID and resource version has the content of this hash.
    Verified {
        /// Its UID.
        uid: Box<str>,
        /// Its resource version.
        version: Box<str>,
        /// The hash of what was wanted.
        hash: Arc<str>,
    },
    /// A ConfigMap is there that is not ours.
    Conflict,
    /// There was a copy of ours, and somebody deleted it.
    Vanished,
}

/// What there is of a target.
#[derive(Clone, Debug, Default)]
struct Target {
    seen: Option<Seen>,
    known: Option<Known>,
}

/// All copies, by owner and namespace.
#[derive(Debug, Default)]
pub struct Copies {
    all: HashMap<Key, BTreeMap<Box<str>, Target>>,
    owners: HashMap<Key, Arc<Key>>,
}

impl Seen {
    /// Of an object's metadata.
    pub fn of(meta: &ObjectMeta, owner_uid: Option<&String>) -> Self {
        let text = |it: Option<&String>| it.map(String::as_str).unwrap_or_default().into();
        Self { uid: text(meta.uid.as_ref()), version: text(meta.resource_version.as_ref()), owner_uid: text(owner_uid) }
    }
}

impl Copies {
    /// What the watch shows at a target.
    pub fn seen_at(&self, owner: &Key, namespace: &str) -> Option<&Seen> {
        self.target(owner, namespace)?.seen.as_ref()
    }

    /// What we know of a target.
    pub fn known_at(&self, owner: &Key, namespace: &str) -> Option<&Known> {
        self.target(owner, namespace)?.known.as_ref()
    }

    /// Whether a target is as it was when its content was verified to have this hash. A watch that is behind what we
    /// wrote does not speak against it.
    pub fn is_verified(&self, owner: &Key, namespace: &str, hash: &str) -> bool {
        let Some(Target { seen, known: Some(Known::Verified { uid, version, hash: known }) }) =
            self.target(owner, namespace)
        else {
            return false;
        };
        let behind = |seen: &Seen| seen.uid == *uid && is_older(Some(&seen.version), Some(version));
        let same = |seen: &Seen| (&seen.uid, &seen.version) == (uid, version) || behind(seen);
        **known == *hash && seen.as_ref().is_none_or(same)
    }

    /// Whether a ConfigMap that is not ours is known to be at a target.
    pub fn is_conflict(&self, owner: &Key, namespace: &str) -> bool {
        self.known_at(owner, namespace) == Some(&Known::Conflict)
    }

    /// The namespaces with a copy that notes this UID of its owner, or that we wrote.
    pub fn of(&self, owner: &Key, uid: &str) -> Vec<String> {
        let ours = |target: &Target| match (&target.seen, &target.known) {
            (Some(seen), _) => *seen.owner_uid == *uid,
            (None, known) => matches!(known, Some(Known::Verified { .. })),
        };
        let all = self.all.get(owner).into_iter().flatten();
        all.filter(|(_, target)| ours(target)).map(|(namespace, _)| namespace.to_string()).collect()
    }

    /// How many copies an object has.
    pub fn count(&self, owner: &Key) -> usize {
        self.all.get(owner).map_or(0, BTreeMap::len)
    }

    /// All ConfigMaps that the watch shows as somebody's copies.
    pub fn seen(&self) -> impl Iterator<Item = &Key> {
        self.owners.keys()
    }

    /// Notes what is known of a target; `None` forgets it.
    pub fn know(&mut self, owner: &Key, namespace: &str, known: Option<Known>) {
        match (self.target_mut(owner, namespace), known) {
            (Some(target), known) => {
                target.known = known;
                self.tidy(owner, namespace);
            }
            (None, Some(known)) => {
                let target = Target { seen: None, known: Some(known) };
                self.all.entry(owner.clone()).or_default().insert(namespace.into(), target);
            }
            (None, None) => {}
        }
    }

    /// Forgets all of an object that is gone, but what the watch shows.
    pub fn forget(&mut self, owner: &Key) {
        let Some(targets) = self.all.get_mut(owner) else { return };
        targets.retain(|_, target| target.seen.is_some());
        targets.values_mut().for_each(|target| target.known = None);
        if targets.is_empty() {
            self.all.remove(owner);
        }
    }

    /// The watch shows a ConfigMap, as the copy of an owner or as nobody's. Whom that concerns: nobody where it is what we
    /// wrote.
    pub(super) fn saw(&mut self, map: &Key, seen: Option<(Key, Seen)>) -> Concerned {
        let mut concerned = Concerned::new();
        let before = self.owners.get(map).cloned();
        if let Some(before) = before.filter(|it| seen.as_ref().map(|it| &it.0) != Some(&**it)) {
            self.unsee(&before, map);
            concerned.insert((*before).clone());
        }
        let Some((owner, seen)) = seen else { return concerned };
        let target = self.all.entry(owner.clone()).or_default().entry(map.namespace.as_str().into()).or_default();
        let ours = match &target.known {
            Some(Known::Verified { uid, version, .. }) => {
                seen.uid == *uid && (seen.version == *version || is_older(Some(&seen.version), Some(version)))
            }
            _ => false,
        };
        let news = target.seen.as_ref() != Some(&seen) && !ours;
        target.seen = Some(seen);
        if !self.owners.get(map).is_some_and(|it| **it == owner) {
            self.owners.insert(map.clone(), Arc::new(owner.clone()));
        }
        if news {
            concerned.insert(owner);
        }
        concerned
    }

    /// A ConfigMap is gone. Whom that concerns.
    pub(super) fn gone(&mut self, map: &Key) -> Concerned {
        let owner = self.owners.get(map).cloned();
        if let Some(owner) = &owner {
            self.unsee(owner, map);
        }
        owner.map(|it| (*it).clone()).into_iter().collect()
    }

    /// A namespace is gone, with all that was in it.
    pub(super) fn namespace_gone(&mut self, namespace: &str) {
        self.all.values_mut().for_each(|targets| _ = targets.remove(namespace));
        self.all.retain(|_, targets| !targets.is_empty());
        self.owners.retain(|map, _| map.namespace != namespace);
    }

    /// The copy at a target is no longer there, or no longer this owner's.
    fn unsee(&mut self, owner: &Key, map: &Key) {
        self.owners.remove(map);
        if let Some(target) = self.target_mut(owner, &map.namespace) {
            target.seen = None;
            let verified = matches!(target.known, Some(Known::Verified { .. }));
            target.known = if verified { Some(Known::Vanished) } else { target.known.take() };
        }
        self.tidy(owner, &map.namespace);
    }

    fn target(&self, owner: &Key, namespace: &str) -> Option<&Target> {
        self.all.get(owner)?.get(namespace)
    }

    fn target_mut(&mut self, owner: &Key, namespace: &str) -> Option<&mut Target> {
        self.all.get_mut(owner)?.get_mut(namespace)
    }

    fn tidy(&mut self, owner: &Key, namespace: &str) {
        let Some(targets) = self.all.get_mut(owner) else { return };
        if targets.get(namespace).is_some_and(|it| it.seen.is_none() && it.known.is_none()) {
            targets.remove(namespace);
        }
        if targets.is_empty() {
            self.all.remove(owner);
        }
    }
}
