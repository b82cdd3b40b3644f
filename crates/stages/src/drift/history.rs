//! The record of earlier findings, and how a new check updates it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};

use super::{Category, Finding};
use crate::diff::brief;
use crate::manifest::ObjectId;
use crate::state::second;
use weft_base::masked::FingerprintKey;
use weft_base::value::Value;

/// The most findings in the record; beyond that the oldest are dropped, those that are gone first.
pub(super) const MOST: usize = 1000;
/// How long a finding that is gone stays in the record.
const DAYS: i64 = 90;
/// The longest path that is remembered, in characters.
const LONGEST_PATH: usize = 400;

/// The record of the findings of an environment, by mark.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub environment: String,
    pub entries: BTreeMap<String, HistoryEntry>,
}

/// The record of a finding. It holds no values, only their keyed fingerprints.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// Its category.
    pub sort: Category,
    pub object: ObjectId,
    pub release: Option<Arc<str>>,
    pub path: Option<String>,
    /// The field manager that the last look named.
    pub manager: Option<String>,
    /// The fingerprint of what the last look found there.
    pub found: Option<String>,
    /// When it was first seen since it was last gone (RFC 3339, UTC).
    pub first: String,
    /// When it was last seen.
    pub last: String,
    /// In how many looks it was seen since then.
    pub seen: u64,
    /// How often it was there before, and gone again.
    pub before: u32,
    /// When a look found it gone; `None` while it is there.
    pub gone: Option<String>,
}

/// What earlier checks know about a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingPast {
    /// When it was first seen since it was last gone: now, for a new one.
    pub first: String,
    /// In how many looks it was seen since then, this one included.
    pub seen: u64,
    /// How often it was there before, and gone again.
    pub before: u32,
    /// Whether another value was found there the last time.
    pub moved: bool,
}

/// The scope of a check. The record of anything outside it stays unchanged.
#[derive(Clone, Debug, Default)]
pub struct CheckScope {
    /// The releases; `None` for all.
    pub releases: Option<BTreeSet<Arc<str>>>,
    /// The objects that could not be looked at.
    pub unseen: BTreeSet<ObjectId>,
    /// The namespaces that were fully searched for unmanaged objects.
    pub namespaces: BTreeSet<String>,
}

/// How a check updates the history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryUpdate {
    /// What is known of each finding, in their order.
    pub pasts: Vec<FindingPast>,
    /// What was there at the last look and is not any more.
    pub gone: Vec<HistoryEntry>,
}

impl FindingPast {
    /// Whether the last check did not have it.
    pub fn is_new(&self) -> bool {
        self.seen <= 1
    }
}

impl HistoryEntry {
    /// What it is about: the object and, if there is one, the field.
    pub fn about(&self) -> String {
        super::about(&self.object, self.path.as_deref())
    }

    fn new(finding: &Finding, at: &str) -> Self {
        Self {
            sort: finding.sort,
            object: finding.object.clone(),
            release: finding.release.clone(),
            path: finding.path.as_deref().map(|path| path.chars().take(LONGEST_PATH).collect()),
            manager: None,
            found: None,
            first: at.to_owned(),
            last: at.to_owned(),
            seen: 0,
            before: 0,
            gone: None,
        }
    }
}

impl CheckScope {
    /// Whether a look would have found it, if it were there.
    fn covers(&self, entry: &HistoryEntry) -> bool {
        let namespace = entry.object.namespace.as_ref();
        match entry.sort {
            Category::Unmanaged => namespace.is_some_and(|it| self.namespaces.contains(it)),
            Category::Changed | Category::Deleted => {
                let meant = |release: &Arc<str>| self.releases.as_ref().is_none_or(|all| all.contains(release));
                entry.release.as_ref().is_some_and(meant) && !self.unseen.contains(&entry.object)
            }
        }
    }
}

impl History {
    /// Takes a look into the history. Two looks at the same state, merged in any order, remember the same findings.
    pub fn merge(
        &mut self,
        findings: &[Finding],
        scope: &CheckScope,
        now: Timestamp,
        key: &FingerprintKey,
    ) -> HistoryUpdate {
        let at = second(now);
        let pasts = findings.iter().map(|finding| self.note(finding, &at, key)).collect();
        let there: BTreeSet<&str> = findings.iter().map(|it| it.mark.as_str()).collect();
        let mut gone = Vec::new();
        for (_, entry) in self.entries.iter_mut().filter(|(mark, _)| !there.contains(mark.as_str())) {
            if entry.gone.is_none() && scope.covers(entry) {
                entry.gone = Some(at.clone());
                gone.push(entry.clone());
            }
        }
        self.forget(now);
        HistoryUpdate { pasts, gone }
    }

    /// Whether anything is open that a look may find gone.
    pub fn is_open(&self) -> bool {
        self.entries.values().any(|entry| entry.gone.is_none())
    }

    fn note(&mut self, finding: &Finding, at: &str, key: &FingerprintKey) -> FindingPast {
        let entry = self.entries.entry(finding.mark.clone()).or_insert_with(|| HistoryEntry::new(finding, at));
        if entry.gone.take().is_some() {
            (entry.first, entry.seen) = (at.to_owned(), 0);
            entry.before = entry.before.saturating_add(1);
        }
        let found = finding.found.as_ref().map(|value| fingerprint(value, key));
        let moved = entry.seen > 0 && entry.found != found;
        at.clone_into(&mut entry.last);
        entry.seen += 1;
        entry.found = found;
        entry.manager = finding.writers.first().map(|writer| writer.manager.clone());
        entry.release.clone_from(&finding.release);
        FindingPast { first: entry.first.clone(), seen: entry.seen, before: entry.before, moved }
    }

    /// Forgets what is long gone, and the oldest of what is too much.
    fn forget(&mut self, now: Timestamp) {
        let oldest = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).map(second).unwrap_or_default();
        self.entries.retain(|_, entry| entry.gone.as_ref().is_none_or(|gone| *gone >= oldest));
        self.shorten(MOST);
    }

    /// Keeps at most so many entries.
    pub(super) fn shorten(&mut self, most: usize) {
        let excess = self.entries.len().saturating_sub(most);
        if excess == 0 {
            return;
        }
        let mut order: Vec<(bool, &String, &String)> =
            self.entries.iter().map(|(mark, entry)| (entry.gone.is_none(), &entry.last, mark)).collect();
        order.sort_unstable();
        let marks: Vec<String> = order.into_iter().take(excess).map(|(_, _, mark)| mark.clone()).collect();
        for mark in &marks {
            self.entries.remove(mark);
        }
    }
}

/// The keyed fingerprint of a value.
fn fingerprint(value: &Value, key: &FingerprintKey) -> String {
    let digest = key.digest(format!("what was found\0{}", brief(value, usize::MAX)).as_bytes());
    HEXLOWER.encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::GroupKind;

    fn key() -> FingerprintKey {
        FingerprintKey::new([7; 32])
    }

    fn object(name: &str) -> ObjectId {
        let kind = GroupKind { group: String::new(), kind: "ConfigMap".into() };
        ObjectId { kind, namespace: Some("shop".into()), name: name.into() }
    }

    fn finding(name: &str, found: &str) -> Finding {
        let object = object(name);
        let path = Some("data.a".to_owned());
        Finding {
            mark: super::super::findings::mark(&key(), Category::Changed, &object, path.as_deref()),
            sort: Category::Changed,
            object,
            release: Some("web".into()),
            path,
            expected: Some("1".into()),
            found: Some(found.into()),
            writers: Vec::new(),
        }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 3600 * hours).unwrap()
    }

    fn look(history: &mut History, hours: i64, findings: &[Finding], scope: &CheckScope) -> HistoryUpdate {
        history.merge(findings, scope, at(hours), &key())
    }

    #[test]
    fn a_finding_is_new_then_known_then_gone_and_comes_back() {
        let mut history = History::default();
        let all = CheckScope::default();
        let first = look(&mut history, 0, &[finding("a", "x")], &all);
        assert!(first.pasts[0].is_new() && first.pasts[0].before == 0);
        let second_look = look(&mut history, 1, &[finding("a", "y")], &all);
        let expected = FindingPast { first: second(at(0)), seen: 2, before: 0, moved: true };
        assert_eq!(second_look.pasts, [expected]);
        let third = look(&mut history, 2, &[], &all);
        assert_eq!(third.gone.iter().map(HistoryEntry::about).collect::<Vec<_>>(), ["ConfigMap shop/a data.a"]);
        assert!(!history.is_open());
        assert!(look(&mut history, 3, &[], &all).gone.is_empty(), "it is gone once");
        let back = look(&mut history, 4, &[finding("a", "x")], &all);
        assert_eq!(back.pasts, [FindingPast { first: second(at(4)), seen: 1, before: 1, moved: false }]);
    }

    #[test]
    fn what_was_not_looked_at_is_not_gone() {
        let blind = CheckScope { unseen: [object("a")].into(), ..CheckScope::default() };
        let other = CheckScope { releases: Some(["other".into()].into()), ..CheckScope::default() };
        for scope in [blind, other] {
            let mut history = History::default();
            look(&mut history, 0, &[finding("a", "x")], &CheckScope::default());
            assert!(look(&mut history, 1, &[], &scope).gone.is_empty());
            assert!(history.is_open());
        }
        let mut history = History::default();
        let stray = Finding { sort: Category::Unmanaged, release: None, ..finding("a", "x") };
        look(&mut history, 0, &[stray], &CheckScope::default());
        assert!(look(&mut history, 1, &[], &CheckScope::default()).gone.is_empty(), "nobody looked for such objects");
        let wide = CheckScope { namespaces: ["shop".into()].into(), ..CheckScope::default() };
        assert_eq!(look(&mut history, 2, &[], &wide).gone.len(), 1);
    }

    #[test]
    fn the_history_is_bounded_and_forgets_what_is_long_gone() {
        let mut history = History::default();
        look(&mut history, 0, &[finding("old", "x")], &CheckScope::default());
        look(&mut history, 1, &[], &CheckScope::default());
        look(&mut history, 2 + 24 * DAYS, &[], &CheckScope::default());
        assert!(history.entries.is_empty(), "{history:?}");
        let many: Vec<Finding> = (0..MOST + 5).map(|at| finding(&format!("m{at}"), "x")).collect();
        look(&mut history, 0, &many[..5], &CheckScope::default());
        look(&mut history, 1, &many[5..], &CheckScope::default());
        assert_eq!(history.entries.len(), MOST);
        assert!(history.entries.values().all(|entry| entry.gone.is_none()), "what is gone is forgotten first");
    }

    #[test]
    fn marks_and_fingerprints_tell_nothing_and_depend_on_the_key() {
        let mut history = History::default();
        look(&mut history, 0, &[finding("a", "hunter2")], &CheckScope::default());
        assert!(!format!("{history:?}").contains("hunter2"));
        let other = super::super::findings::mark(&FingerprintKey::new([8; 32]), Category::Changed, &object("a"), None);
        assert!(!history.entries.contains_key(&other));
    }
}
