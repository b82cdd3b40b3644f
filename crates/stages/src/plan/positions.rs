//! The position of each object in its release: its wave, the rank of its kind, and a layer that breaks ties.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Action;
use super::depends::{Dependencies, wave};
use super::graph::topological;
use super::order::{defined, is_namespace, is_other, rank};
use crate::diff::ObjectComparison;
use weft_base::value::{Data, Value};
use weft_schema::GroupKind;

/// The place of an object in its release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Its wave.
    pub(super) wave: i64,
    rank: usize,
    layer: usize,
}

type Actions = [(Action, ObjectComparison)];

/// The positions of these steps. One that depends on another of its release and wave stands behind it, whatever their
/// kinds; of those with the same rank one stands behind another that it names. A container is in the wave in which it is
/// first used.
pub(super) fn positions(
    actions: &Actions,
    steps: &[usize],
    depends: &Dependencies,
    first_used: &HashMap<usize, i64>,
) -> HashMap<usize, Position> {
    let wave_of = |at: usize| first_used.get(&at).copied().unwrap_or_else(|| wave(&actions[at].1).unwrap_or(0));
    let position = |at: usize| Position { wave: wave_of(at), rank: rank(&actions[at].1.id.kind), layer: 0 };
    let mut positions: HashMap<usize, Position> = steps.iter().map(|at| (*at, position(*at))).collect();
    let mut groups: BTreeMap<(&Arc<str>, i64), Vec<usize>> = BTreeMap::new();
    for at in steps {
        groups.entry((&actions[*at].1.release, positions[at].wave)).or_default().push(*at);
    }
    for group in groups.values() {
        raise(actions, group, depends, &mut positions);
    }
    positions
}

/// Puts each step of a release and a wave behind those that it comes after, and behind the container that it is in.
/// References that go round in a circle, or
/// against what objects say themselves, count for nothing.
fn raise(actions: &Actions, group: &[usize], depends: &Dependencies, positions: &mut HashMap<usize, Position>) {
    let members: BTreeSet<usize> = group.iter().copied().collect();
    let said = group.iter().filter_map(|at| Some((*at, depends.get(at)?)));
    let mut said: Dependencies =
        said.map(|(at, first)| (at, first.iter().copied().filter(|first| members.contains(first)).collect())).collect();
    for (container, user) in contained(actions, group, &said) {
        said.entry(user).or_default().push(container);
    }
    let mut edges = references(actions, group, positions);
    if edges.is_empty() && said.is_empty() {
        return;
    }
    for (at, first) in &said {
        edges.entry(*at).or_default().extend(first);
    }
    let Some(order) = topological(&edges).or_else(|| {
        edges.clone_from(&said);
        topological(&edges)
    }) else {
        // What goes round in a circle is refused, and never run.
        return;
    };
    for at in order {
        for first in edges.get(&at).into_iter().flatten() {
            let first = positions[first];
            let behind = Position { layer: first.layer + 1, ..first };
            if let Some(own) = positions.get_mut(&at) {
                *own = behind.max(*own);
            }
        }
    }
}

/// The namespaces and definitions that say what they come after, each with what is in it: its rank alone would not keep
/// it before them.
fn contained(actions: &Actions, group: &[usize], said: &Dependencies) -> Vec<(usize, usize)> {
    let mut spaces: HashMap<&str, usize> = HashMap::new();
    let mut kinds: HashMap<GroupKind, usize> = HashMap::new();
    for container in said.keys().copied() {
        let object = &actions[container].1;
        if is_namespace(&object.id) {
            spaces.insert(&object.id.name, container);
        }
        kinds.extend(defined(object).map(|kind| (kind, container)));
    }
    let containers = |user: usize| {
        let id = &actions[user].1.id;
        let space = id.namespace.as_deref().and_then(|name| spaces.get(name));
        space.into_iter().chain(kinds.get(&id.kind)).map(move |container| (*container, user))
    };
    let mut found: Vec<(usize, usize)> = group.iter().flat_map(|user| containers(*user)).collect();
    found.sort_unstable();
    found
}

/// By step, the others of its rank that it names by kind and name, as custom resources and autoscalers do.
fn references(actions: &Actions, group: &[usize], positions: &HashMap<usize, Position>) -> Dependencies {
    let mut ranks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in group {
        ranks.entry(positions[at].rank).or_default().push(*at);
    }
    let mut found = Dependencies::new();
    for steps in ranks.into_values().filter(|steps| steps.iter().any(|at| refers(&actions[*at].1))) {
        let mut named: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for at in &steps {
            let id = &actions[*at].1.id;
            named.entry((&id.kind.kind, &id.name)).or_default().push(*at);
        }
        for at in steps.iter().copied().filter(|at| refers(&actions[*at].1)) {
            let mut first = Vec::new();
            let body = body(&actions[at].1);
            body.and_then(|body| body.get("spec")).into_iter().for_each(|spec| names(spec, &named, &mut first));
            first.retain(|first| *first != at);
            if !first.is_empty() {
                found.insert(at, first);
            }
        }
    }
    found
}

/// Whether objects of this kind name others of the same rank: custom resources, and autoscalers.
fn refers(object: &ObjectComparison) -> bool {
    object.id.kind.kind == "HorizontalPodAutoscaler" || is_other(&object.id.kind)
}

/// The steps that are named by a map with `kind` and `name`.
fn names(value: &Value, named: &HashMap<(&str, &str), Vec<usize>>, found: &mut Vec<usize>) {
    match &value.data {
        Data::Map(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            if let (Some(kind), Some(name)) = (text("kind"), text("name")) {
                found.extend(named.get(&(kind, name)).into_iter().flatten());
            }
            map.iter().for_each(|entry| names(&entry.value, named, found));
        }
        Data::List(items) => items.iter().for_each(|item| names(item, named, found)),
        _ => {}
    }
}

fn body(object: &ObjectComparison) -> Option<&Value> {
    let live = || object.live.as_ref().map(|live| &live.body);
    object.desired.as_ref().map(|desired| &desired.body).or_else(live)
}
