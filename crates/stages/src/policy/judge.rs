//! Judges a plan, or objects without a plan, by the rules.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value as Json, json};

use super::{Message, Policy, PolicyRule, RuleScope};
use crate::diff::shown;
use crate::impact::{Effect, Impact, impact};
use crate::manifest::{Object, ObjectId};
use crate::plan::{Action, Finding, Plan, Step};
use crate::project::fits;
use crate::report::{self, ListOptions, Report};
use weft_base::masked::FingerprintKey;
use weft_base::value::Origin;
use weft_schema::{Documents, GroupKind, Stuck};

/// What only a cluster tells of an environment.
const CLUSTER: &str = "environment.cluster";

/// What rules know besides the plan.
#[derive(Clone, Debug, Default)]
pub struct PolicyFacts {
    /// The cluster, as the environment names it; `None` if none is asked.
    pub cluster: Option<String>,
    /// The commit of the project.
    pub commit: Option<String>,
    /// What the plan is made for: `apply`, `destroy` or `rollback`.
    pub aim: &'static str,
}

/// What comes of judging.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// What the rules find, in the order of the rules and of the plan.
    pub findings: Vec<Finding>,
    /// The rules that were not judged.
    pub unjudged: Vec<UnjudgedRule>,
}

/// A rule that reads what is not known here, so that it is neither met nor broken.
#[derive(Clone, Debug, PartialEq)]
pub struct UnjudgedRule {
    /// The rule's name.
    pub rule: String,
    /// Where the rule is written.
    pub policy: Origin,
    /// Why it was not judged.
    pub why: String,
}

impl fmt::Display for UnjudgedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The rule `{}` ({}) was not judged: {}.", self.rule, self.policy, self.why)
    }
}

/// Judges a plan. Expressions see sketches in place of secrets.
pub fn judge(policy: &Policy, plan: &Plan, facts: &PolicyFacts, key: &FingerprintKey) -> Judgement {
    let (rules, unjudged) = split(policy, &plan.environment, |rule| without_cluster(rule, facts));
    let (of_plan, of_objects): (Vec<&PolicyRule>, Vec<&PolicyRule>) =
        rules.into_iter().partition(|it| matches!(it.about, RuleScope::Plan));
    let scope = Documents::default().with("environment", &environment(&plan.environment, facts));
    let mut findings = Vec::new();
    if !of_plan.is_empty() {
        let whole = Report { plan: plan.clone(), ..Report::default() };
        let scope = scope.inner().with("plan", &report::json(&whole, ListOptions::default(), key));
        findings.extend(of_plan.into_iter().filter_map(|rule| evaluate(rule, &scope, None)));
    }
    if !of_objects.is_empty() {
        findings.extend(of_steps(&of_objects, plan, &scope, key));
    }
    Judgement { findings, unjudged }
}

/// Judges objects without knowing what an apply would do to them, by the rules about whatever is sent.
pub fn judge_objects(
    policy: &Policy,
    name: &str,
    objects: &[Object],
    facts: &PolicyFacts,
    key: &FingerprintKey,
) -> Judgement {
    let (rules, unjudged) = split(policy, name, |rule| without_plan(rule).or_else(|| without_cluster(rule, facts)));
    let scope = Documents::default().with("environment", &environment(name, facts));
    let found = objects.iter().flat_map(|object| {
        let own: Vec<&&PolicyRule> = rules.iter().filter(|rule| is_of_kind(rule, &object.id.kind)).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let body = report::json_of_value(&shown(&object.body, key));
        let scope = scope.inner().with("containers", &containers(&body)).with("object", &body);
        let scope = scope.with("release", &json!({"name": object.release.as_ref()}));
        let about = Some((&object.id, &*object.release));
        own.into_iter().filter_map(|rule| evaluate(rule, &scope, about)).collect()
    });
    Judgement { findings: found.collect(), unjudged }
}

/// The rules that are for an environment: those that can be judged, and those that cannot.
fn split<'p>(
    policy: &'p Policy,
    environment: &str,
    why: impl Fn(&PolicyRule) -> Option<String>,
) -> (Vec<&'p PolicyRule>, Vec<UnjudgedRule>) {
    let is_meant =
        |rule: &&PolicyRule| rule.environments.is_empty() || rule.environments.iter().any(|it| fits(it, environment));
    let mut rules = Vec::new();
    let mut unjudged = Vec::new();
    for rule in policy.rules.iter().filter(is_meant) {
        match why(rule) {
            Some(why) => unjudged.push(UnjudgedRule { rule: rule.name.clone(), policy: rule.origin.clone(), why }),
            None => rules.push(rule),
        }
    }
    (rules, unjudged)
}

fn without_cluster(rule: &PolicyRule, facts: &PolicyFacts) -> Option<String> {
    let reads = facts.cluster.is_none() && rule.reads(CLUSTER);
    reads.then(|| format!("it reads `{CLUSTER}`, and no cluster is asked"))
}

/// Why a rule cannot be judged by objects alone.
fn without_plan(rule: &PolicyRule) -> Option<String> {
    let RuleScope::Objects { actions, .. } = &rule.about else {
        return Some("it is about plans, and there is none".to_owned());
    };
    // What is sent is either new or not.
    if !["create", "update"].into_iter().all(|it| actions.iter().any(|action| action == it)) {
        let actions: Vec<String> = actions.iter().map(|it| format!("`{it}`")).collect();
        return Some(format!("it is about what a plan does ({}), and there is none", actions.join(", ")));
    }
    let read = ["change", "impact", "old"].into_iter().find(|it| rule.reads(it));
    read.map(|it| format!("it reads `{it}`, which a plan has, and there is none"))
}

/// What all rules see. What nobody knows is not there.
fn environment(name: &str, facts: &PolicyFacts) -> Json {
    let mut environment = json!({"name": name, "commit": facts.commit, "aim": facts.aim});
    if let Some(cluster) = &facts.cluster {
        environment["cluster"] = cluster.as_str().into();
    }
    environment
}

fn of_steps(rules: &[&PolicyRule], plan: &Plan, scope: &Documents, key: &FingerprintKey) -> Vec<Finding> {
    let mut effects: BTreeMap<ObjectId, Vec<Effect>> = BTreeMap::new();
    for effect in impact(plan).effects {
        effects.entry(effect.object.clone()).or_default().push(effect);
    }
    let found = plan.steps.iter().flat_map(|step| {
        let own: Vec<&&PolicyRule> = rules.iter().filter(|rule| concerns(rule, step)).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let scope = documents(step, effects.get(&step.object.id), key)
            .into_iter()
            .fold(scope.inner(), |scope, (name, it)| scope.with(name, &it));
        let about = Some((&step.object.id, &*step.object.release));
        own.into_iter().filter_map(|rule| evaluate(rule, &scope, about)).collect()
    });
    found.collect()
}

fn concerns(rule: &PolicyRule, step: &Step) -> bool {
    let RuleScope::Objects { actions, .. } = &rule.about else { return false };
    actions.contains(&step.action.to_string()) && is_of_kind(rule, &step.object.id.kind)
}

fn is_of_kind(rule: &PolicyRule, kind: &GroupKind) -> bool {
    let RuleScope::Objects { kinds, .. } = &rule.about else { return false };
    kinds.is_empty() || kinds.iter().any(|it| fits(it, &kind.kind) || fits(it, &kind.to_string()))
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

/// What a rule finds about an object of a release, or about the plan; `None` if it is met.
fn evaluate(rule: &PolicyRule, scope: &Documents, about: Option<(&ObjectId, &str)>) -> Option<Finding> {
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
        object: about.map(|(id, _)| id.clone()),
        release: about.map(|(_, release)| release.to_owned()),
    })
}

fn untold(what: &str, why: &Stuck) -> String {
    let advice =
        if matches!(why, Stuck::Missing(_)) { "; `has(...)` and `.?` ask whether a field is there" } else { "" };
    format!("{what} cannot be evaluated: {why}{advice}")
}
