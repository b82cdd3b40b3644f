//! What sort of change each difference is, and who else wrote there.

use super::changes::{Delta, between, is_key, order_of};
use super::defaulted::{fills_in, fills_in_below};
use super::equivalence::Equivalence;
use super::ownership::Ownership;
use super::places::{lookup, shape_at};
use super::record::same;
use super::secrecy::shown_at;
use super::{After, Class, FieldChange, Writer};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Map, Path, Step, Value};
use weft_schema::fields::FieldSet;
use weft_schema::{GroupKind, Type};

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
    /// The shape of the kind, where it is known.
    pub shape: Option<Type<'a>>,
    /// Where `after` is only predicted, the kind: some of its fields have defaults, which the server decides.
    pub doubts: Option<&'a GroupKind>,
}

impl Evidence<'_> {
    /// The fields that differ, those that only change owner, and those that others changed and an apply leaves alone.
    pub fn classify(&self) -> Vec<FieldChange> {
        let deltas = between(self.live, self.after, self.shape);
        let mut fields: Vec<FieldChange> = deltas.iter().map(|delta| self.value_change(delta)).collect();
        let before = &self.ownership.before;
        let after = &self.ownership.after;
        fields.extend(self.ownership_changes(&after.difference(before), &deltas, &Class::Acquire));
        fields.extend(self.ownership_changes(&before.difference(after), &deltas, &Class::Release));
        fields.extend(self.met(&fields));
        fields
    }

    fn key(&self) -> &FingerprintKey {
        self.equivalence.key
    }

    fn at<'v>(&self, root: &'v Value, path: &Path) -> Option<&'v Value> {
        lookup(root, path, self.shape)
    }

    fn base_at(&self, path: &Path) -> Option<&Value> {
        self.at(self.base?, path)
    }

    fn show(&self, path: &Path, value: Option<&Value>) -> Option<Value> {
        value.map(|it| shown_at(self.live, path, it, self.key()))
    }

    fn value_change(&self, delta: &Delta) -> FieldChange {
        let base = self.base_at(&delta.path);
        let drifted = base.is_some_and(|base| self.is_lost(delta, base));
        FieldChange {
            path: delta.path.clone(),
            class: self.class(delta),
            base: if delta.order { base.map(|it| self.order(it, delta).into()) } else { self.show(&delta.path, base) },
            live: self.show(&delta.path, delta.before.as_ref()),
            desired: if self.is_open(delta) {
                After::Server
            } else {
                self.show(&delta.path, delta.after.as_ref()).into()
            },
            drifted,
            writers: self.writers(&delta.path, delta.before.is_none() || delta.order && drifted),
        }
    }

    /// Whether only the server knows what will be there.
    fn is_open(&self, delta: &Delta) -> bool {
        let Some(kind) = self.doubts else { return false };
        match delta.after.as_ref().map(Value::as_map) {
            None => fills_in(kind, &delta.path, self.after, self.shape),
            // An empty map that is new.
            Some(map) => map.is_some_and(Map::is_empty) && delta.before.is_none() && fills_in_below(kind, &delta.path),
        }
    }

    /// Where we have a record, the repository changed where it differs from the record, and live changed where we lost
    /// the field or its value is another than the recorded one. Without one, ownership has to tell: what we own is as
    /// we applied it.
    fn class(&self, delta: &Delta) -> Class {
        let path = &delta.path;
        let wanted = self.at(self.desired, path);
        let taken = wanted.is_some() && delta.before.is_some() && self.ownership.is_foreign(path);
        let Some(base) = self.base else {
            return if taken { Class::Conflict } else { Class::Pending };
        };
        let base = self.at(base, path);
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
        !self.ownership.before.owns(&delta.path) || !self.is_as(delta.before.as_ref(), base, &delta.path)
    }

    /// Whether a live value is the one that was applied.
    fn is_as(&self, live: Option<&Value>, base: &Value, path: &Path) -> bool {
        self.equivalence.holds(shape_at(self.shape, path), live, base)
    }

    /// The order of a list's items, of those that stay.
    fn order(&self, list: &Value, delta: &Delta) -> Vec<Value> {
        let staying = delta.before.as_ref().and_then(Value::as_list).unwrap_or_default();
        order_of(list, staying, shape_at(self.shape, &delta.path))
    }

    /// Who else owns a field. Of one that is `traceless`, since it is gone or only stands elsewhere, it may be whoever
    /// wrote the object after us.
    fn writers(&self, path: &Path, traceless: bool) -> Vec<Writer> {
        match self.ownership.writers(path) {
            nobody if nobody.is_empty() && traceless && self.base_at(path).is_some() => self.ownership.later_writers(),
            writers => writers,
        }
    }

    /// The fields that come into or go out of our hands while their values stay.
    fn ownership_changes(&self, moved: &FieldSet, deltas: &[Delta], class: &Class) -> Vec<FieldChange> {
        let told = |path: &Path| {
            let same = |d: &Delta| d.path.is_prefix_of(path) || path.is_prefix_of(&d.path);
            deltas.iter().filter(|delta| !delta.order).any(same)
        };
        let untold = leaves(moved).into_iter().filter(|path| !told(path));
        untold
            .map(|path| {
                let base = self.base_at(&path);
                let live = self.at(self.live, &path);
                let after = self.at(self.after, &path);
                // Nothing is there, and the server may have a mind to fill it in.
                let is_open =
                    after.is_none() && self.doubts.is_some_and(|kind| fills_in(kind, &path, self.after, self.shape));
                let lost = |base| !self.ownership.before.owns(&path) || !self.is_as(live, base, &path);
                FieldChange {
                    class: class.clone(),
                    base: self.show(&path, base),
                    live: self.show(&path, live),
                    desired: if is_open { After::Server } else { self.show(&path, after).into() },
                    drifted: base.is_some_and(lost),
                    writers: self.writers(&path, live.is_none()),
                    path,
                }
            })
            .collect()
    }

    /// The fields that are not as we applied them, and that an apply would leave as they are.
    fn met(&self, told: &[FieldChange]) -> Vec<FieldChange> {
        let Some(base) = self.base else { return Vec::new() };
        let is_told = |delta: &Delta| {
            let path = &delta.path;
            let order = delta.order;
            let same = |it: &Path| *it == *path || !order && (it.is_prefix_of(path) || path.is_prefix_of(it));
            told.iter().any(|change| same(&change.path))
        };
        let deltas = between(base, self.live, self.shape);
        let changed = deltas.iter().filter(|delta| {
            let same = |was: &Value| !delta.order && self.is_as(delta.after.as_ref(), was, &delta.path);
            delta.before.as_ref().is_some_and(|was| !same(was)) && !is_told(delta)
        });
        changed
            .map(|delta| FieldChange {
                path: delta.path.clone(),
                class: Class::Met,
                base: self.show(&delta.path, delta.before.as_ref()),
                live: self.show(&delta.path, delta.after.as_ref()),
                desired: self.show(&delta.path, delta.after.as_ref()).into(),
                drifted: true,
                writers: self.writers(&delta.path, delta.after.is_none()),
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
