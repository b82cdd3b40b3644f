//! Which inventories hold an object.

use std::collections::HashMap;
use std::sync::Arc;

use super::ReleaseFacts;
use crate::manifest::ObjectId;

/// By object, the releases whose inventories hold it, in the order of the releases.
pub(super) struct Holders<'a>(HashMap<&'a ObjectId, Vec<&'a Arc<str>>>);

impl<'a> Holders<'a> {
    pub(super) fn of(releases: &'a [ReleaseFacts]) -> Self {
        let mut holders: HashMap<_, Vec<_>> = HashMap::new();
        for release in releases {
            for id in &release.inventory {
                holders.entry(id).or_default().push(&release.name);
            }
        }
        Self(holders)
    }

    pub(super) fn get(&self, id: &ObjectId) -> &[&'a Arc<str>] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }
}
