//! Whose fields a plan may overwrite: those of people always, those of a controller only if somebody allowed it or a
//! rule does.

use std::collections::HashSet;

use super::{Guards, PART_OF, Refusal, ReleaseFacts};
use crate::diff::table::{fits, rows};
use crate::diff::{FieldChange, ObjectComparison, Writer, brief};
use crate::project::ConflictRule;

/// Longer values are cut.
const WIDEST: usize = 60;

/// Refuses the fields that a plan would take from somebody who is not to lose them, one refusal for each owner.
pub(super) fn conflicts<'a>(
    object: &'a ObjectComparison,
    facts: Option<&'a ReleaseFacts>,
    guards: &'a Guards,
) -> impl Iterator<Item = Refusal> + 'a {
    let rules = facts.map_or(&[][..], |facts| facts.conflicts.as_slice());
    object.fields.iter().filter(|change| change.takes_over()).flat_map(move |change| {
        change.writers.iter().filter_map(move |writer| refusal(object, change, writer, rules, guards))
    })
}

/// The word of the command line goes before rules, and these before what is taken by default.
fn refusal(
    object: &ObjectComparison,
    change: &FieldChange,
    writer: &Writer,
    rules: &[ConflictRule],
    guards: &Guards,
) -> Option<Refusal> {
    if guards.take.iter().any(|pattern| fits(pattern, &writer.manager)) {
        return None;
    }
    let rule = rules.iter().find(|rule| is_about(rule, object, change, writer));
    if rule.map_or_else(|| is_person(writer), |rule| rule.take) {
        return None;
    }
    Some(Refusal::Conflict {
        id: object.id.clone(),
        path: change.path.to_string(),
        writer: writer.clone(),
        live: change.live.as_ref().map(|value| brief(value, WIDEST)),
        desired: change.desired.value().map_or_else(|| "nothing".to_owned(), |value| brief(value, WIDEST)),
        rule: rule.map(|rule| rule.reason.clone()),
    })
}

fn is_about(rule: &ConflictRule, object: &ObjectComparison, change: &FieldChange, writer: &Writer) -> bool {
    let id = &object.id;
    crate::project::fits(&rule.manager, &writer.manager)
        && rule.objects.fits(&id.kind, id.namespace.as_deref(), &id.name)
        && (rule.paths.is_empty() || rule.paths.iter().any(|path| path.covers(&change.path)))
}

/// Whether a field manager is a tool of people, or what an earlier tool left behind.
fn is_person(writer: &Writer) -> bool {
    let fits = |row: Vec<&str>| {
        fits(row[0], &writer.manager) && row.get(1).is_some_and(|operation| fits(operation, &writer.operation))
    };
    rows(include_str!("managers.txt")).any(fits)
}

/// Refuses an object whose label names an apply set of others; `sets` are those of all releases.
pub(super) fn foreign_set(object: &ObjectComparison, sets: &HashSet<&str>) -> Option<Refusal> {
    let set = object.live.as_ref()?.body.dig(&["metadata", "labels", PART_OF])?.as_str()?;
    (!sets.contains(set)).then(|| Refusal::ForeignSet { id: object.id.clone(), set: set.to_owned(), owner: None })
}
