//! Which inventories hold an object.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ReleaseFacts;
use crate::manifest::ObjectId;

/// By object, the releases whose inventories hold it, in the order of the releases.
pub(super) struct Holders<'a>(HashMap<&'a ObjectId, Vec<&'a Arc<str>>>);

impl<'a> Holders<'a> {
    /// The holders of the objects that a plan is about.
    pub(super) fn of<'o>(objects: impl Iterator<Item = &'o ObjectId>, releases: &'a [ReleaseFacts]) -> Self {
        let (about, mut holders): (HashSet<&ObjectId>, HashMap<_, Vec<_>>) = (objects.collect(), HashMap::new());
        for release in releases {
            for id in release.inventory.iter().filter(|id| about.contains(id)) {
                holders.entry(id).or_default().push(&release.name);
            }
        }
        Self(holders)
    }

    pub(super) fn get(&self, id: &ObjectId) -> &[&'a Arc<str>] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }
}
