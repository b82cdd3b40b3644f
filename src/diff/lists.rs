//! How the server merges lists, told from managed fields: an item that somebody owns by its keys makes the list
//! associative, a member makes it a set, and everything else is replaced as a whole.

use super::fields::FieldSet;
use crate::value::{Data, Path, Step, Value};

/// How the items of a list are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// By these fields of each item.
    Keyed(Vec<String>),
    /// By their values.
    Set,
    /// Not at all.
    Atomic,
}

/// The strategy of the list at a node of the fields that anybody owns.
pub fn strategy(node: Option<&FieldSet>) -> Strategy {
    let mut keys: Vec<String> = Vec::new();
    for (step, _) in node.into_iter().flat_map(FieldSet::branches) {
        match step {
            Step::Item(pairs) => keys.extend(pairs.iter().map(|(key, _)| key.clone())),
            Step::Member(_) => return Strategy::Set,
            _ => return Strategy::Atomic,
        }
    }
    keys.sort();
    keys.dedup();
    if keys.is_empty() { Strategy::Atomic } else { Strategy::Keyed(keys) }
}

/// The items of a list with their steps; `None` where the list is atomic, or where items lack keys or share them.
pub fn items<'v>(list: &'v [Value], node: Option<&FieldSet>) -> Option<Vec<(Step, &'v Value)>> {
    let strategy = strategy(node);
    let steps: Vec<_> = list.iter().map(|item| Some((step(item, &strategy, node)?, item))).collect::<Option<_>>()?;
    let mut sorted: Vec<&Step> = steps.iter().map(|(step, _)| step).collect();
    sorted.sort();
    let unique = sorted.windows(2).all(|pair| pair[0] != pair[1]);
    unique.then_some(steps)
}

/// The step to an item. A key that the item does not write is taken from the one owned item that fits, since the
/// server fills in defaults (`protocol: TCP`) before it records who owns what.
fn step(item: &Value, strategy: &Strategy, node: Option<&FieldSet>) -> Option<Step> {
    match strategy {
        Strategy::Atomic => None,
        Strategy::Set => Some(Step::Member(item.clone())),
        Strategy::Keyed(names) => {
            let pairs: Vec<(String, Value)> =
                names.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
            if pairs.is_empty() {
                return None;
            }
            if pairs.len() == names.len() {
                return Some(Step::Item(pairs));
            }
            let mut fitting = node?.branches().filter_map(|(step, _)| match step {
                Step::Item(owned) if pairs.iter().all(|pair| owned.contains(pair)) => Some(step.clone()),
                _ => None,
            });
            let first = fitting.next();
            Some(if fitting.next().is_some() { Step::Item(pairs) } else { first.unwrap_or(Step::Item(pairs)) })
        }
    }
}

/// The node that a path leads to. The item of an associative list may lack a key that the server fills in.
pub fn lookup<'v>(root: &'v Value, path: &Path) -> Option<&'v Value> {
    path.0.iter().try_fold(root, follow)
}

fn follow<'v>(node: &'v Value, step: &Step) -> Option<&'v Value> {
    match (step, &node.data) {
        (Step::Field(name), Data::Map(map)) => map.get(name),
        (step, Data::List(items)) => items.get(position_of(items, step)?),
        _ => None,
    }
}

/// The place in a list that a step leads to.
pub fn position_of(items: &[Value], step: &Step) -> Option<usize> {
    match step {
        Step::Field(_) => None,
        Step::Index(at) => Some(*at),
        Step::Member(member) => items.iter().position(|item| item == member),
        Step::Item(keys) => position(items, keys),
    }
}

/// The place of the item with these keys: one that has them all, else one that lacks some and has the others.
fn position(items: &[Value], keys: &[(String, Value)]) -> Option<usize> {
    let exact = |item: &Value| keys.iter().all(|(key, wanted)| item.get(key) == Some(wanted));
    let fits = |item: &Value| {
        let there = keys.iter().filter_map(|(key, wanted)| Some(item.get(key)? == wanted));
        there.fold(None, |all, same| Some(all.unwrap_or(true) && same)).unwrap_or(false)
    };
    items.iter().position(exact).or_else(|| items.iter().position(fits))
}
