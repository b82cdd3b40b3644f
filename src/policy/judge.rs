//! A plan under the rules.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{About, Message, Policy, Rule};
use crate::diff::shown;
use crate::impact::{Effect, Impact, impact};
use crate::manifest::ObjectId;
use crate::masked::FingerprintKey;
use crate::plan::{Action, Finding, Plan, Step};
use crate::project::fits;
use crate::report::{self, Listed, Report};
use crate::schema::{Documents, Stuck};

/// What rules know besides the plan.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The cluster, as the environment names it.
    pub cluster: Option<String>,
    /// The commit of the project.
    pub commit: Option<String>,
    /// What the plan is made for: `apply`, `destroy` or `rollback`.
    pub aim: &'static str,
}

/// What the rules find in a plan, in the order of the rules and of the plan. Expressions see sketches in place of
/// secrets.
pub fn judge(policy: &Policy, plan: &Plan, facts: &Facts, key: &FingerprintKey) -> Vec<Finding> {
    let is_meant =
        |rule: &&Rule| rule.environments.is_empty() || rule.environments.iter().any(|it| fits(it, &plan.environment));
    let rules: Vec<&Rule> = policy.rules.iter().filter(is_meant).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let (of_plan, of_objects): (Vec<&Rule>, Vec<&Rule>) =
        rules.into_iter().partition(|it| matches!(it.about, About::Plan));
    let environment =
        json!({"name": plan.environment, "cluster": facts.cluster, "commit": facts.commit, "aim": facts.aim});
    let scope = Documents::default().with("environment", &environment);
    let mut found = Vec::new();
    if !of_plan.is_empty() {
        let whole = Report { plan: plan.clone(), ..Report::default() };
        let scope = scope.inner().with("plan", &report::json(&whole, Listed::default(), key));
        found.extend(of_plan.into_iter().filter_map(|rule| evaluate(rule, &scope, None)));
    }
    if !of_objects.is_empty() {
        found.extend(of_steps(&of_objects, plan, &scope, key));
    }
    found
}

fn of_steps(rules: &[&Rule], plan: &Plan, scope: &Documents, key: &FingerprintKey) -> Vec<Finding> {
    let mut effects: BTreeMap<ObjectId, Vec<Effect>> = BTreeMap::new();
    for effect in impact(plan).effects {
        effects.entry(effect.object.clone()).or_default().push(effect);
    }
    let found = plan.steps.iter().flat_map(|step| {
        let own: Vec<&&Rule> = rules.iter().filter(|rule| concerns(rule, step)).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let scope = documents(step, effects.get(&step.object.id), key)
            .into_iter()
            .fold(scope.inner(), |scope, (name, it)| scope.with(name, &it));
        own.into_iter().filter_map(|rule| evaluate(rule, &scope, Some(step))).collect()
    });
    found.collect()
}

fn concerns(rule: &Rule, step: &Step) -> bool {
    let About::Objects { actions, kinds } = &rule.about else { return false };
    let (action, kind) = (step.action.to_string(), &step.object.id.kind);
    let is_kind = |it: &String| fits(it, &kind.kind) || fits(it, &kind.to_string());
    actions.contains(&action) && (kinds.is_empty() || kinds.iter().any(is_kind))
}

/// What a rule about objects sees.
fn documents(step: &Step, effects: Option<&Vec<Effect>>, key: &FingerprintKey) -> Vec<(&'static str, Json)> {
    let object = step.sent().map(|it| report::json_of_value(&shown(&it.body, key)));
    let live = step.object.live.as_ref().map(|it| report::json_of_value(&it.body));
    let old = match step.action {
        // What is as it is wanted is not kept twice.
        Action::Unchanged => live.or_else(|| object.clone()),
        _ => live,
    };
    let own = Impact { effects: effects.cloned().unwrap_or_default(), ..Impact::default() };
    let mut effects = report::json_of_impact(&own);
    vec![
        ("containers", object.as_ref().map_or_else(|| Json::Array(Vec::new()), containers)),
        ("object", object.unwrap_or_default()),
        ("old", old.unwrap_or_default()),
        ("change", report::json_of_step(step, key)),
        ("impact", effects["effects"].take()),
        ("release", json!({"name": step.object.release.as_ref()})),
    ]
}

/// All containers of the pods that an object is, or makes.
fn containers(object: &Json) -> Json {
    let places = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"];
    let pods = places.into_iter().filter_map(|place| object.pointer(place));
    let Some(pod) = pods.into_iter().find(|pod| pod.get("containers").is_some_and(Json::is_array)) else {
        return Json::Array(Vec::new());
    };
    let lists = ["initContainers", "containers", "ephemeralContainers"].into_iter().filter_map(|it| pod.get(it));
    lists.filter_map(Json::as_array).flatten().cloned().collect()
}

/// What a rule finds; `None` where it is met.
fn evaluate(rule: &Rule, scope: &Documents, step: Option<&Step>) -> Option<Finding> {
    let message = match rule.condition.holds(scope) {
        Ok(false) => return None,
        Ok(true) => match &rule.message {
            Message::Text(text) => text.clone(),
            Message::Expression(program) => program.text(scope).unwrap_or_else(|why| untold("its message", &why)),
        },
        Err(why) => untold("the rule", &why),
    };
    Some(Finding {
        rule: rule.name.clone(),
        ruling: rule.ruling,
        message,
        policy: rule.origin.to_string(),
        object: step.map(|it| it.object.id.clone()),
        release: step.map(|it| it.object.release.to_string()),
    })
}

fn untold(what: &str, why: &Stuck) -> String {
    let advice =
        if matches!(why, Stuck::Missing(_)) { "; `has(...)` and `.?` ask whether a field is there" } else { "" };
    format!("{what} cannot be evaluated: {why}{advice}")
}
