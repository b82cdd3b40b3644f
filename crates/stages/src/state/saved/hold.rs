//! Compares a new plan with a saved one.

use std::collections::{HashMap, HashSet};

use super::mismatch::ProvenStep;
use super::{MismatchCause, PlanMismatch, SavedPlan, proofs};
use crate::manifest::ObjectId;
use crate::manifest::hooks::Point;
use crate::plan::{Action, HookAction, Plan, Step};
use weft_base::masked::FingerprintKey;

/// The part of a new plan that may be applied: exactly what the file says.
#[derive(Debug)]
pub struct ApplicablePlan {
    /// The plan, with nothing to do for what the file leaves alone.
    pub plan: Plan,
    /// The objects that moved, and that the file leaves alone.
    pub elsewhere: Vec<ObjectId>,
}

/// Compares a new plan, of the same selection and with the same guards, with the one of a file.
///
/// The repository must render every object as it did. Every object that the file acts on must be in the state that it was
/// judged by: the same UID, the same values in the fields that we own or would touch, the same owners of the latter, and
/// no apply of it in between. Whatever else changed is left alone.
///
/// # Errors
/// Everything that changed, in the order of the plan.
pub fn hold(saved: &SavedPlan, now: Plan, key: &FingerprintKey) -> Result<ApplicablePlan, Vec<PlanMismatch>> {
    let mut before: HashMap<StepKey<'_>, ProvenStep<'_>> = HashMap::new();
    for (step, proof) in saved.plan.steps.iter().zip(&saved.proofs) {
        before.insert(name(step), ProvenStep { step, proof });
    }
    let mut moved = Vec::new();
    let mut places = Vec::new();
    for (at, (step, proof)) in now.steps.iter().zip(proofs(&now, key)).enumerate() {
        match stands(before.remove(&name(step)), ProvenStep { step, proof: &proof }, key) {
            StepMatch::Same => {}
            StepMatch::Elsewhere => places.push(at),
            StepMatch::Moved(it) => moved.push(*it),
        }
    }
    let left = saved.plan.steps.iter().filter(|step| before.contains_key(&name(step)));
    moved.extend(left.filter_map(left_out));
    if moved.is_empty() { Ok(narrowed(now, &places)) } else { Err(moved) }
}

/// How a step of the new plan stands to the file.
enum StepMatch {
    /// The same is done, or nothing.
    Same,
    /// The file does nothing with the object.
    Elsewhere,
    Moved(Box<PlanMismatch>),
}

fn stands(before: Option<ProvenStep<'_>>, now: ProvenStep<'_>, key: &FingerprintKey) -> StepMatch {
    let step = now.step;
    let moved = |it: PlanMismatch| StepMatch::Moved(Box::new(it));
    let Some(was) = before else {
        return match step.object.desired.is_some() {
            true => moved(PlanMismatch::new(step, MismatchCause::Added)),
            false if is_idle(step) => StepMatch::Same,
            false => StepMatch::Elsewhere,
        };
    };
    match (&was.proof.wanted, &now.proof.wanted) {
        (Some(_), None) => return moved(PlanMismatch::new(step, MismatchCause::Removed)),
        (None, Some(_)) => return moved(PlanMismatch::new(step, MismatchCause::Added)),
        (a, b) if a != b => return moved(PlanMismatch::rendered(was.step, step, key)),
        _ => {}
    }
    match (is_idle(was.step), is_idle(step)) {
        (true, true) => StepMatch::Same,
        (true, false) => StepMatch::Elsewhere,
        (false, _) => PlanMismatch::live(was, now).map_or(StepMatch::Same, moved),
    }
}

/// Why a step of the file has no counterpart any more.
fn left_out(step: &Step) -> Option<PlanMismatch> {
    let desired = step.object.desired.as_ref();
    // A namespace that no file declares is part of a plan only if it does not exist.
    let cause = match desired {
        Some(it) if it.implicit => MismatchCause::Appeared,
        Some(_) => MismatchCause::Removed,
        None => MismatchCause::Dropped,
    };
    (desired.is_some() || !is_idle(step)).then(|| PlanMismatch::new(step, cause))
}

/// The plan without what is to be done at these places.
fn narrowed(mut plan: Plan, places: &[usize]) -> ApplicablePlan {
    let mut elsewhere = Vec::new();
    let places: HashSet<usize> = places.iter().copied().collect();
    for step in plan.steps.iter_mut().enumerate().filter_map(|(at, step)| places.contains(&at).then_some(step)) {
        if let Action::Hook(hook) = &mut step.action {
            // What the file does not run stays as it was seen.
            hook.does = HookAction::Rest;
            if let Some(course) = plan.hooks.get_mut(&step.object.release) {
                course.wanted.retain(|it| it.hook.object.id != hook.of);
            }
            elsewhere.push(step.object.id.clone());
            continue;
        }
        step.action = Action::Unchanged;
        step.object.fields.clear();
        step.was = None;
        elsewhere.push(step.object.id.clone());
    }
    let ids: HashSet<&ObjectId> = elsewhere.iter().collect();
    plan.refusals.retain(|it| it.object().is_none_or(|id| !ids.contains(id)));
    plan.findings.retain(|it| it.object.as_ref().is_none_or(|id| !ids.contains(id)));
    ApplicablePlan { plan, elsewhere }
}

/// What a step is about: an object, or a hook at a point.
type StepKey<'a> = (&'a str, &'a ObjectId, Option<Point>);

fn name(step: &Step) -> StepKey<'_> {
    (&step.object.release, &step.object.id, step.action.hook().map(|hook| hook.point))
}

fn is_idle(step: &Step) -> bool {
    !step.action.is_pending()
}
