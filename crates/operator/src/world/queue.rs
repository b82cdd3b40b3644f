//! The schedule of visits. The first change is handled at once; changes soon after it wait, so a busy source causes at
//! most one round of writes a second.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::marks::NamespacedName;

/// The least time between two visits that write.
const APART: Duration = Duration::from_secs(1);
/// The least time between two visits if the first did not write.
const BREATH: Duration = Duration::from_millis(50);

/// How thoroughly an object is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visit {
    /// What is known to be verified is not looked at.
    Quick,
    /// Everything is looked at.
    Full,
}

/// When an object is due. Times are since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// For a quick visit.
    pub quick: Option<Duration>,
    /// For a full one.
    pub full: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
struct QueueEntry {
    due: Due,
    began: Option<Duration>,
    not_before: Duration,
}

/// Objects that wait for a visit. Of one object there is at most one visit at a time.
#[derive(Debug, Default)]
pub struct Queue {
    entries: HashMap<NamespacedName, QueueEntry>,
    /// Those that are not being visited, by when they are due.
    order: BTreeSet<(Duration, NamespacedName)>,
}

impl QueueEntry {
    fn next(&self) -> Option<(Duration, Visit)> {
        let quick = self.due.quick.map(|it| (it.max(self.not_before), Visit::Quick));
        let full = self.due.full.map(|it| (it.max(self.not_before), Visit::Full));
        match (quick, full) {
            (Some(quick), Some(full)) => Some(if full.0 <= quick.0 { full } else { quick }),
            (one, other) => one.or(other),
        }
    }
}

impl Queue {
    /// Something happened that affects an object.
    pub fn happened(&mut self, key: &NamespacedName, now: Duration) {
        self.plan(key, Due { quick: Some(now), full: None });
    }

    /// Schedules a visit, unless an earlier one is planned.
    pub fn plan(&mut self, key: &NamespacedName, due: Due) {
        let earlier = |one: Option<Duration>, other: Option<Duration>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.change(key, |entry| {
            entry.due = Due { quick: earlier(entry.due.quick, due.quick), full: earlier(entry.due.full, due.full) };
        });
    }

    /// The object that is due first, for a visit that begins now.
    pub fn next(&mut self, now: Duration) -> Option<(NamespacedName, Visit)> {
        let (_, key) = self.order.first().filter(|(due, _)| *due <= now).cloned()?;
        let (_, visit) = self.entries.get(&key)?.next()?;
        self.change(&key, |entry| {
            entry.began = Some(now);
            entry.due.quick = None;
            if visit == Visit::Full {
                entry.due.full = None;
            }
        });
        Some((key, visit))
    }

    /// A visit ended. What happened meanwhile makes the object due again.
    pub fn ended(&mut self, key: &NamespacedName, wrote: bool) {
        self.change(key, |entry| {
            let apart = if wrote { APART } else { BREATH };
            entry.not_before = entry.began.take().unwrap_or_default() + apart;
        });
    }

    /// Plans an object's next visits anew, in place of those that were planned; what happened meanwhile stays.
    pub fn replan(&mut self, key: &NamespacedName, full: Duration, quick: Option<Duration>) {
        self.change(key, |entry| entry.due.full = Some(full));
        self.plan(key, Due { quick, full: None });
    }

    /// Plans a full visit in place of what was planned. What happened since `recent` stays.
    pub fn begin(&mut self, key: &NamespacedName, full: Duration, recent: Duration) {
        self.change(key, |entry| {
            entry.due = Due { quick: entry.due.quick.filter(|it| *it >= recent), full: Some(full) };
        });
    }

    /// Forgets an object.
    pub fn forget(&mut self, key: &NamespacedName) {
        if let Some((due, _)) = self.entries.remove(key).and_then(|it| it.next()) {
            self.order.remove(&(due, key.clone()));
        }
    }

    /// When the first object is due.
    pub fn wakes(&self) -> Option<Duration> {
        self.order.first().map(|it| it.0)
    }

    /// How many objects are due.
    pub fn depth(&self, now: Duration) -> usize {
        self.order.iter().take_while(|it| it.0 <= now).count()
    }

    /// Whether an object is being visited.
    pub fn is_under_way(&self, key: &NamespacedName) -> bool {
        self.entries.get(key).is_some_and(|it| it.began.is_some())
    }

    fn change(&mut self, key: &NamespacedName, change: impl FnOnce(&mut QueueEntry)) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some((due, _)) = entry.next() {
            self.order.remove(&(due, key.clone()));
        }
        change(entry);
        if let (None, Some((due, _))) = (entry.began, entry.next()) {
            self.order.insert((due, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_change_is_looked_at_at_once_and_a_hot_one_once_a_second() {
        let mut queue = Queue::default();
        let key = NamespacedName::new("a", "b");
        let mut begun = Vec::new();
        for now in (0..5_000).step_by(10) {
            if now % 100 == 0 {
                queue.happened(&key, ms(now));
            }
            if let Some((key, visit)) = queue.next(ms(now)) {
                assert_eq!(visit, Visit::Quick);
                begun.push(now);
                queue.ended(&key, true);
            }
        }
        assert_eq!(begun, [0, 1_000, 2_000, 3_000, 4_000]);
    }

    #[test]
    fn one_object_is_visited_once_at_a_time() {
        let mut queue = Queue::default();
        let key = NamespacedName::new("a", "b");
        queue.happened(&key, ms(0));
        assert!(queue.next(ms(0)).is_some());
        queue.happened(&key, ms(10));
        assert_eq!(queue.next(ms(5_000)), None);
        queue.ended(&key, false);
        assert_eq!(queue.next(ms(5_000)), Some((key.clone(), Visit::Quick)));
        queue.ended(&key, false);
        assert_eq!((queue.next(ms(9_000)), queue.wakes()), (None, None));
    }

    #[test]
    fn a_full_visit_stands_in_for_a_quick_one_and_not_the_other_way_round() {
        let mut queue = Queue::default();
        let key = NamespacedName::new("a", "b");
        queue.replan(&key, ms(1_000), None);
        queue.happened(&key, ms(10));
        assert_eq!(queue.next(ms(10)), Some((key.clone(), Visit::Quick)));
        queue.ended(&key, false);
        assert_eq!(queue.wakes(), Some(ms(1_000)));
        queue.happened(&key, ms(1_000));
        assert_eq!(queue.next(ms(1_000)), Some((key.clone(), Visit::Full)));
        queue.ended(&key, false);
        assert_eq!(queue.wakes(), None);
        queue.replan(&key, ms(9_000), Some(ms(2_000)));
        assert_eq!(queue.depth(ms(2_000)), 1);
        queue.forget(&key);
        assert_eq!(queue.wakes(), None);
    }
}
