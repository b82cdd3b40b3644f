//! The desired object laid over the live one: nothing is taken away (`Merge`).

use std::collections::{BTreeMap, BTreeSet};

use super::form::{Form, filled_map, form, items};
use super::keys;
use crate::{ListType, MapType, Strategy, Type};
use weft_base::value::{Map, Step, Value};

/// What is at a place once `desired` is laid over `live`.
pub fn combine(shape: Option<Type<'_>>, live: &Value, desired: &Value) -> Value {
    match form(shape, desired) {
        Form::Map(map) if !map.atomic => match (filled_map(Some(live)), filled_map(Some(desired))) {
            (Some(live), Some(desired)) => maps(map, live, desired).into(),
            (Some(_), None) => live.clone(),
            _ => desired.clone(),
        },
        Form::List(list) if *list.strategy != Strategy::Atomic => match (items(Some(live)), items(Some(desired))) {
            ([], _) => desired.clone(),
            (_, []) => live.clone(),
            (live, desired) => Lists::new(list, live, desired).merge().into(),
        },
        _ => desired.clone(),
    }
}

fn maps(map: MapType<'_>, live: &Map, desired: &Map) -> Map {
    let mut out = live.clone();
    for entry in desired {
        let value = match live.get(&entry.key) {
            Some(live) => combine(map.field(&entry.key), live, &entry.value),
            None => entry.value.clone(),
        };
        out.insert(entry.key.as_str(), value);
    }
    out
}

/// Two lists on their way to one. Where both have items in common, the desired order of these counts; what only the
/// live list has keeps its place among them.
struct Lists<'a> {
    list: ListType<'a>,
    live: Vec<(Step, &'a Value)>,
    desired: Vec<(Step, &'a Value)>,
    /// By step, the live item: `None` where there are several.
    known: BTreeMap<Step, Option<&'a Value>>,
    wanted: BTreeSet<Step>,
    /// The items that both have and that are not merged yet, in the desired order.
    shared: std::vec::IntoIter<Step>,
    next: Option<Step>,
    merged: BTreeSet<Step>,
    out: Vec<Value>,
}

impl<'a> Lists<'a> {
    fn new(list: ListType<'a>, live: &'a [Value], desired: &'a [Value]) -> Self {
        let steps = |items: &'a [Value]| -> Vec<_> {
            items.iter().filter_map(|item| Some((keys::step(list, item).ok()?, item))).collect()
        };
        let live = steps(live);
        let desired = steps(desired);
        let mut known = BTreeMap::new();
        for (step, item) in &live {
            known.entry(step.clone()).and_modify(|it| *it = None).or_insert(Some(*item));
        }
        let shared: Vec<Step> =
            desired.iter().map(|(step, _)| step).filter(|step| known.contains_key(*step)).cloned().collect();
        let mut shared = shared.into_iter();
        let next = shared.next();
        let wanted = desired.iter().map(|(step, _)| step.clone()).collect();
        Self { list, live, desired, known, wanted, shared, next, merged: BTreeSet::new(), out: Vec::new() }
    }

    fn merge(mut self) -> Vec<Value> {
        let mut l = 0;
        let mut d = 0;
        while l < self.live.len() || d < self.desired.len() {
            let live = self.live.get(l).cloned();
            let desired = self.desired.get(d).cloned();
            if let (Some((step, _)), Some((wanted, item))) = (&live, &desired) {
                if step == wanted {
                    self.take(wanted, item);
                    self.advance();
                    (l, d) = (l + 1, d + 1);
                    continue;
                }
                if self.wanted.contains(step) && self.next.as_ref().is_some_and(|next| next != step) {
                    // Both have it, but another one has to come first.
                    l += 1;
                    continue;
                }
            }
            if let Some((step, item)) = live {
                if !self.wanted.contains(&step) {
                    self.out.push(item.clone());
                    l += 1;
                    continue;
                }
                if self.merged.contains(&step) {
                    l += 1;
                }
            }
            if let Some((step, item)) = desired {
                self.take(&step, item);
                d += 1;
                if self.next.as_ref() == Some(&step) {
                    self.advance();
                }
            }
        }
        self.out
    }

    /// Takes a desired item, laid over the live one. One that the live list has several times is not merged.
    fn take(&mut self, step: &Step, item: &Value) {
        self.out.push(match self.known.get(step) {
            Some(Some(live)) => combine(Some(self.list.item), live, item),
            _ => item.clone(),
        });
        self.merged.insert(step.clone());
    }

    fn advance(&mut self) {
        self.next = self.shared.next();
    }
}
