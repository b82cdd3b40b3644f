//! Turns verdicts into actions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::deletions::Deletions;
use super::holders::Holders;
use super::prune::{self, Gates};
use super::stages::{self, OrderedSteps};
use super::{
    Action, Guards, Plan, PlanContext, Refusal, ReleaseFacts, Step, conflict, hooks, immutable, neighbours, relations,
    replace,
};
use crate::diff::{Class, Comparison, Judged, ObjectComparison, Verdict};
use crate::project::Prune;

/// Plans what an apply would do. `releases` holds the facts of all releases of the environment, selected or not, and
/// of those that only an inventory knows; a release without facts loses no object.
pub fn plan(environment: &str, comparison: Comparison, releases: &[ReleaseFacts], guards: &Guards) -> Plan {
    let holders = Holders::for_objects(comparison.objects.iter().map(|object| &object.id), releases);
    let gates = Gates::new(&comparison, releases, &holders, guards);
    let around = PlanContext::new(releases, &comparison.residents);
    let actions: Vec<Action> = comparison.objects.iter().map(|object| action(object, &gates, &around)).collect();
    let mut actions: Vec<(Action, ObjectComparison)> = actions.into_iter().zip(comparison.objects).collect();
    prune::spare_containers(&mut actions, &around);
    let courses = if guards.orphan.is_none() { hooks::plan(&mut actions, releases) } else { BTreeMap::new() };
    let OrderedSteps { mut steps, stages, refusals: disorder } = stages::staged(actions, releases);
    relations::relate(&mut steps, &holders);
    let mut refusals = refusals(environment, &steps, &around, guards);
    refusals.extend(disorder);
    let policies = policies(&steps, releases);
    Plan {
        environment: environment.to_owned(),
        steps,
        stages,
        hooks: courses,
        policies,
        rewrites: BTreeMap::new(),
        refusals,
        findings: Vec::new(),
    }
}

/// What the inventories of the run's releases do not say yet about what leaves them.
fn policies(steps: &[Step], releases: &[ReleaseFacts]) -> BTreeMap<String, Prune> {
    let news = releases.iter().filter(|it| it.declared && it.prune != it.kept_prune);
    let news: HashMap<&Arc<str>, &ReleaseFacts> = news.map(|it| (&it.name, it)).collect();
    let policy = |step: &Step| {
        let release = *news.get(&step.object.release)?;
        let has_object = wants(step) || release.inventory.contains(&step.object.id);
        has_object.then(|| (release.name.to_string(), release.prune))
    };
    if news.is_empty() { BTreeMap::new() } else { steps.iter().filter_map(policy).collect() }
}

/// Whether the repository has the object of a step: the namespace made for a release does not count.
fn wants(step: &Step) -> bool {
    step.object.desired.as_ref().is_some_and(|desired| !desired.implicit)
}

fn action(object: &ObjectComparison, gates: &Gates, around: &PlanContext<'_>) -> Action {
    match &object.verdict {
        Verdict::Create => Action::Create,
        Verdict::Unchanged => Action::Unchanged,
        Verdict::Update => match update(object) {
            Action::Update => replaced(object, around).unwrap_or(Action::Update),
            other => other,
        },
        Verdict::Leftover => gates.judge(object),
        Verdict::Gone => Action::Forget { reason: "it is gone".into() },
        Verdict::Unknown(why) => Action::Unknown { reason: why.reason.clone() },
    }
}

/// An object that has to be recreated. One that holds data or other objects never is.
fn replaced(object: &ObjectComparison, around: &PlanContext<'_>) -> Option<Action> {
    let fixed = immutable::immutable(object);
    if fixed.is_empty() || !replace::replaceable(object) {
        return None;
    }
    let owned = replace::owned(object);
    Some(Action::Recreate { reason: replace::reason(&fixed, owned), loses: replace::loses(object, around), owned })
}

/// An object with only ignored changes is as it should be; if everything else about it is unknown, so is the object.
fn update(object: &ObjectComparison) -> Action {
    if object.adopts.is_some() {
        return Action::Update;
    }
    let mut counted = object.fields.iter().filter(|change| !matches!(change.class, Class::Ignored(_))).peekable();
    if counted.peek().is_none() && !object.fields.is_empty() {
        return Action::Unchanged;
    }
    let reasons: Option<Vec<&str>> = counted
        .map(|change| match &change.class {
            Class::Unknown(reason) => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    match reasons.as_deref() {
        Some([reason, ..]) => Action::Unknown { reason: (*reason).to_owned() },
        Some([]) | None => Action::Update,
    }
}

fn refusals(environment: &str, steps: &[Step], around: &PlanContext<'_>, guards: &Guards) -> Vec<Refusal> {
    let releases = around.releases;
    let sets: HashSet<&str> = releases.iter().map(|release| release.set.as_str()).collect();
    let written = |step: &&Step| step.action.is_write();
    let of_objects = steps.iter().filter(written).flat_map(|step| {
        let object = &step.object;
        let foreign = conflict::foreign_set(object, &sets);
        let mut fixed = fixed(step, around, guards).into_iter().peekable();
        let remade = matches!(step.action, Action::Recreate { .. });
        // What the server says about a field that cannot change is the same refusal once more.
        let server = if remade || fixed.peek().is_some() { None } else { refused(object) };
        let invalid = invalid(object, remade);
        foreign
            .into_iter()
            .chain(conflict::conflicts(object, around.release(&object.release), guards))
            .chain(fixed)
            .chain(server)
            .chain(invalid)
            .chain(neighbours::refusals(step))
    });
    let deletions = Deletions::new(environment, steps);
    deletions.refusals(releases, steps, guards).into_iter().chain(of_objects).collect()
}

/// Changes that need a recreation which nobody has allowed.
fn fixed(step: &Step, around: &PlanContext<'_>, guards: &Guards) -> Vec<Refusal> {
    let object = &step.object;
    let id = || object.id.clone();
    match &step.action {
        Action::Recreate { .. } if replace::allowed(object, around.release(&object.release), guards) => Vec::new(),
        Action::Recreate { reason, loses, .. } => {
            vec![Refusal::Replace { id: id(), reason: reason.clone(), loses: loses.clone() }]
        }
        Action::Update => {
            let stored = immutable::lost_version(object).map(|version| Refusal::StoredVersion { id: id(), version });
            let loses = replace::loses(object, around);
            let refuse = |path: weft_base::value::Path| Refusal::Immutable {
                id: id(),
                path: path.to_string(),
                loses: loses.clone(),
            };
            immutable::immutable(object).into_iter().map(refuse).chain(stored).collect()
        }
        _ => Vec::new(),
    }
}

/// The refusals by validation. A recreated object has no history that it must agree with. The server's refusal does not
/// cover such an object, but what is wrong with it must be known before the old one is deleted.
pub(super) fn invalid(object: &ObjectComparison, remade: bool) -> impl Iterator<Item = Refusal> + '_ {
    let counts = remade || !matches!(object.judged, Judged::Refused(_));
    let violations = object.violations.iter().filter(move |it| counts && !it.immutable && !(remade && it.transition));
    violations.map(|it| Refusal::Invalid {
        id: object.id.clone(),
        path: it.path.to_string(),
        rule: it.rule.clone(),
        message: it.message.clone(),
    })
}

pub(super) fn refused(object: &ObjectComparison) -> Option<Refusal> {
    match &object.judged {
        Judged::Refused(message) => Some(Refusal::Server { id: object.id.clone(), message: message.clone() }),
        _ => None,
    }
}
