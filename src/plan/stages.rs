//! The stages of a plan: releases by `needs`, within them objects by what they depend on, deletes backwards.
//!
//! A release is applied rank by rank, and then waited for; those that need it come after that. Its objects are deleted
//! when it, and all that need it, are healthy. Groups of objects are the nodes, never single ones, unless others depend
//! on just these: so there are about as many edges as there are releases, whatever their size.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::graph::{Graph, waves};
use super::order::{defined, is_namespace, rank};
use super::{Action, ReleaseFacts, Stage, Step, Work};
use crate::diff::ObjectComparison;
use crate::schema::GroupKind;

type Actions = [(Action, ObjectComparison)];

/// Puts actions in order.
pub(super) fn staged(
    mut actions: Vec<(Action, ObjectComparison)>,
    releases: &[ReleaseFacts],
) -> (Vec<Step>, Vec<Stage>) {
    actions.sort_by(|(_, a), (_, b)| (&a.release, &a.id).cmp(&(&b.release, &b.id)));
    let (mut stages, _) = Builder::new(&actions, releases).build().sorted();
    let waves = waves(&stages, actions.len());
    let mut order: Vec<usize> = (0..actions.len()).collect();
    order.sort_by_key(|at| (actions[*at].1.desired.is_none(), waves[*at]));
    let mut places = vec![0; actions.len()];
    order.iter().enumerate().for_each(|(place, at)| places[*at] = place);
    for stage in &mut stages {
        stage.steps.iter_mut().for_each(|step| *step = places[*step]);
    }
    let mut steps: Vec<(usize, Step)> = actions
        .into_iter()
        .enumerate()
        .map(|(at, (action, object))| (places[at], Step { action, wave: waves[at], object, was: None }))
        .collect();
    steps.sort_unstable_by_key(|(place, _)| *place);
    (steps.into_iter().map(|(_, step)| step).collect(), stages)
}

/// The stages that every release has, with or without steps.
struct Ways {
    /// All that it needs is there.
    begin: usize,
    /// It is healthy.
    healthy: usize,
    /// What left it may go, since all that needs it has changed.
    leaving: usize,
    /// What left it is gone.
    end: usize,
}

/// A container that others need before their own turn: it goes first, whatever release it is in.
#[derive(Default)]
struct Hoisted<'a> {
    steps: BTreeSet<usize>,
    namespaces: HashMap<&'a str, Vec<usize>>,
    kinds: HashMap<GroupKind, Vec<usize>>,
}

struct Builder<'a> {
    actions: &'a Actions,
    facts: BTreeMap<&'a str, &'a ReleaseFacts>,
    graph: Graph,
    ways: BTreeMap<&'a Arc<str>, Ways>,
    /// By release, those that need it, through others too.
    dependants: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Builder<'a> {
    fn new(actions: &'a Actions, releases: &'a [ReleaseFacts]) -> Self {
        let mut graph = Graph::default();
        let names: BTreeSet<&Arc<str>> =
            releases.iter().map(|it| &it.name).chain(actions.iter().map(|(_, it)| &it.release)).collect();
        let mut ways = |name: &'a Arc<str>| {
            let mut add = |work| graph.add(name, work, Vec::new());
            (
                name,
                Ways {
                    begin: add(Work::Apply),
                    healthy: add(Work::Wait),
                    leaving: add(Work::Delete),
                    end: add(Work::Delete),
                },
            )
        };
        let ways = names.into_iter().map(&mut ways).collect();
        let facts = releases.iter().map(|it| (it.name.as_ref(), it)).collect();
        Self { actions, facts, graph, ways, dependants: HashMap::new() }
    }

    fn build(mut self) -> Graph {
        let (wanted, left): (Vec<usize>, Vec<usize>) =
            (0..self.actions.len()).partition(|at| self.object(*at).desired.is_some());
        self.connect_releases();
        wanted.iter().for_each(|at| self.graph.hold(self.ways[&self.object(*at).release].healthy, *at));
        self.lay(Work::Apply, &wanted);
        self.lay(Work::Delete, &left);
        self.graph
    }

    fn object(&self, at: usize) -> &'a ObjectComparison {
        &self.actions[at].1
    }

    /// A release begins when those that it needs are healthy, and loses objects when those that need it have lost theirs.
    /// One that is not declared any more goes after all that are: who needed it cannot be told.
    fn connect_releases(&mut self) {
        let declared = |name: &str| self.facts.get(name).is_some_and(|it| it.declared);
        let (staying, removed): (Vec<_>, Vec<_>) = self.ways.iter().partition(|(name, _)| declared(name));
        let ends: Vec<usize> = staying.iter().map(|(_, ways)| ways.end).collect();
        let removed: Vec<usize> = removed.iter().map(|(_, ways)| ways.leaving).collect();
        if let Some(settled) = (!removed.is_empty()).then(|| self.graph.join(&ends)).flatten() {
            removed.iter().for_each(|leaving| self.graph.after(*leaving, settled));
        }
        for (name, own) in &self.ways {
            self.graph.after(own.healthy, own.begin);
            self.graph.after(own.leaving, own.healthy);
            self.graph.after(own.end, own.leaving);
            let needs = self.facts.get(name.as_ref()).map(|it| it.needs.as_slice()).unwrap_or_default();
            for need in needs.iter().filter_map(|need| self.ways.get(&Arc::from(need.as_str()))) {
                self.graph.after(own.begin, need.healthy);
                self.graph.after(need.leaving, own.end);
            }
        }
    }

    /// Lays the stages of what is wanted between the beginning of each release and its health, and those of what left,
    /// the other way round, between its health and its end.
    fn lay(&mut self, work: Work, steps: &[usize]) {
        let hoisted = self.hoist(work, steps);
        let mut groups: BTreeMap<(&Arc<str>, usize), Vec<usize>> = BTreeMap::new();
        for at in steps.iter().copied().filter(|at| !hoisted.steps.contains(at)) {
            let object = self.object(at);
            groups.entry((&object.release, rank(&object.id.kind))).or_default().push(at);
        }
        let groups: Vec<_> = groups.into_iter().collect();
        for groups in groups.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
            let groups = groups.iter().map(|((release, _), steps)| (*release, steps.clone()));
            if work == Work::Delete {
                self.chain(work, groups.rev(), &hoisted)
            } else {
                self.chain(work, groups, &hoisted)
            }
        }
    }

    /// The groups of a release, one after the other.
    fn chain(&mut self, work: Work, groups: impl Iterator<Item = (&'a Arc<str>, Vec<usize>)>, hoisted: &Hoisted<'a>) {
        let mut last: Option<usize> = None;
        for (release, steps) in groups {
            let (actions, ways) = (self.actions, &self.ways[release]);
            let (from, to) = match work {
                Work::Delete => (ways.leaving, ways.end),
                _ => (ways.begin, ways.healthy),
            };
            let needs: BTreeSet<usize> = steps.iter().flat_map(|at| hoisted.holds(&actions[*at].1)).collect();
            let stage = self.graph.add(release, work, steps);
            self.graph.after(stage, last.unwrap_or(from));
            self.graph.after(to, stage);
            for container in needs {
                let (later, first) = if work == Work::Delete { (container, stage) } else { (stage, container) };
                self.graph.after(later, first);
            }
            last = Some(stage);
        }
    }

    /// Gives each namespace and definition a stage of its own that is used by a release that does not come after its own.
    fn hoist(&mut self, work: Work, steps: &[usize]) -> Hoisted<'a> {
        let mut users: HashMap<&str, BTreeSet<&'a str>> = HashMap::new();
        let mut kinds: HashMap<&GroupKind, BTreeSet<&'a str>> = HashMap::new();
        for object in steps.iter().map(|at| self.object(*at)) {
            if let Some(namespace) = object.id.namespace.as_deref() {
                users.entry(namespace).or_default().insert(&object.release);
            }
            kinds.entry(&object.id.kind).or_default().insert(&object.release);
        }
        let mut hoisted = Hoisted::default();
        for at in steps.iter().copied() {
            let object = self.object(at);
            if is_namespace(&object.id) {
                if self.is_needed_early(&object.release, users.get(object.id.name.as_str())) {
                    let stage = self.container(work, at, &mut hoisted);
                    hoisted.namespaces.entry(&object.id.name).or_default().push(stage);
                }
            } else if let Some(kind) = defined(object)
                && self.is_needed_early(&object.release, kinds.get(&kind))
            {
                let stage = self.container(work, at, &mut hoisted);
                hoisted.kinds.entry(kind).or_default().push(stage);
            }
        }
        hoisted
    }

    fn container(&mut self, work: Work, at: usize, hoisted: &mut Hoisted<'_>) -> usize {
        hoisted.steps.insert(at);
        let release = &self.object(at).release;
        let stage = self.graph.add(release, work, vec![at]);
        let ways = &self.ways[release];
        if work == Work::Delete {
            self.graph.after(stage, ways.healthy);
        } else {
            self.graph.after(ways.begin, stage);
        }
        stage
    }

    fn is_needed_early(&mut self, release: &'a Arc<str>, users: Option<&BTreeSet<&'a str>>) -> bool {
        let others = || users.into_iter().flatten().filter(|user| ***user != **release);
        if others().next().is_none() {
            return false;
        }
        let facts = &self.facts;
        let dependants = self.dependants.entry(release).or_insert_with(|| dependants(release, facts));
        others().any(|user| !dependants.contains(user))
    }
}

impl Hoisted<'_> {
    /// The stages of the containers that an object is in.
    fn holds(&self, object: &ObjectComparison) -> impl Iterator<Item = usize> {
        let namespace = object.id.namespace.as_deref().and_then(|name| self.namespaces.get(name));
        namespace.into_iter().chain(self.kinds.get(&object.id.kind)).flatten().copied()
    }
}

/// The releases that need one, through others too.
fn dependants<'a>(release: &str, facts: &BTreeMap<&'a str, &'a ReleaseFacts>) -> BTreeSet<&'a str> {
    let mut needed_by: HashMap<&str, Vec<&'a str>> = HashMap::new();
    for (name, facts) in facts {
        facts.needs.iter().for_each(|need| needed_by.entry(need).or_default().push(name));
    }
    let (mut found, mut open) = (BTreeSet::new(), vec![release]);
    while let Some(next) = open.pop() {
        let new = needed_by.get(next).into_iter().flatten().filter(|name| found.insert(**name));
        open.extend(new.collect::<Vec<_>>());
    }
    found
}
