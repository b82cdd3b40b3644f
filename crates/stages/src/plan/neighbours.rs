//! Marks of other tools on objects. Each is followed, refused, or reported as having no effect here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::{Plan, Refusal, Step};
use crate::diff::table::fits;
use crate::manifest::{Object, ObjectId};
use weft_schema::rows;

static TABLE: LazyLock<Vec<[&str; 5]>> = LazyLock::new(|| rows(include_str!("neighbours.tsv")).collect());
/// What stands before the `/` of all keys: most keys have nothing to do with them.
static GROUPS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| TABLE.iter().filter_map(|[key, ..]| Some(key.split_once('/')?.0)).collect());

/// A mark that is not followed: the key, the entry of its value, and what happens instead.
pub type IgnoredMark<'a> = (&'a str, &'a str, &'static str);

impl Plan {
    /// The marks of other tools that have no effect, with the objects that are written and have them.
    pub fn unfollowed(&self) -> BTreeMap<IgnoredMark<'_>, Vec<&ObjectId>> {
        let mut found: BTreeMap<IgnoredMark<'_>, Vec<&ObjectId>> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.action.is_write()) {
            for Mark { key, entry, what, why, .. } in step.object.desired.iter().flat_map(|it| marks(it)) {
                if what == "warned" {
                    found.entry((key, entry, why)).or_default().push(&step.object.id);
                }
            }
        }
        found
    }
}

/// Refuses what an object asks for and cannot have.
pub(super) fn refusals(step: &Step) -> Vec<Refusal> {
    let marks = step.object.desired.iter().flat_map(|it| marks(it));
    let refusals = marks.filter_map(|mark| match mark.what {
        "refused" => Some(mark.refusal(step, mark.why, mark.hint)),
        _ => None,
    });
    let mut refusals: Vec<Refusal> = refusals.collect();
    refusals.dedup();
    refusals
}

/// One entry of a mark, with the row of the table that says what it means.
struct Mark<'a> {
    key: &'a str,
    entry: &'a str,
    what: &'static str,
    why: &'static str,
    hint: &'static str,
}

impl Mark<'_> {
    fn refusal(&self, step: &Step, why: &str, hint: &str) -> Refusal {
        Refusal::Mark {
            id: step.object.id.clone(),
            mark: written(self.key, self.entry),
            why: why.to_owned(),
            hint: hint.to_owned(),
        }
    }
}

fn marks(object: &Object) -> impl Iterator<Item = Mark<'_>> {
    let maps = ["annotations", "labels"].into_iter().filter_map(|map| object.body.dig(&["metadata", map])?.as_map());
    let entries = maps.flatten().filter(|it| it.key.split_once('/').is_some_and(|(group, _)| GROUPS.contains(group)));
    entries.flat_map(|it| {
        let entries = entries_of(it.value.as_str().unwrap_or_default());
        entries.filter_map(|entry| mark(&it.key, entry))
    })
}

/// A mark as it is written; one without a value is its key.
pub fn written(key: &str, value: &str) -> String {
    if value.is_empty() { key.to_owned() } else { format!("{key}: {value}") }
}

fn entries_of(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

fn mark<'a>(key: &'a str, entry: &'a str) -> Option<Mark<'a>> {
    let lower = entry.to_ascii_lowercase();
    let fitting = |[of, wanted, ..]: &&[&str; 5]| fits(of, key) && fits(&wanted.to_ascii_lowercase(), &lower);
    let [_, _, what, why, hint] = TABLE.iter().find(fitting)?;
    Some(Mark { key, entry, what, why, hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_can_be_met() {
        let lines = include_str!("neighbours.tsv").lines().filter(|line| !line.starts_with('#'));
        assert_eq!(TABLE.len(), lines.count());
        for [key, value, what, why, hint] in TABLE.iter().copied() {
            let key = key.replace('*', ".x");
            let value = value.replace('*', "else");
            let found = mark(&key, &value).unwrap();
            assert_eq!((found.what, found.why, found.hint), (what, why, hint), "{key}: {value} is met by a row before");
            assert_eq!((why != "-", hint != "-"), (["warned", "refused"].contains(&what), what == "refused"), "{key}");
        }
    }

    #[test]
    fn values_are_entries_and_case_does_not_matter() {
        let what = |key, entry| mark(key, entry).map(|it| it.what);
        assert_eq!(what("kustomize.toolkit.fluxcd.io/ssa", "ifnotpresent"), Some("refused"));
        assert_eq!(what("argocd.argoproj.io/sync-options", "Replace=true"), Some("warned"));
        assert_eq!(what("argocd.argoproj.io/tracking-id", "a"), None);
        assert_eq!(entries_of("Prune=false, Replace=true").collect::<Vec<_>>(), ["Prune=false", "Replace=true"]);
    }
}
