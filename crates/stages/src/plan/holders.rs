//! Which inventories contain an object.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ReleaseFacts;
use crate::manifest::ObjectId;
use weft_schema::GroupKind;

/// A namespace and a name.
type HolderKey<'a> = (Option<&'a str>, &'a str);

/// The kinds that a release holds at a place.
type Holding<'a> = (&'a [GroupKind], &'a Arc<str>);

/// By place, what the inventories of releases hold there, in the order of the releases.
pub(super) struct Holders<'a>(HashMap<HolderKey<'a>, Vec<Holding<'a>>>);

impl<'a> Holders<'a> {
    /// The holders of the objects that a plan is about.
    pub(super) fn for_objects<'o>(objects: impl Iterator<Item = &'o ObjectId>, releases: &'a [ReleaseFacts]) -> Self {
        let about: HashSet<HolderKey<'_>> = objects.map(key).collect();
        let mut holders: HashMap<_, Vec<_>> = HashMap::new();
        for release in releases {
            for group in release.inventory.groups() {
                let places = group.names.iter().map(|name| (group.namespace.as_deref(), name.as_str()));
                for place in places.filter(|place| about.contains(place)) {
                    holders.entry(place).or_default().push((group.kinds.as_slice(), &release.name));
                }
            }
        }
        Self(holders)
    }

    /// The holders of one object.
    pub(super) fn get<'h>(&'h self, id: &'h ObjectId) -> impl Iterator<Item = &'a Arc<str>> + Clone + use<'a, 'h> {
        let there = self.0.get(&key(id)).map_or(&[][..], Vec::as_slice).iter();
        there.filter(|(kinds, _)| kinds.contains(&id.kind)).map(|(_, release)| *release)
    }
}

fn key(id: &ObjectId) -> HolderKey<'_> {
    (id.namespace.as_deref(), &id.name)
}
