//! The graph of stages under construction: each stage and those it comes after.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use super::{Stage, Work};

/// Each node behind all that it comes after; `None` if there is a circle.
pub(super) fn topological(after: &BTreeMap<usize, Vec<usize>>) -> Option<Vec<usize>> {
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, first) in after {
        *open.entry(*node).or_default() += first.len();
        for first in first {
            open.entry(*first).or_default();
            next.entry(*first).or_default().push(*node);
        }
    }
    let mut ready: Vec<usize> = open.iter().filter(|(_, open)| **open == 0).map(|(node, _)| *node).collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for later in next.remove(&node).into_iter().flatten() {
            let open = open.entry(later).or_default();
            *open -= 1;
            if *open == 0 {
                ready.push(later);
            }
        }
    }
    (order.len() == open.len()).then_some(order)
}

/// Stages in any order. The predecessors of each are a set, so an edge may be added twice.
#[derive(Default)]
pub(super) struct Graph {
    stages: Vec<Stage>,
    after: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// Adds a stage; one without steps is a place where ways meet.
    pub(super) fn add(&mut self, release: &Arc<str>, work: Work, steps: Vec<usize>) -> usize {
        self.stages.push(Stage { release: Arc::clone(release), work, steps, after: Vec::new() });
        self.after.push(BTreeSet::new());
        self.stages.len() - 1
    }

    /// How many stages there are.
    pub(super) fn len(&self) -> usize {
        self.stages.len()
    }

    /// Puts a step into a stage.
    pub(super) fn hold(&mut self, stage: usize, step: usize) {
        self.stages[stage].steps.push(step);
    }

    /// Says that a stage comes after another.
    pub(super) fn after(&mut self, stage: usize, first: usize) {
        self.after[stage].insert(first);
    }

    /// Says that a stage comes after all of these.
    pub(super) fn after_all(&mut self, stage: usize, first: impl IntoIterator<Item = usize>) {
        self.after[stage].extend(first);
    }

    /// One stage that is done when all of these are, so that many before many are as many edges as stages.
    pub(super) fn join(&mut self, stages: &[usize]) -> Option<usize> {
        let first = *stages.first()?;
        if stages.len() == 1 {
            return Some(first);
        }
        let release = Arc::clone(&self.stages[first].release);
        let work = self.stages[first].work;
        let meeting = self.add(&release, work, Vec::new());
        self.after_all(meeting, stages.iter().copied());
        Some(meeting)
    }

    /// The stages with each behind all that it comes after, and otherwise in the order in which they were added; beside
    /// them the circles, each stage of one after the next one. Stages in a circle lose what they would wait for.
    pub(super) fn sorted(self) -> (Vec<Stage>, Vec<Vec<Stage>>) {
        let (order, circles) = self.order();
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, stage)| places[*stage] = place);
        let circle = |circle: Vec<usize>| circle.into_iter().map(|at| self.stages[at].clone()).collect();
        let circles = circles.into_iter().map(circle).collect();
        let stages = order.iter().enumerate().map(|(place, at)| {
            let after = self.after[*at].iter().map(|first| places[*first]).filter(|first| *first < place);
            let after: BTreeSet<usize> = after.collect();
            Stage { after: after.into_iter().collect(), ..self.stages[*at].clone() }
        });
        (stages.collect(), circles)
    }

    fn order(&self) -> (Vec<usize>, Vec<Vec<usize>>) {
        let mut open: Vec<usize> = self.after.iter().map(BTreeSet::len).collect();
        let mut next = vec![Vec::new(); open.len()];
        for (stage, after) in self.after.iter().enumerate() {
            for first in after {
                next[*first].push(stage);
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> = (0..open.len()).filter(|at| open[*at] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(open.len());
        let mut done = vec![false; open.len()];
        let mut circles = Vec::new();
        while order.len() < open.len() {
            let Some(Reverse(stage)) = ready.pop() else {
                let circle = self.circle(&done);
                ready.extend(circle.first().copied().map(Reverse));
                circles.push(circle);
                continue;
            };
            if std::mem::replace(&mut done[stage], true) {
                continue;
            }
            order.push(stage);
            for later in &next[stage] {
                open[*later] -= 1;
                if open[*later] == 0 && !done[*later] {
                    ready.push(Reverse(*later));
                }
            }
        }
        (order, circles)
    }

    /// From a stage that is not done to one that it comes after, until one comes again.
    fn circle(&self, done: &[bool]) -> Vec<usize> {
        let mut way: Vec<usize> = done.iter().position(|done| !done).into_iter().collect();
        while let Some(next) = way.last().and_then(|at| self.after[*at].iter().find(|first| !done[**first])) {
            if let Some(start) = way.iter().position(|at| at == next) {
                return way.split_off(start);
            }
            way.push(*next);
        }
        way
    }
}

/// By step, how many stages with steps have to be done before its own, at the longest. `stages` are sorted.
pub(super) fn waves(stages: &[Stage], steps: usize) -> Vec<usize> {
    let mut waves = vec![0; steps];
    let mut depths: Vec<usize> = Vec::with_capacity(stages.len());
    for stage in stages {
        let depth = stage.after.iter().map(|first| depths[*first]).max().unwrap_or(0);
        let does = stage.work != Work::Wait && !stage.steps.is_empty();
        if does {
            stage.steps.iter().for_each(|step| waves[*step] = depth);
        }
        depths.push(depth + usize::from(does));
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[&[usize]]) -> Graph {
        let mut graph = Graph::default();
        for at in 0..edges.len() {
            graph.add(&Arc::from("r"), Work::Apply, vec![at]);
        }
        edges.iter().enumerate().for_each(|(at, after)| graph.after_all(at, after.iter().copied()));
        graph
    }

    fn steps(stages: &[Stage]) -> Vec<usize> {
        stages.iter().flat_map(|stage| stage.steps.clone()).collect()
    }

    #[test]
    fn stages_come_behind_what_they_come_after_and_else_as_they_were_added() {
        let (stages, circles) = graph(&[&[2], &[], &[3], &[], &[0, 1]]).sorted();
        assert_eq!((steps(&stages), circles), (vec![1, 3, 2, 0, 4], Vec::new()));
        assert_eq!(waves(&stages, 5), [2, 0, 1, 0, 3]);
    }

    #[test]
    fn a_circle_is_found_and_the_rest_stays_in_order() {
        let (stages, circles) = graph(&[&[], &[2, 0], &[3], &[1], &[3]]).sorted();
        assert_eq!(circles.iter().map(|it| steps(it)).collect::<Vec<_>>(), [[1, 2, 3]]);
        assert_eq!(steps(&stages), [0, 1, 3, 2, 4]);
        assert!(stages.iter().enumerate().all(|(at, stage)| stage.after.iter().all(|first| *first < at)));
    }

    #[test]
    fn two_circles_end_too() {
        let (stages, circles) = graph(&[&[1], &[0], &[3], &[2]]).sorted();
        let circles: Vec<_> = circles.iter().map(|it| steps(it)).collect();
        assert_eq!((stages.len(), circles), (4, vec![vec![0, 1], vec![2, 3]]));
    }
}
