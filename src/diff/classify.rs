//! What sort of change each difference is, and who else wrote there.

use super::changes::{Delta, is_key, order_of};
use super::equivalence::Equivalence;
use super::fields::FieldSet;
use super::lists::lookup;
use super::ownership::Ownership;
use super::record::same;
use super::secrecy::shown;
use super::{Class, FieldChange, Writer};
use crate::masked::FingerprintKey;
use crate::value::{Path, Step, Value};

/// All that a change is judged by.
pub struct Evidence<'a> {
    /// What the repository wants.
    pub desired: &'a Value,
    /// What we applied last; `None` where there is no record.
    pub base: Option<&'a Value>,
    /// What the server has.
    pub live: &'a Value,
    /// What it will have after an apply.
    pub after: &'a Value,
    /// Who owns what.
    pub ownership: &'a Ownership,
    /// When values are the same.
    pub equivalence: Equivalence<'a>,
}

impl Evidence<'_> {
    /// The fields that differ, and those that only change owner.
    pub fn classify(&self, deltas: &[Delta]) -> Vec<FieldChange> {
        let mut fields: Vec<FieldChange> = deltas.iter().map(|delta| self.value_change(delta)).collect();
        let (before, after) = (&self.ownership.before, &self.ownership.after);
        fields.extend(self.ownership_changes(&after.difference(before), deltas, &Class::Acquire));
        fields.extend(self.ownership_changes(&before.difference(after), deltas, &Class::Release));
        fields
    }

    fn key(&self) -> &FingerprintKey {
        self.equivalence.key
    }

    fn base_at(&self, path: &Path) -> Option<&Value> {
        lookup(self.base?, path)
    }

    fn value_change(&self, delta: &Delta) -> FieldChange {
        let show = |value: Option<&Value>| value.map(|v| shown(v, self.key()));
        let base = self.base_at(&delta.path);
        FieldChange {
            path: delta.path.clone(),
            class: self.class(delta),
            base: if delta.order { base.map(|it| self.order(it, delta).into()) } else { show(base) },
            live: show(delta.before.as_ref()),
            desired: show(delta.after.as_ref()).into(),
            drifted: base.is_some_and(|base| self.is_lost(delta, base)),
            writers: self.writers(delta),
        }
    }

    /// Where we have a record, the repository changed where it differs from the record, and live changed where we lost
    /// the field or its value is another than the recorded one. Without one, ownership has to tell: what we own is as
    /// we applied it.
    fn class(&self, delta: &Delta) -> Class {
        let path = &delta.path;
        let wanted = lookup(self.desired, path);
        let taken = wanted.is_some() && delta.before.is_some() && self.ownership.is_foreign(path);
        let Some(base) = self.base else {
            return if taken { Class::Conflict } else { Class::Pending };
        };
        let base = lookup(base, path);
        let we_changed = match (base, wanted) {
            (Some(base), Some(wanted)) if delta.order => self.order(base, delta) != self.order(wanted, delta),
            _ => !same(base, wanted, self.key()),
        };
        let they_changed = base.is_some_and(|base| self.is_lost(delta, base));
        match (we_changed, they_changed) {
            (true, true) => Class::Conflict,
            (true, false) if taken => Class::Conflict,
            (false, true) => Class::Drift,
            // Neither: the server itself makes it otherwise, by a default or an admission that is new.
            (_, false) => Class::Pending,
        }
    }

    /// Whether somebody changed or removed what we had applied.
    fn is_lost(&self, delta: &Delta, base: &Value) -> bool {
        if delta.order {
            return delta.before.as_ref().and_then(Value::as_list) != Some(&self.order(base, delta));
        }
        let node = self.ownership.known.node(&delta.path);
        !self.ownership.before.owns(&delta.path)
            || !self.equivalence.holds(&delta.path, delta.before.as_ref(), base, node)
    }

    /// The order of a list's items, of those that stay.
    fn order(&self, list: &Value, delta: &Delta) -> Vec<Value> {
        let staying = delta.before.as_ref().and_then(Value::as_list).unwrap_or_default();
        order_of(list, staying, self.ownership.known.node(&delta.path))
    }

    fn writers(&self, delta: &Delta) -> Vec<Writer> {
        let removed = delta.before.is_none() && !self.ownership.before.owns(&delta.path);
        match self.ownership.writers(&delta.path) {
            nobody if nobody.is_empty() && removed && self.base_at(&delta.path).is_some() => {
                self.ownership.later_writers()
            }
            writers => writers,
        }
    }

    /// The fields that come into or go out of our hands while their values stay.
    fn ownership_changes(&self, moved: &FieldSet, deltas: &[Delta], class: &Class) -> Vec<FieldChange> {
        let show = |value: Option<&Value>| value.map(|v| shown(v, self.key()));
        leaves(moved)
            .into_iter()
            .filter(|path| !deltas.iter().any(|d| d.path.is_prefix_of(path) || path.is_prefix_of(&d.path)))
            .map(|path| FieldChange {
                class: class.clone(),
                base: show(self.base_at(&path)),
                live: show(lookup(self.live, &path)),
                desired: show(lookup(self.after, &path)).into(),
                drifted: false,
                writers: self.ownership.writers(&path),
                path,
            })
            .collect()
    }
}

/// The leaves of a set; the key of an item is left out where another of its fields is there.
fn leaves(set: &FieldSet) -> Vec<Path> {
    let all = set.leaves();
    let told = |path: &Path| {
        let Some((Step::Field(key), parent)) = path.0.split_last() else { return false };
        let parent = Path(parent.to_vec());
        is_key(&parent, key) && set.node(&parent).is_some_and(|node| node.branches().len() > 1)
    };
    all.iter().filter(|path| !told(path)).cloned().collect()
}
