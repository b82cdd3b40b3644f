//! Lists that are merged by the keys of their items, as kustomize's `associative_sequence` does it.
//!
//! The rules for items that lack keys are odd, and are followed: a list in a repository was merged by them before.

use super::PatchError;
use super::directive::{self, Directive};
use super::keys::Shape;
use super::merge::Walk;
use super::scalar::text;
use weft_base::value::{Data, Map, Value};

/// The texts of an item's keys, empty for those it lacks.
type Values = Vec<String>;

/// Merges the items of a patch into a list; `None` for a list that the patch says nothing of.
pub(super) fn merge(
    walk: &mut Walk<'_>,
    list: &mut Vec<Value>,
    patch: Option<&[Value]>,
    keys: &[String],
    shape: Option<Shape<'_>>,
) -> Result<(), PatchError> {
    let plain = [String::new()];
    let keys = if keys.is_empty() { &plain[..] } else { keys };
    let mut found = patch.map(|items| all_values(items, keys)).unwrap_or_default();
    found.extend(all_values(list, keys));
    let mut all: Vec<Values> = Vec::with_capacity(found.len());
    for values in found {
        if !all.contains(&values) {
            all.push(values);
        }
    }
    if keys.len() > 1 {
        complete(&mut all);
    }
    let mut items = Vec::with_capacity(all.len());
    let mut by = Vec::new();
    for at in 0..all.len() {
        let (used, values) = used_keys(&all, &all[at], keys);
        let (own, own_values) = used_keys(std::slice::from_ref(&values), &values, &used);
        let here = position(list, &own, &own_values);
        let there = patch.and_then(|items| position(items, &own, &own_values).map(|at| &items[at]));
        let replaced = there.and_then(Value::as_map).map(directive::of_map).transpose()?.flatten();
        let merged = walk.node(here.map(|at| list[at].clone()), there, shape)?;
        match merged.filter(|it| !is_empty(it)) {
            None => set(list, None, &used, &values),
            Some(mut merged) => {
                complete_item(&mut merged, &used, &values);
                if let Some(here) = here.filter(|_| replaced != Some(Directive::Replace)) {
                    list[here] = merged.clone();
                }
                set(&mut items, Some(&merged), &used, &values);
            }
        }
        by = used;
    }
    if !all.is_empty() {
        for item in std::mem::take(list) {
            add(&mut items, &item, &by);
        }
        *list = items;
    }
    Ok(())
}

fn all_values(items: &[Value], keys: &[String]) -> Vec<Values> {
    let of = |item: &Value| keys.iter().map(|key| key_text(item, key)).collect();
    items.iter().map(of).collect()
}

fn key_text(item: &Value, key: &str) -> String {
    if key.is_empty() { text(item) } else { item.get(key).map(text).unwrap_or_default() }.into_owned()
}

/// Gives items that agree in one key the others' keys where they lack them.
fn complete(all: &mut [Values]) {
    for one in 0..all.len() {
        for other in 0..all.len() {
            if let Some(values) = union(&all[one], &all[other]) {
                all[one].clone_from(&values);
                all[other] = values;
            }
        }
    }
}

fn union(one: &Values, other: &Values) -> Option<Values> {
    let common = one.iter().zip(other).any(|(a, b)| a == b);
    let fits = one.iter().zip(other).all(|(a, b)| a == b || a.is_empty() || b.is_empty());
    let values = one.iter().zip(other).map(|(a, b)| if a.is_empty() { b } else { a }.clone());
    (common && fits).then(|| values.collect())
}

/// The keys that any of `all` has, and of `values` what belongs to them; all where none has any.
fn used_keys(all: &[Values], values: &Values, keys: &[String]) -> (Vec<String>, Values) {
    let used: Vec<bool> =
        (0..keys.len()).map(|at| all.iter().any(|it| it.get(at).is_some_and(|it| !it.is_empty()))).collect();
    if !used.contains(&true) {
        return (keys.to_vec(), values.clone());
    }
    let kept = |at: &usize| used[*at];
    let of = |from: &[String]| (0..keys.len()).filter(kept).filter_map(|at| from.get(at).cloned()).collect();
    (of(keys), of(values))
}

/// The first item with these keys.
fn position(items: &[Value], keys: &[String], values: &Values) -> Option<usize> {
    items.iter().position(|item| {
        if keys[0].is_empty() {
            return values.first().is_some_and(|value| text(item) == **value);
        }
        let Some(map) = item.as_map() else { return false };
        keys.iter().zip(values).all(|(key, value)| map.get(key).is_some_and(|it| text(it) == **value))
    })
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_map().is_some_and(Map::is_empty)
}

/// Writes keys that an item was found by and lacks into it.
fn complete_item(item: &mut Value, keys: &[String], values: &Values) {
    let Data::Map(map) = &mut item.data else { return };
    for (key, value) in keys.iter().zip(values) {
        if !value.is_empty() && !map.contains(key) {
            map.insert(key.as_str(), value.as_str());
        }
    }
}

/// Puts an item into a list, in place of all that match the keys, else at the end; without an item, removes those.
fn set(list: &mut Vec<Value>, item: Option<&Value>, keys: &[String], values: &[String]) {
    let by_keys = !keys[0].is_empty() && values.first().is_some_and(|it| !it.is_empty());
    let mut found = false;
    list.retain_mut(|old| {
        if is_empty(old) {
            return false;
        }
        if by_keys && old.as_map().is_none() {
            return true;
        }
        if !matches(old, keys, values) {
            return !values.is_empty();
        }
        found = true;
        item.inspect(|item| old.clone_from(item)).is_some()
    });
    if let Some(item) = item.filter(|it| !found && !it.is_null()) {
        list.push(item.clone());
    }
}

fn matches(item: &Value, keys: &[String], values: &[String]) -> bool {
    // A key without a value is looked at no further than the one before it.
    !values.is_empty()
        && keys.iter().zip(values).all(|(key, value)| {
            if key.is_empty() {
                return text(item) == **value;
            }
            item.get(key).is_some_and(|it| value.is_empty() || text(it) == **value)
        })
}

/// Adds an item of the list that was there to the merged ones.
fn add(items: &mut Vec<Value>, item: &Value, keys: &[String]) {
    if keys[0].is_empty() {
        return set(items, Some(item), keys, &[text(item).into_owned()]);
    }
    let mut values = Vec::new();
    for key in keys {
        match item.get(key).filter(|it| !it.is_null()) {
            None => items.push(item.clone()),
            Some(value) => values.push(text(value).into_owned()),
        }
    }
    if keys.len() > 1 {
        set(items, None, keys, &values);
    }
    set(items, Some(item), keys, &values);
}
