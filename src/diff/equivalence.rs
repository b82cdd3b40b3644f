//! Whether the server's form of a value is the one that we wrote, although it may look different.

use super::fields::FieldSet;
use super::record::recorded_digest;
use super::{canonical, lists, quantity};
use crate::masked::FingerprintKey;
use crate::value::{Data, Path, Step, Value};

/// Compares what is live with what was written, or recorded when it was written.
#[derive(Clone, Copy)]
pub struct Equivalence<'a> {
    /// For secrets, of which the record has digests.
    pub key: &'a FingerprintKey,
    /// Whether the kind is built in: in a custom resource `1000m` is just a text.
    pub builtin: bool,
}

impl Equivalence<'_> {
    /// Whether `live` is what a field that we still own is if `wanted` was written there: the server prints quantities
    /// in its own way, leaves zero values out, and fills in defaults below a list that it replaces as a whole.
    pub fn holds(&self, path: &Path, live: Option<&Value>, wanted: &Value, node: Option<&FieldSet>) -> bool {
        let Some(live) = live else { return is_zero(wanted) };
        match (&live.data, &wanted.data) {
            (Data::Map(map), Data::Map(wanted)) => wanted.iter().all(|entry| {
                let below = node.and_then(|n| n.field(&entry.key));
                self.holds(&path.field(&entry.key), map.get(&entry.key), &entry.value, below)
            }),
            (Data::List(list), Data::List(wanted)) => self.lists(path, list, wanted, node),
            _ => self.leaves(path, live, wanted),
        }
    }

    fn lists(&self, path: &Path, live: &[Value], wanted: &[Value], node: Option<&FieldSet>) -> bool {
        match lists::items(wanted, node) {
            Some(items) => items.iter().all(|(step, item)| {
                let found = lists::position_of(live, step).and_then(|at| live.get(at));
                found.is_some() && self.holds(&path.then(step.clone()), found, item, node.and_then(|n| n.step(step)))
            }),
            None => {
                live.len() == wanted.len()
                    && live.iter().zip(wanted).all(|(live, wanted)| self.holds(path, Some(live), wanted, None))
            }
        }
    }

    fn leaves(&self, path: &Path, live: &Value, wanted: &Value) -> bool {
        if live == wanted {
            return true;
        }
        if let Some(digest) = recorded_digest(wanted) {
            return digest == canonical::secret_digest(live, self.key);
        }
        self.builtin && is_quantity(path) && quantity::same(&number(live), &number(wanted))
    }
}

/// Whether the server leaves the value out: it is what a field is that nobody set.
pub fn is_zero(value: &Value) -> bool {
    match &value.data {
        Data::Null | Data::Bool(false) | Data::Int(0) => true,
        Data::Float(it) => *it == 0.0,
        Data::Text(text) => text.is_empty(),
        Data::List(items) => items.is_empty(),
        Data::Map(map) => map.iter().all(|entry| is_zero(&entry.value)),
        _ => false,
    }
}

fn is_quantity(path: &Path) -> bool {
    let mut names = path.0.iter().rev().map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        _ => None,
    });
    let last = names.next().flatten();
    last.is_some_and(|name| quantity::is_quantity(names.next().flatten(), name))
}

/// A quantity may be written as a number.
fn number(value: &Value) -> String {
    value.as_str().map_or_else(|| serde_json::to_string(value).unwrap_or_default(), str::to_owned)
}
