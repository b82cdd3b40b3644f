//! Orders a plan into stages: releases by `needs`, objects within a release by their dependencies, deletions in
//! reverse.
//!
//! A release is applied rank by rank and then waited for; the releases that need it follow. Its objects are deleted
//! once it and everything that needs it are healthy. The nodes of the graph are groups of objects; an object is a node
//! of its own only if others depend on it by name. So the number of edges grows with the number of releases, not with
//! their size.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::depends::{Depends, wave};
use super::graph::{Graph, waves};
use super::hooks::{HookTurn, is_last};
use super::order::{defined, is_namespace};
use super::positions::{Position, positions};
use super::{Action, Refusal, ReleaseFacts, Stage, Step, Work};
use crate::diff::ObjectComparison;
use crate::manifest::hooks::Phase;
use weft_schema::GroupKind;

type Actions = [(Action, ObjectComparison)];

/// The steps of a plan in order.
pub(super) struct OrderedSteps {
    pub(super) steps: Vec<Step>,
    pub(super) stages: Vec<Stage>,
    /// Circular dependencies.
    pub(super) refusals: Vec<Refusal>,
}

/// Puts actions in order.
pub(super) fn staged(mut actions: Vec<(Action, ObjectComparison)>, releases: &[ReleaseFacts]) -> OrderedSteps {
    actions.sort_by(|(_, a), (_, b)| (&a.release, &a.id).cmp(&(&b.release, &b.id)));
    let wanted = Depends::from_actions(&actions, true, releases);
    let left = Depends::from_actions(&actions, false, releases);
    let (mut stages, circles) = StageBuilder::new(&actions, releases).build(&wanted, &left).sorted();
    let circles = circles.iter().filter(|circle| circle.iter().all(|stage| stage.work != Work::Delete));
    let circles = circles.map(|circle| Refusal::Circle { path: path(circle, &actions) });
    let refusals = wanted.refusals.into_iter().chain(circles).collect();
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
    OrderedSteps { steps: steps.into_iter().map(|(_, step)| step).collect(), stages, refusals }
}

/// What goes round in a circle, in words: a stage of one object is that object, any other its release.
fn path(circle: &[Stage], actions: &Actions) -> Vec<String> {
    let word = |stage: &Stage| match stage.steps.as_slice() {
        [only] => format!("`{}`", actions[*only].1.id),
        _ => format!("the release `{}`", stage.release),
    };
    let mut words: Vec<String> = circle.iter().map(word).collect();
    let first = words.iter().enumerate().min_by_key(|(_, word)| *word).map_or(0, |(at, _)| at);
    words.rotate_left(first);
    words.extend(words.first().cloned());
    words.dedup();
    if words.len() == 1 {
        // The stage comes after itself.
        words.extend(words.first().cloned());
    }
    words
}

/// The stages that every release has, with or without steps.
struct ReleaseStages {
    /// Everything it needs is there.
    begin: usize,
    /// The hooks before its objects have run.
    start: usize,
    /// It is healthy.
    healthy: usize,
    /// The hooks after its objects have run.
    done: usize,
    /// Its removed objects may go, since everything that needs it has changed.
    leaving: usize,
    /// The hooks before its deletions have run.
    emptying: usize,
    /// Its removed objects are gone.
    end: usize,
    /// The hooks after its deletions have run, and their leftovers are gone.
    last: usize,
}

/// A container that others need before their own turn: it goes first, whatever release it is in.
#[derive(Default)]
struct HoistedContainers<'a> {
    /// By step, its stage.
    steps: HashMap<usize, usize>,
    /// By step that keeps its turn, the wave in which its own release uses it, if that is earlier.
    first_used: HashMap<usize, i64>,
    namespaces: HashMap<&'a str, Vec<usize>>,
    kinds: HashMap<GroupKind, Vec<usize>>,
}

/// The wave of hooks that come before all objects.
const EARLY: i64 = i64::MIN;

/// By release, the first wave in which it uses something.
type FirstUses<'a> = BTreeMap<&'a str, i64>;

/// What goes into one stage: the steps of a release at a position that depend on the same other steps.
type StageKey<'a, 'd> = (&'a Arc<str>, Position, &'d [usize]);

/// By step, the stage that it was put into, and the one that waits for its wave.
struct StageAssignment {
    stages: HashMap<usize, usize>,
    waits: HashMap<usize, usize>,
}

struct StageBuilder<'a> {
    actions: &'a Actions,
    facts: BTreeMap<&'a str, &'a ReleaseFacts>,
    graph: Graph,
    ways: BTreeMap<&'a Arc<str>, ReleaseStages>,
    /// By release, those that need it, through others too.
    dependants: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> StageBuilder<'a> {
    fn new(actions: &'a Actions, releases: &'a [ReleaseFacts]) -> Self {
        let mut graph = Graph::default();
        let names: BTreeSet<&Arc<str>> =
            releases.iter().map(|it| &it.name).chain(actions.iter().map(|(_, it)| &it.release)).collect();
        let mut ways = |name: &'a Arc<str>| {
            let mut add = |work| graph.add(name, work, Vec::new());
            let begin = add(Work::Apply);
            let healthy = add(Work::Wait);
            let leaving = add(Work::Delete);
            let end = add(Work::Delete);
            (
                name,
                ReleaseStages {
                    begin,
                    start: begin,
                    healthy,
                    done: healthy,
                    leaving,
                    emptying: leaving,
                    end,
                    last: end,
                },
            )
        };
        let ways = names.into_iter().map(&mut ways).collect();
        let facts = releases.iter().map(|it| (it.name.as_ref(), it)).collect();
        Self { actions, facts, graph, ways, dependants: HashMap::new() }
    }

    fn build(mut self, wanted: &Depends, left: &Depends) -> Graph {
        let early = self.lay_hooks();
        self.connect_releases();
        for at in &wanted.steps {
            self.graph.hold(self.ways[&self.object(*at).release].healthy, *at);
        }
        self.lay(Work::Apply, wanted, &early);
        self.lay(Work::Delete, left, &BTreeMap::new());
        self.graph
    }

    fn object(&self, at: usize) -> &'a ObjectComparison {
        &self.actions[at].1
    }

    /// Lays the hooks of each release around its objects: those of one weight side by side, one weight after the other.
    /// Gives back those that come before all objects, with their stages.
    fn lay_hooks(&mut self) -> BTreeMap<usize, usize> {
        let mut groups: BTreeMap<(&Arc<str>, HookTurn), Vec<usize>> = BTreeMap::new();
        for (at, (action, object)) in self.actions.iter().enumerate() {
            if let Some(turn) = action.hook().and_then(HookTurn::for_hook) {
                groups.entry((&object.release, turn)).or_default().push(at);
            }
        }
        let mut early = BTreeMap::new();
        for ((release, turn), steps) in groups {
            if turn.is_early() {
                early.extend(steps.iter().map(|step| (*step, self.graph.len())));
            }
            let stage = self.graph.add(release, Work::Run, steps);
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
        }
        early
    }

    /// A release begins when those that it needs are healthy, and loses objects when those that need it have lost theirs.
    /// A release that is no longer declared goes after all that are, because who needed it is unknown.
    fn connect_releases(&mut self) {
        let declared = |name: &str| self.facts.get(name).is_some_and(|it| it.declared);
        let (staying, removed): (Vec<_>, Vec<_>) = self.ways.iter().partition(|(name, _)| declared(name));
        let ends: Vec<usize> = staying.iter().map(|(_, ways)| ways.last).collect();
        let removed: Vec<usize> = removed.iter().map(|(_, ways)| ways.leaving).collect();
        if let Some(settled) = (!removed.is_empty()).then(|| self.graph.join(&ends)).flatten() {
            for leaving in removed {
                self.graph.after(leaving, settled);
            }
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
    /// the other way round, between its leaving and its end.
    fn lay(&mut self, work: Work, depends: &Depends, hooks: &BTreeMap<usize, usize>) {
        let hoisted = self.hoist(work, &depends.steps, hooks);
        for (step, stage) in hooks {
            self.graph.after_all(*stage, hoisted.holds(&self.actions[*step].1));
        }
        let positions = positions(self.actions, &depends.steps, &depends.first, &hoisted.first_used);
        let mut groups: BTreeMap<StageKey<'a, '_>, Vec<usize>> = BTreeMap::new();
        for at in depends.steps.iter().copied().filter(|at| !hoisted.steps.contains_key(at)) {
            let first = depends.first.get(&at).map(Vec::as_slice).unwrap_or_default();
            groups.entry((&self.object(at).release, positions[&at], first)).or_default().push(at);
        }
        let mut groups: Vec<(StageKey<'a, '_>, Vec<usize>)> = groups.into_iter().collect();
        if work == Work::Delete {
            groups.reverse();
        }
        let mut laid = StageAssignment { stages: hoisted.steps.clone(), waits: HashMap::new() };
        for groups in groups.chunk_by(|((a, ..), _), ((b, ..), _)| a == b) {
            self.chain(work, groups, &hoisted, &mut laid);
        }
        let mut healthy = BTreeMap::new();
        for (at, first) in depends.first.iter().flat_map(|(at, first)| first.iter().map(move |first| (*at, *first))) {
            if work == Work::Delete {
                self.graph.after(laid.stages[&first], laid.stages[&at]);
            } else {
                let wait = *healthy.entry(first).or_insert_with(|| self.health_of(first, &laid));
                self.graph.after(laid.stages[&at], wait);
            }
        }
    }

    /// The groups of a release, one position after the other; between two waves what was applied becomes healthy.
    fn chain(
        &mut self,
        work: Work,
        groups: &[(StageKey<'a, '_>, Vec<usize>)],
        hoisted: &HoistedContainers<'a>,
        laid: &mut StageAssignment,
    ) {
        let Some(&((release, ..), _)) = groups.first() else { return };
        let ReleaseStages { start, healthy, emptying, end, .. } = self.ways[release];
        let (mut last, to) = if work == Work::Delete { (emptying, end) } else { (start, healthy) };
        let mut before: Option<&[(StageKey<'a, '_>, Vec<usize>)]> = None;
        for wave in groups.chunk_by(|((_, a, _), _), ((_, b, _), _)| a.wave == b.wave) {
            if work == Work::Apply
                && let Some(before) = before
            {
                let steps: Vec<usize> = before.iter().flat_map(|(_, steps)| steps.clone()).collect();
                let wait = self.graph.add(release, Work::Wait, steps.clone());
                self.graph.after(wait, last);
                laid.waits.extend(steps.into_iter().map(|step| (step, wait)));
                last = wait;
            }
            for groups in wave.chunk_by(|((_, a, _), _), ((_, b, _), _)| a == b) {
                let stages: Vec<usize> =
                    groups.iter().map(|(_, steps)| self.stage(work, release, steps, last, hoisted, laid)).collect();
                last = self.graph.join(&stages).unwrap_or(last);
            }
            before = Some(wave);
        }
        self.graph.after(to, last);
    }

    /// A stage of a release, after the one before and after the containers of its objects.
    fn stage(
        &mut self,
        work: Work,
        release: &Arc<str>,
        steps: &[usize],
        last: usize,
        hoisted: &HoistedContainers<'a>,
        laid: &mut StageAssignment,
    ) -> usize {
        let containers: BTreeSet<usize> = steps.iter().flat_map(|at| hoisted.holds(&self.actions[*at].1)).collect();
        let stage = self.graph.add(release, work, steps.to_vec());
        laid.stages.extend(steps.iter().map(|step| (*step, stage)));
        self.graph.after(stage, last);
        for container in containers {
            let (later, first) = if work == Work::Delete { (container, stage) } else { (stage, container) };
            self.graph.after(later, first);
        }
        stage
    }

    /// The stage that waits for the health of one object, on which others depend; what waits for its release or its wave
    /// comes after it.
    fn health_of(&mut self, at: usize, laid: &StageAssignment) -> usize {
        let release = &self.object(at).release;
        let wait = self.graph.add(release, Work::Wait, vec![at]);
        self.graph.after(wait, laid.stages[&at]);
        self.graph.after(laid.waits.get(&at).copied().unwrap_or(self.ways[release].healthy), wait);
        wait
    }

    /// Gives a stage of its own to each namespace and definition that is used by a release which does not come after its
    /// own, or by a hook.
    fn hoist(&mut self, work: Work, steps: &[usize], hooks: &BTreeMap<usize, usize>) -> HoistedContainers<'a> {
        let mut namespaces: HashMap<&str, FirstUses<'a>> = HashMap::new();
        let mut kinds: HashMap<&GroupKind, FirstUses<'a>> = HashMap::new();
        let hooks = hooks.keys().map(|at| (self.object(*at), EARLY));
        let objects = steps.iter().map(|at| (self.object(*at), wave(self.object(*at)).unwrap_or(0)));
        for (object, wave) in objects.chain(hooks) {
            let of_namespace = object.id.namespace.as_deref().map(|name| namespaces.entry(name).or_default());
            for users in of_namespace.into_iter().chain([kinds.entry(&object.id.kind).or_default()]) {
                let first = users.entry(&object.release).or_insert(wave);
                *first = wave.min(*first);
            }
        }
        let mut hoisted = HoistedContainers::default();
        for at in steps.iter().copied() {
            let object = self.object(at);
            let kind = defined(object);
            let users = match &kind {
                None if is_namespace(&object.id) => namespaces.get(object.id.name.as_str()),
                None => None,
                Some(kind) => kinds.get(kind),
            };
            let Some(users) = users else { continue };
            let hooked = users.get(&*object.release) == Some(&EARLY);
            if !hooked && !self.is_needed_early(&object.release, users) {
                let earlier = users.get(&*object.release).filter(|first| **first < wave(object).unwrap_or(0));
                hoisted.first_used.extend(earlier.map(|first| (at, *first)));
                continue;
            }
            let stage = self.container(work, at);
            hoisted.steps.insert(at, stage);
            match kind {
                Some(kind) => hoisted.kinds.entry(kind).or_default().push(stage),
                None => hoisted.namespaces.entry(&object.id.name).or_default().push(stage),
            }
        }
        hoisted
    }

    fn container(&mut self, work: Work, at: usize) -> usize {
        let release = &self.object(at).release;
        let stage = self.graph.add(release, work, vec![at]);
        let ways = &self.ways[release];
        let (later, first) = if work == Work::Delete { (stage, ways.healthy) } else { (ways.begin, stage) };
        self.graph.after(later, first);
        stage
    }

    fn is_needed_early(&mut self, release: &'a Arc<str>, users: &FirstUses<'a>) -> bool {
        if users.keys().all(|user| **user == **release) {
            return false;
        }
        let facts = &self.facts;
        let dependants = self.dependants.entry(release).or_insert_with(|| dependants(release, facts));
        users.keys().any(|user| **user != **release && !dependants.contains(user))
    }
}

impl HoistedContainers<'_> {
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
    let mut found = BTreeSet::new();
    let mut open = vec![release];
    while let Some(next) = open.pop() {
        let new = needed_by.get(next).into_iter().flatten().filter(|name| found.insert(**name));
        open.extend(new.collect::<Vec<_>>());
    }
    found
}
