//! Which fields differ between two states of an object, in terms of ownership (`Compare`).

use std::collections::BTreeMap;

use super::form::{Form, alike, filled_map, form, items};
use super::keys;
use crate::fields::FieldSet;
use crate::{ListType, MapType, Strategy, Type};
use weft_base::value::{Step, Value};

/// The fields that differ; each is in one of the three sets at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What only the first state has.
    pub removed: FieldSet,
    /// What both have, and not the same.
    pub modified: FieldSet,
    /// What only the second state has.
    pub added: FieldSet,
}

/// The fields that differ between two objects of a shape. Lists and maps that come or go are members themselves.
pub fn compare(before: &Value, after: &Value, shape: Type<'_>) -> Comparison {
    let mut found = Comparison::default();
    place(Some(shape), Some(before), Some(after), &mut found);
    // Nobody owns the whole object.
    for set in [&mut found.removed, &mut found.modified, &mut found.added] {
        set.member = false;
    }
    found
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    fn attach(&mut self, step: &Step, below: Self) {
        for (set, below) in
            [(&mut self.removed, below.removed), (&mut self.modified, below.modified), (&mut self.added, below.added)]
        {
            if !below.is_empty() {
                set.attach(step.clone(), below);
            }
        }
    }

    /// Two states of what is one whole.
    fn leaf(&mut self, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (None, _) => self.added.member = true,
            (_, None) => self.removed.member = true,
            (before, after) => self.modified.member |= before != after,
        }
    }
}

/// `found` is of the place. The two sides may be things of different kinds: then each counts as what it is.
fn place(shape: Option<Type<'_>>, before: Option<&Value>, after: Option<&Value>, found: &mut Comparison) {
    let whole = match (before, after) {
        (None, None) => return,
        (Some(one), None) | (None, Some(one)) => sides(form(shape, one), before, after, found),
        (Some(first), Some(second)) => {
            if !alike(shape, first, second) {
                sides(form(shape, first), before, after, found);
            }
            sides(form(shape, second), before, after, found)
        }
    };
    if !whole && before.is_none() {
        found.added.member = true;
    } else if !whole && after.is_none() {
        found.removed.member = true;
    }
}

/// Compares both sides as one form, and says whether they are one whole.
fn sides(form: Form<'_>, before: Option<&Value>, after: Option<&Value>, found: &mut Comparison) -> bool {
    match form {
        Form::Undeclared => return false,
        Form::Map(map) if !map.atomic && (filled_map(before).is_some() || filled_map(after).is_some()) => {
            maps(map, before, after, found);
            return false;
        }
        Form::List(list) if *list.strategy != Strategy::Atomic => {
            let before = items(before);
            let after = items(after);
            if !before.is_empty() || !after.is_empty() {
                lists(list, before, after, found);
                return false;
            }
        }
        _ => {}
    }
    found.leaf(before, after);
    true
}

fn maps(map: MapType<'_>, before: Option<&Value>, after: Option<&Value>, found: &mut Comparison) {
    let before = filled_map(before);
    let after = filled_map(after);
    let mut key = |key: &str, first: Option<&Value>, second: Option<&Value>| {
        let mut below = Comparison::default();
        place(map.field(key), first, second, &mut below);
        if !below.is_empty() {
            found.attach(&Step::Field(key.into()), below);
        }
    };
    for entry in before.into_iter().flatten() {
        key(&entry.key, Some(&entry.value), after.and_then(|map| map.get(&entry.key)));
    }
    for entry in after.into_iter().flatten().filter(|entry| before.is_none_or(|map| !map.contains(&entry.key))) {
        key(&entry.key, None, Some(&entry.value));
    }
}

fn lists(list: ListType<'_>, before: &[Value], after: &[Value], found: &mut Comparison) {
    let mut pairs: BTreeMap<Step, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    let steps = |items| steps(list, items);
    for (step, item) in steps(before) {
        pairs.entry(step).or_default().0.push(item);
    }
    for (step, item) in steps(after) {
        pairs.entry(step).or_default().1.push(item);
    }
    for (step, (before, after)) in pairs {
        found.attach(&step, item(list, &before, &after));
    }
}

fn steps<'v>(list: ListType<'_>, items: &'v [Value]) -> impl Iterator<Item = (Step, &'v Value)> {
    items.iter().filter_map(move |item| Some((keys::step(list, item).ok()?, item)))
}

/// Items of one key; several of them are one whole.
fn item(list: ListType<'_>, before: &[&Value], after: &[&Value]) -> Comparison {
    let mut found = Comparison::default();
    match (before, after) {
        ([_, _, ..], [_, _, ..]) => found.modified.member = before != after,
        ([_, _, ..], _) => {
            place(Some(list.item), None, after.first().copied(), &mut found);
            found.removed.member = true;
        }
        (_, [_, _, ..]) => {
            place(Some(list.item), before.first().copied(), None, &mut found);
            found.added.member = true;
        }
        _ => place(Some(list.item), before.first().copied(), after.first().copied(), &mut found),
    }
    found
}
