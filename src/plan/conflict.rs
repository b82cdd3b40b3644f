//! Whose fields a plan may overwrite: people's are taken, a controller's only with a word.

use super::table::{fits, rows};
use super::{Guards, PART_OF, Refusal, ReleaseFacts};
use crate::diff::{ObjectComparison, Writer};

/// Refuses the fields that a controller owns, one refusal for each of its fields.
pub(super) fn conflicts<'a>(object: &'a ObjectComparison, guards: &'a Guards) -> impl Iterator<Item = Refusal> + 'a {
    object.fields.iter().filter(|change| change.takes_over()).flat_map(move |change| {
        change.writers.iter().filter(|writer| !may_take(writer, guards)).map(|writer| Refusal::Conflict {
            id: object.id.clone(),
            path: change.path.to_string(),
            manager: writer.manager.clone(),
        })
    })
}

fn may_take(writer: &Writer, guards: &Guards) -> bool {
    let human =
        |row: Vec<&str>| fits(row[0], &writer.manager) && row.get(1).is_some_and(|o| fits(o, &writer.operation));
    guards.take.iter().any(|pattern| fits(pattern, &writer.manager)) || rows(include_str!("managers.txt")).any(human)
}

/// Refuses an object whose label names an apply set that is none of ours.
pub(super) fn foreign_set(object: &ObjectComparison, releases: &[ReleaseFacts]) -> Option<Refusal> {
    let set = object.live.as_ref()?.body.dig(&["metadata", "labels", PART_OF])?.as_str()?;
    let ours = releases.iter().any(|release| release.set == set);
    (!ours).then(|| Refusal::ForeignSet { id: object.id.clone(), set: set.to_owned() })
}
