//! What an apply would do, where the server cannot be asked: its structured merge, and what its typed fields and its
//! schema's defaults make of the outcome.
//!
//! A prediction is never complete: the defaults of built-in kinds are code of the server, and so is admission. Where
//! they decide about a field that changes, that is said.

use super::defaulted::{constants, derived};
use super::equivalence::{Equivalence, is_empty, is_left_out, is_zero, stored};
use super::places::{below, is_associative, is_whole_map, items};
use super::{LiveObject, MANAGER};
use weft_base::value::{Data, Map, Path, Step, Value};
use weft_schema::fields::FieldSet;
use weft_schema::merge::{self, MergeError};
use weft_schema::{GroupKind, MapType, Scalar, Type, Zero};

/// What an apply would come to.
pub struct Prediction {
    /// The object afterwards.
    pub after: Value,
    /// What we would own.
    pub ours: FieldSet,
}

/// What an apply of `desired` would make of `live`.
pub fn predict(
    live: &LiveObject,
    desired: &Value,
    shape: Type<'_>,
    equivalence: Equivalence<'_>,
    kind: &GroupKind,
) -> Result<Prediction, MergeError> {
    let merge::Applied { body: mut after, ours, .. } = merge::apply(live.managed(), desired, shape, MANAGER)?;
    Settling { equivalence, kind }.settle(&Path::root(), Some(shape), Some(&live.body), &mut after);
    Ok(Prediction { after, ours })
}

/// Turns what was merged into what is stored.
struct Settling<'a> {
    equivalence: Equivalence<'a>,
    kind: &'a GroupKind,
}

impl Settling<'_> {
    fn settle(&self, path: &Path, shape: Option<Type<'_>>, live: Option<&Value>, after: &mut Value) {
        if live.is_some_and(|live| live == &*after) {
            return;
        }
        let keyed = |list: &[Value]| is_associative(shape) && items(list, shape).is_some();
        let whole = is_whole_map(shape) || after.as_list().is_some_and(|list| !keyed(list));
        if whole && live.is_some_and(|live| self.equivalence.holds(shape, Some(live), after)) {
            *after = live.cloned().unwrap_or_default();
            return;
        }
        match &mut after.data {
            Data::Map(map) => self.map(path, shape, live.and_then(Value::as_map), map),
            Data::List(list) => self.list(path, shape, live.and_then(Value::as_list), list),
            _ => self.leaf(shape, after),
        }
    }

    fn map(&self, path: &Path, shape: Option<Type<'_>>, live: Option<&Map>, after: &mut Map) {
        self.fill_in(path, shape, after);
        if let Some(live) = live {
            show(shape, live, after);
        }
        let keys: Vec<String> = after.keys().map(str::to_owned).collect();
        for key in keys {
            let path = path.field(&key);
            let there = live.and_then(|live| live.get(&key));
            let Some(value) = after.get_mut(&key) else { continue };
            if self.equivalence.builtin {
                empty(shape, &key, value);
            } else if let Some(default) = default(shape, &key).filter(|_| value.is_null()) {
                *value = default.clone();
            }
            let lost = self.equivalence.builtin && value.is_null() && !is_shown_list(shape, &key);
            if lost || is_left_out(shape.and_then(Type::map), &key, value) {
                after.remove(&key);
                continue;
            }
            self.settle(&path, below(shape, &Step::Field(key.into())), there, value);
        }
        // What is there already has them all, but for those that were given up.
        let given_up = |key: &str, after: &Map| live.is_none_or(|live| live.contains(key)) && !after.contains(key);
        for (key, value) in constants(self.kind, path) {
            if given_up(key, after) {
                after.insert(key.as_str(), value.clone());
            }
        }
        let declares =
            |key: &str| self.equivalence.builtin && shape.and_then(Type::map).is_some_and(|it| it.declares(key));
        for (key, value) in derived(after, declares) {
            if given_up(key, after) {
                after.insert(key, value);
            }
        }
    }

    /// The defaults of the schema. Those of built-in kinds that are zero values are none.
    fn fill_in(&self, path: &Path, shape: Option<Type<'_>>, after: &mut Map) {
        let Some(map) = shape.and_then(Type::map).filter(|_| !path.0.is_empty()) else { return };
        for key in map.fields() {
            let default = map.default(key).filter(|it| !(self.equivalence.builtin && is_zero(it)));
            if let Some(default) = default.filter(|_| !after.contains(key)) {
                after.insert(key, default.clone());
            }
        }
    }

    fn list(&self, path: &Path, shape: Option<Type<'_>>, live: Option<&[Value]>, after: &mut [Value]) {
        let steps = |list: &[Value]| -> Option<Vec<Step>> {
            Some(items(list, shape)?.into_iter().map(|(step, _)| step).collect())
        };
        let live = live.unwrap_or_default();
        let now = steps(after);
        let there = steps(live).unwrap_or_default();
        for (at, item) in after.iter_mut().enumerate() {
            let step = now.as_ref().map_or(Step::Index(at), |now| now[at].clone());
            let before = there.iter().position(|it| *it == step).map(|at| &live[at]);
            self.settle(&path.then(step.clone()), below(shape, &step), before, item);
        }
    }

    fn leaf(&self, shape: Option<Type<'_>>, after: &mut Value) {
        if self.equivalence.builtin
            && shape.and_then(Type::scalar) == Some(Scalar::Quantity)
            && let Some(text) = stored(after)
        {
            *after = text.into();
        }
    }
}

/// A typed field holds no `null`, which is what a merge leaves of a map or list that lost all that it had. Where
/// nothing is always shown, it is `{}` of a map and `null` of a list.
fn empty(shape: Option<Type<'_>>, key: &str, value: &mut Value) {
    let Some(map) = shape.and_then(Type::map).filter(|map| map.declares(key)) else { return };
    let is_list = is_list(map, key);
    match map.zero(key) {
        Zero::Shown if is_list && is_empty(value) => *value = Value::default(),
        Zero::Shown if value.is_null() && map.field(key).is_some_and(|it| it.scalar().is_none()) => {
            *value = Map::new().into();
        }
        _ => {}
    }
}

/// Lists that are always shown are `null` where nothing is left of them.
fn show(shape: Option<Type<'_>>, live: &Map, after: &mut Map) {
    let Some(map) = shape.and_then(Type::map) else { return };
    let shown = |key: &&str| map.zero(key) == Zero::Shown && is_list(map, key);
    for key in live.keys().filter(shown) {
        if !after.contains(key) {
            after.insert(key, Value::default());
        }
    }
}

/// What a custom resource has in place of a `null`.
fn default<'s>(shape: Option<Type<'s>>, key: &str) -> Option<&'s Value> {
    shape?.map()?.default(key)
}

fn is_list(map: MapType<'_>, key: &str) -> bool {
    map.field(key).is_some_and(|it| it.list().is_some() && it.scalar().is_none())
}

fn is_shown_list(shape: Option<Type<'_>>, key: &str) -> bool {
    shape.and_then(Type::map).is_some_and(|map| map.zero(key) == Zero::Shown && is_list(map, key))
}
