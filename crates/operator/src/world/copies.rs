//! The copies: what the watch shows of them, and what we know because we looked or wrote.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{AffectedKeys, ResourceVersion, Uid};
use crate::marks::NamespacedName;

/// A copy as the watch shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedCopy {
    pub uid: Uid,
    /// Its resource version.
    pub version: ResourceVersion,
    /// The UID of the owner that it notes.
    pub owner_uid: Arc<str>,
}

/// What we know of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKnowledge {
    /// The object of this UID and resource version has the content of this hash.
    Verified {
        uid: Uid,
        /// Its resource version.
        version: ResourceVersion,
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
struct CopyTarget {
    seen: Option<WatchedCopy>,
    known: Option<TargetKnowledge>,
    /// The list that brought it last.
    list: u32,
}

/// The copies of one owner: those that say that they are its own, and have the name that its copies have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CopySet {
    /// The owner.
    pub owner: NamespacedName,
    /// The name of the copies.
    pub name: String,
}

/// All copies, by owner and name, and namespace.
#[derive(Debug, Default)]
pub struct Copies {
    all: HashMap<Arc<CopySet>, BTreeMap<Box<str>, CopyTarget>>,
    lines: HashMap<NamespacedName, Arc<CopySet>>,
    /// How many lists were begun.
    list: u32,
}

impl CopySet {
    /// Of both parts.
    pub fn new(owner: &NamespacedName, name: &str) -> Self {
        Self { owner: owner.clone(), name: name.to_owned() }
    }
}

impl WatchedCopy {
    /// Of an object's metadata.
    pub fn from_meta(meta: &ObjectMeta, owner_uid: Option<&String>) -> Self {
        Self {
            uid: meta.uid.as_deref().unwrap_or_default().into(),
            version: meta.resource_version.as_deref().unwrap_or_default().into(),
            owner_uid: owner_uid.map(String::as_str).unwrap_or_default().into(),
        }
    }
}

impl Copies {
    /// What the watch shows at a target.
    pub fn seen_at(&self, line: &CopySet, namespace: &str) -> Option<&WatchedCopy> {
        self.target(line, namespace)?.seen.as_ref()
    }

    /// What we know of a target.
    pub fn known_at(&self, line: &CopySet, namespace: &str) -> Option<&TargetKnowledge> {
        self.target(line, namespace)?.known.as_ref()
    }

    /// Whether a target is as it was when its content was verified to have this hash. A watch that is behind what we
    /// wrote does not speak against it.
    pub fn is_verified(&self, line: &CopySet, namespace: &str, hash: &str) -> bool {
        let Some(CopyTarget { seen, known: Some(TargetKnowledge::Verified { uid, version, hash: known }), .. }) =
            self.target(line, namespace)
        else {
            return false;
        };
        let behind = |seen: &WatchedCopy| seen.uid == *uid && seen.version.is_older(version);
        let same = |seen: &WatchedCopy| (&seen.uid, &seen.version) == (uid, version) || behind(seen);
        **known == *hash && seen.as_ref().is_none_or(same)
    }

    /// Whether a ConfigMap that is not ours is known to be at a target.
    pub fn is_conflict(&self, line: &CopySet, namespace: &str) -> bool {
        self.known_at(line, namespace) == Some(&TargetKnowledge::Conflict)
    }

    /// The namespaces with a copy that notes this UID of its owner, or that we wrote.
    pub fn namespaces_of(&self, line: &CopySet, uid: &str) -> Vec<String> {
        let ours = |target: &CopyTarget| match (&target.seen, &target.known) {
            (Some(seen), _) => *seen.owner_uid == *uid,
            (None, known) => matches!(known, Some(TargetKnowledge::Verified { .. })),
        };
        let all = self.all.get(line).into_iter().flatten();
        all.filter(|(_, target)| ours(target)).map(|(namespace, _)| namespace.to_string()).collect()
    }

    /// How many copies an object has.
    pub fn count(&self, line: &CopySet) -> usize {
        self.all.get(line).map_or(0, BTreeMap::len)
    }

    /// A list of what the watch shows begins.
    pub(super) fn listed_anew(&mut self) {
        self.list = self.list.wrapping_add(1);
    }

    /// The ConfigMaps that the watch shows as somebody's copies, and the last list did not bring.
    pub(super) fn unlisted(&self) -> Vec<NamespacedName> {
        let listed = |map: &NamespacedName, line: &CopySet| {
            self.target(line, &map.namespace).is_some_and(|it| it.list == self.list)
        };
        self.lines.iter().filter(|(map, line)| !listed(map, line)).map(|it| it.0.clone()).collect()
    }

    /// Notes what is known of a target; `None` forgets it.
    pub fn know(&mut self, line: &CopySet, namespace: &str, known: Option<TargetKnowledge>) {
        match (self.target_mut(line, namespace), known) {
            (Some(target), known) => {
                target.known = known;
                self.tidy(line, namespace);
            }
            (None, Some(known)) => {
                let target = CopyTarget { known: Some(known), ..CopyTarget::default() };
                self.all.entry(Arc::new(line.clone())).or_default().insert(namespace.into(), target);
            }
            (None, None) => {}
        }
    }

    /// A copy that the watch shows was looked for and not found; whether it is taken to be gone. The first time it may be
    /// the reader that is behind, the second time the watch lost an event.
    pub fn missed(&mut self, line: &CopySet, namespace: &str) -> bool {
        let Some(target) = self.target_mut(line, namespace) else { return true };
        if target.seen.is_some() && target.known != Some(TargetKnowledge::Vanished) {
            target.known = Some(TargetKnowledge::Vanished);
            return false;
        }
        self.unsee(line, &NamespacedName::new(namespace, &line.name));
        self.know(line, namespace, None);
        true
    }

    /// Forgets all of an object that is gone, but what the watch shows.
    pub fn forget(&mut self, owner: &NamespacedName) {
        for (_, targets) in self.all.iter_mut().filter(|(line, _)| line.owner == *owner) {
            targets.retain(|_, target| target.seen.is_some());
            for target in targets.values_mut() {
                target.known = None;
            }
        }
        self.all.retain(|_, targets| !targets.is_empty());
    }

    /// The watch shows a ConfigMap, as the copy of an owner or as nobody's. Whom that concerns: nobody where it is what we
    /// wrote.
    pub(super) fn saw(&mut self, map: &NamespacedName, seen: Option<(NamespacedName, WatchedCopy)>) -> AffectedKeys {
        let mut concerned = AffectedKeys::new();
        let seen = seen.map(|(owner, seen)| (CopySet { owner, name: map.name.clone() }, seen));
        let before = self.lines.get(map).cloned();
        if let Some(before) = before.filter(|it| seen.as_ref().map(|it| &it.0) != Some(&**it)) {
            self.unsee(&before, map);
            concerned.insert(before.owner.clone());
        }
        let Some((line, mut seen)) = seen else { return concerned };
        let line = self.all.get_key_value(&line).map_or_else(|| Arc::new(line), |it| Arc::clone(it.0));
        let targets = self.all.entry(Arc::clone(&line)).or_default();
        // All copies of an object note the same owner.
        let noted = targets.values().find_map(|it| it.seen.as_ref()).map(|it| &it.owner_uid);
        if let Some(noted) = noted.filter(|it| **it == seen.owner_uid) {
            seen.owner_uid = Arc::clone(noted);
        }
        let target = targets.entry(map.namespace.as_str().into()).or_default();
        let ours = match &target.known {
            Some(TargetKnowledge::Verified { uid, version, .. }) => {
                seen.uid == *uid && (seen.version == *version || seen.version.is_older(version))
            }
            _ => false,
        };
        if target.seen.as_ref() != Some(&seen) && !ours {
            concerned.insert(line.owner.clone());
        }
        target.seen = Some(seen);
        target.list = self.list;
        self.lines.insert(map.clone(), line);
        concerned
    }

    /// A ConfigMap is gone. Whom that concerns.
    pub(super) fn gone(&mut self, map: &NamespacedName) -> AffectedKeys {
        let line = self.lines.get(map).cloned();
        if let Some(line) = &line {
            self.unsee(line, map);
        }
        line.map(|it| it.owner.clone()).into_iter().collect()
    }

    /// A namespace is gone, with all that was in it.
    pub(super) fn namespace_gone(&mut self, namespace: &str) {
        for targets in self.all.values_mut() {
            targets.remove(namespace);
        }
        self.all.retain(|_, targets| !targets.is_empty());
        self.lines.retain(|map, _| map.namespace != namespace);
    }

    /// The copy at a target is no longer there, or no longer this owner's.
    fn unsee(&mut self, line: &CopySet, map: &NamespacedName) {
        self.lines.remove(map);
        if let Some(target) = self.target_mut(line, &map.namespace) {
            target.seen = None;
            let verified = matches!(target.known, Some(TargetKnowledge::Verified { .. }));
            target.known = if verified { Some(TargetKnowledge::Vanished) } else { target.known.take() };
        }
        self.tidy(line, &map.namespace);
    }

    fn target(&self, line: &CopySet, namespace: &str) -> Option<&CopyTarget> {
        self.all.get(line)?.get(namespace)
    }

    fn target_mut(&mut self, line: &CopySet, namespace: &str) -> Option<&mut CopyTarget> {
        self.all.get_mut(line)?.get_mut(namespace)
    }

    fn tidy(&mut self, line: &CopySet, namespace: &str) {
        let Some(targets) = self.all.get_mut(line) else { return };
        if targets.get(namespace).is_some_and(|it| it.seen.is_none() && it.known.is_none()) {
            targets.remove(namespace);
        }
        if targets.is_empty() {
            self.all.remove(line);
        }
    }
}
