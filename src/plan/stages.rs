//! The stages of a plan: releases by `needs`, within them objects by what they depend on, deletes backwards.
//!
//! A release is applied rank by rank, and then waited for; those that need it come after that. Its objects are deleted
//! when it, and all that need it, are healthy. Groups of objects are the nodes, never single ones, unless others depend
//! on just these: so there are about as many edges as there are releases, whatever their size.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::graph::{Graph, waves};
use super::order::{defined, is_namespace, rank};
use super::{Action, Does, HookStep, ReleaseFacts, Stage, Step, Work};
use crate::diff::ObjectComparison;
use crate::manifest::hooks::{Occasion, Phase};
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
    order.sort_by_key(|at| (is_last(&actions[*at]), waves[*at]));
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
    /// Its hooks have run that come before its objects.
    start: usize,
    /// It is healthy.
    healthy: usize,
    /// Its hooks have run that come after that.
    done: usize,
    /// What left it may go, since all that needs it has changed.
    leaving: usize,
    /// Its hooks have run that come before that.
    emptying: usize,
    /// What left it is gone.
    end: usize,
    /// Its hooks have run that come after that, and what they left is gone.
    last: usize,
}

/// A container that others need before their own turn: it goes first, whatever release it is in.
#[derive(Default)]
struct Hoisted<'a> {
    steps: BTreeSet<usize>,
    namespaces: HashMap<&'a str, Vec<usize>>,
    kinds: HashMap<GroupKind, Vec<usize>>,
}

/// When a hook is run: for the objects that are wanted or for those that left, and when of that; what hooks left goes at
/// last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    deletes: bool,
    phase: Phase,
    removes: bool,
    weight: i64,
}

impl Turn {
    fn of(hook: &HookStep) -> Self {
        let removes = hook.does == Does::Remove;
        let deletes = removes || hook.point.occasion == Occasion::Delete;
        Self { deletes, phase: hook.point.phase, removes, weight: hook.terms.weight }
    }
}

/// Whether a step is listed behind all that is applied.
fn is_last((action, object): &(Action, ObjectComparison)) -> bool {
    match action.hook() {
        Some(hook) => Turn::of(hook).deletes,
        None => object.desired.is_none(),
    }
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
            let (begin, healthy) = (add(Work::Apply), add(Work::Wait));
            let (leaving, end) = (add(Work::Delete), add(Work::Delete));
            (name, Ways { begin, start: begin, healthy, done: healthy, leaving, emptying: leaving, end, last: end })
        };
        let ways = names.into_iter().map(&mut ways).collect();
        let facts = releases.iter().map(|it| (it.name.as_ref(), it)).collect();
        Self { actions, facts, graph, ways, dependants: HashMap::new() }
    }

    fn build(mut self) -> Graph {
        let (hooks, objects): (Vec<usize>, Vec<usize>) =
            (0..self.actions.len()).partition(|at| self.actions[*at].0.hook().is_some());
        let (wanted, left): (Vec<usize>, Vec<usize>) =
            objects.into_iter().partition(|at| self.object(*at).desired.is_some());
        let hooks = self.lay_hooks(&hooks);
        self.connect_releases();
        wanted.iter().for_each(|at| self.graph.hold(self.ways[&self.object(*at).release].healthy, *at));
        self.lay(Work::Apply, &wanted, &hooks);
        self.lay(Work::Delete, &left, &[]);
        self.graph
    }

    fn object(&self, at: usize) -> &'a ObjectComparison {
        &self.actions[at].1
    }

    /// Lays the hooks of each release around its objects: those of one weight side by side, one weight after the other.
    /// Gives back those that come before the objects of their releases, with their stages.
    fn lay_hooks(&mut self, hooks: &[usize]) -> Vec<(usize, usize)> {
        let mut groups: BTreeMap<(&Arc<str>, Turn), Vec<usize>> = BTreeMap::new();
        for at in hooks.iter().copied() {
            if let Some(hook) = self.actions[at].0.hook().filter(|hook| matches!(hook.does, Does::Run | Does::Remove)) {
                groups.entry((&self.object(at).release, Turn::of(hook))).or_default().push(at);
            }
        }
        let mut early = Vec::new();
        for ((release, turn), steps) in groups {
            let stage = self.graph.add(release, Work::Run, steps.clone());
            let Some(ways) = self.ways.get_mut(release) else { continue };
            let place = match (turn.deletes, turn.phase) {
                (false, Phase::Before) => &mut ways.start,
                (false, Phase::During) => {
                    self.graph.after(stage, ways.start);
                    self.graph.after(ways.healthy, stage);
                    continue;
                }
                (false, Phase::After) => &mut ways.done,
                (true, Phase::Before) => &mut ways.emptying,
                (true, _) => &mut ways.last,
            };
            self.graph.after(stage, *place);
            *place = stage;
            if !turn.deletes && turn.phase == Phase::Before {
                early.extend(steps.into_iter().map(|step| (step, stage)));
            }
        }
        early
    }

    /// A release begins when those that it needs are healthy, and loses objects when those that need it have lost theirs.
    /// One that is not declared any more goes after all that are: who needed it cannot be told.
    fn connect_releases(&mut self) {
        let declared = |name: &str| self.facts.get(name).is_some_and(|it| it.declared);
        let (staying, removed): (Vec<_>, Vec<_>) = self.ways.iter().partition(|(name, _)| declared(name));
        let ends: Vec<usize> = staying.iter().map(|(_, ways)| ways.last).collect();
        let removed: Vec<usize> = removed.iter().map(|(_, ways)| ways.leaving).collect();
        if let Some(settled) = (!removed.is_empty()).then(|| self.graph.join(&ends)).flatten() {
            removed.iter().for_each(|leaving| self.graph.after(*leaving, settled));
        }
        for (name, own) in &self.ways {
            self.graph.after(own.healthy, own.start);
            self.graph.after(own.leaving, own.done);
            self.graph.after(own.end, own.emptying);
            let needs = self.facts.get(name.as_ref()).map(|it| it.needs.as_slice()).unwrap_or_default();
            for need in needs.iter().filter_map(|need| self.ways.get(&Arc::from(need.as_str()))) {
                self.graph.after(own.begin, need.done);
                self.graph.after(need.leaving, own.last);
            }
        }
    }

    /// Lays the stages of what is wanted between the beginning of each release and its health, and those of what left,
    /// the other way round, between its health and its end.
    fn lay(&mut self, work: Work, steps: &[usize], hooks: &[(usize, usize)]) {
        let hoisted = self.hoist(work, steps, hooks);
        for (step, stage) in hooks {
            let containers: Vec<usize> = hoisted.holds(&self.actions[*step].1).collect();
            self.graph.after_all(*stage, containers);
        }
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
                Work::Delete => (ways.emptying, ways.end),
                _ => (ways.start, ways.healthy),
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
    fn hoist(&mut self, work: Work, steps: &[usize], hooks: &[(usize, usize)]) -> Hoisted<'a> {
        let mut users: HashMap<&str, BTreeSet<&'a str>> = HashMap::new();
        let mut kinds: HashMap<&GroupKind, BTreeSet<&'a str>> = HashMap::new();
        let all = || steps.iter().chain(hooks.iter().map(|(at, _)| at)).map(|at| self.object(*at));
        for object in all() {
            if let Some(namespace) = object.id.namespace.as_deref() {
                users.entry(namespace).or_default().insert(&object.release);
            }
            kinds.entry(&object.id.kind).or_default().insert(&object.release);
        }
        let mut hoisted = Hoisted::default();
        for at in steps.iter().copied() {
            let object = self.object(at);
            if is_namespace(&object.id) {
                if self.is_needed_early(object, users.get(object.id.name.as_str()), hooks) {
                    let stage = self.container(work, at, &mut hoisted);
                    hoisted.namespaces.entry(&object.id.name).or_default().push(stage);
                }
            } else if let Some(kind) = defined(object)
                && self.is_needed_early(object, kinds.get(&kind), hooks)
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

    fn is_needed_early(
        &mut self,
        object: &'a ObjectComparison,
        users: Option<&BTreeSet<&'a str>>,
        hooks: &[(usize, usize)],
    ) -> bool {
        let release = &object.release;
        let holds = |hook: &ObjectComparison| {
            hook.id.namespace.as_ref() == Some(&object.id.name) || defined(object).as_ref() == Some(&hook.id.kind)
        };
        if hooks.iter().map(|(at, _)| self.object(*at)).any(|hook| hook.release == *release && holds(hook)) {
            return true;
        }
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
