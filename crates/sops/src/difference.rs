//! What changed between two revisions of a file, told without a value.

use std::fmt;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::cipher::Sealed;
use weft_base::value::{Data, Map, Path, Step, Value};

/// A leaf, or an empty list or map, that is not the same in both revisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where: in the new revision, or in the old one for what is gone together with its list or map.
    pub path: Path,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What happened to a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// It has another ciphertext. Whether the value is another cannot be told without a key.
    Unknown,
}

impl ChangeKind {
    /// The sign before a line about it.
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
            Self::Unknown => '?',
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        })
    }
}

/// The differences of two contents, in the order of the new one, removals where they stood. Both are decrypted, or both
/// are not: then equal ciphertexts are equal values, and others are unknown.
///
/// Maps compare by key, lists by the items that both have.
pub fn difference(old: &Value, new: &Value) -> Vec<Change> {
    let mut walk = Walk { path: Path::root(), found: Vec::new() };
    walk.nodes(old, new);
    walk.found
}

/// Numbers the items of lists, so that equal items, in whichever list, have the same number.
pub(super) fn numbered<const N: usize>(lists: [&[Value]; N]) -> [Vec<usize>; N] {
    let mut known: Vec<&Value> = Vec::new();
    lists.map(|items| {
        let number = |item| {
            known.iter().position(|it| *it == item).unwrap_or_else(|| {
                known.push(item);
                known.len() - 1
            })
        };
        items.iter().map(number).collect()
    })
}

struct Walk {
    path: Path,
    found: Vec<Change>,
}

impl Walk {
    fn nodes(&mut self, old: &Value, new: &Value) {
        match (&old.data, &new.data) {
            (Data::Map(old), Data::Map(new)) => self.maps(old, new),
            (Data::List(old), Data::List(new)) => self.lists(old, new),
            _ if old == new => {}
            _ if is_sealed(old) && is_sealed(new) => self.note(ChangeKind::Unknown),
            _ if is_leaf(old) && is_leaf(new) => self.note(ChangeKind::Changed),
            _ => {
                self.all(old, ChangeKind::Removed);
                self.all(new, ChangeKind::Added);
            }
        }
    }

    fn maps(&mut self, old: &Map, new: &Map) {
        for entry in new {
            let step = Step::Field(entry.key.clone());
            self.below(step, |walk| match old.get(&entry.key) {
                Some(before) => walk.nodes(before, &entry.value),
                None => walk.all(&entry.value, ChangeKind::Added),
            });
        }
        for entry in old.iter().filter(|entry| !new.contains(&entry.key)) {
            self.below(Step::Field(entry.key.clone()), |walk| walk.all(&entry.value, ChangeKind::Removed));
        }
    }

    fn lists(&mut self, old: &[Value], new: &[Value]) {
        let [before, after] = numbered([old, new]);
        for change in capture_diff_slices(Algorithm::Myers, &before, &after) {
            if matches!(change, DiffOp::Equal { .. }) {
                continue;
            }
            let gone = change.old_range();
            let come = change.new_range();
            let both = gone.len().min(come.len());
            for (was, is) in gone.clone().zip(come.clone()) {
                self.below(Step::Index(is), |walk| walk.nodes(&old[was], &new[is]));
            }
            for at in gone.skip(both) {
                self.below(Step::Index(at), |walk| walk.all(&old[at], ChangeKind::Removed));
            }
            for at in come.skip(both) {
                self.below(Step::Index(at), |walk| walk.all(&new[at], ChangeKind::Added));
            }
        }
    }

    /// Notes each leaf of a node.
    fn all(&mut self, node: &Value, kind: ChangeKind) {
        match &node.data {
            Data::Map(map) if !map.is_empty() => {
                for entry in map {
                    self.below(Step::Field(entry.key.clone()), |walk| walk.all(&entry.value, kind));
                }
            }
            Data::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    self.below(Step::Index(at), |walk| walk.all(item, kind));
                }
            }
            _ => self.note(kind),
        }
    }

    fn below(&mut self, step: Step, walk: impl FnOnce(&mut Self)) {
        self.path.0.push(step);
        walk(self);
        self.path.0.pop();
    }

    fn note(&mut self, kind: ChangeKind) {
        self.found.push(Change { path: self.path.clone(), kind });
    }
}

fn is_leaf(value: &Value) -> bool {
    !matches!(value.data, Data::Map(_) | Data::List(_))
}

fn is_sealed(value: &Value) -> bool {
    value.as_str().is_some_and(Sealed::is_meant)
}
