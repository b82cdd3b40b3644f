//! The part of a plan that only undoes what others did.

use std::collections::{BTreeMap, HashSet};

use crate::diff::{self, Class, FieldChange};
use crate::manifest::ObjectId;
use crate::plan::{Action, Plan, Stage, Step};
use weft_base::masked::FingerprintKey;

/// A plan that corrects, and what it leaves.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The plan: steps of drifted objects alone, in the order of the whole.
    pub plan: Plan,
    /// The drifted objects that it leaves, with the reason.
    pub left: Vec<(ObjectId, &'static str)>,
}

/// Takes the steps out of a plan that bring drifted objects back to what was applied. An object that the repository
/// changes as well is left: putting it back would roll that out. Nothing is deleted, and no hook runs.
pub fn correction(plan: &Plan, key: &FingerprintKey) -> Correction {
    let drifted = plan.steps.iter().enumerate().filter(|(_, step)| step.is_drift());
    let mut kept = Vec::new();
    let mut left = Vec::new();
    for (at, step) in drifted {
        match obstacle(step, key) {
            None => kept.push(at),
            Some(reason) => left.push((step.object.id.clone(), reason)),
        }
    }
    let places: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let stage = |stage: &Stage| Stage {
        steps: stage.steps.iter().filter_map(|at| places.get(at).copied()).collect(),
        ..stage.clone()
    };
    let steps: Vec<Step> = kept.iter().filter_map(|at| plan.steps.get(*at)).cloned().collect();
    let ids: HashSet<&ObjectId> = steps.iter().map(|step| &step.object.id).collect();
    let meant = |id: &ObjectId| ids.contains(id);
    let refusals = plan.refusals.iter().filter(|refusal| refusal.object().is_some_and(meant)).cloned().collect();
    let stages = plan.stages.iter().map(stage).collect();
    Correction {
        plan: Plan { environment: plan.environment.clone(), steps, stages, refusals, ..Plan::default() },
        left,
    }
}

/// Why an object is not put back.
fn obstacle(step: &Step, key: &FingerprintKey) -> Option<&'static str> {
    const CHANGED: &str = "the repository changes it too: apply that";
    let object = &step.object;
    match &step.action {
        Action::Create => {
            let desired = object.desired.as_ref()?;
            let applied = object.recorded.as_ref()?;
            (diff::digest(&desired.body, key) != applied.desired).then_some(CHANGED)
        }
        Action::Update | Action::Recreate { .. } if object.adopts.is_some() => {
            Some("it is managed by another tool too")
        }
        Action::Update | Action::Recreate { .. } => {
            let foreign = |change: &FieldChange| change.drifted && change.class == Class::Drift;
            let undecided = |change: &&FieldChange| change.changes() || matches!(change.class, Class::Unknown(_));
            let all = object.fields.iter().filter(undecided).all(foreign);
            (!all).then_some(CHANGED)
        }
        _ => Some("it cannot be put back"),
    }
}
