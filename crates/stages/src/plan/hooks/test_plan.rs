//! The plan of `weft test`: hooks that run one after another, and nothing else.

use std::collections::BTreeMap;

use super::{HookAction, step};
use crate::manifest::Hook;
use crate::manifest::hooks::{Occasion, Phase, Point};
use crate::plan::{Plan, Stage, Step, Work};

/// The plan that runs these tests of an environment, as Helm orders them: by weight, then by name. Those of a release
/// come behind each other.
pub fn test_plan(environment: &str, mut hooks: Vec<Hook>) -> Plan {
    hooks.sort_by(|a, b| {
        let key = |it: &Hook| (it.terms.weight, it.object.id.name.clone());
        a.object.release.cmp(&b.object.release).then_with(|| key(a).cmp(&key(b)))
    });
    let point = Point { occasion: Occasion::Test, phase: Phase::During };
    let steps = hooks.iter().map(|hook| {
        let (action, object) = step(hook, HookAction::Run, point, "it is tested".to_owned());
        Step { action, wave: 0, object, was: None }
    });
    let steps: Vec<Step> = steps.collect();
    let stage = |(at, step): (usize, &Step)| {
        let release = step.object.release.clone();
        let is_after = at.checked_sub(1).filter(|before| steps[*before].object.release == release);
        Stage { release, work: Work::Run, steps: vec![at], after: is_after.into_iter().collect() }
    };
    let stages = steps.iter().enumerate().map(stage).collect();
    let hooks = BTreeMap::new();
    let policies = BTreeMap::new();
    Plan { environment: environment.to_owned(), steps, stages, hooks, policies, ..Plan::default() }
}
