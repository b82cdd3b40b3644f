//! The report as one JSON document; see `docs/schema/report-v1.json`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::tallies::{Tallies, cause, way};
use super::{Event, Outcomes, Purpose, ReleaseSteps, Report, Show, closing, impact, json_of_impact, values};
use crate::diff::{Adoption, After, Cause, Class, FieldChange, Judged, Tool, Writer, shown};
use crate::manifest::ObjectId;
use crate::plan::{Action, Dependents, Finding, HookStep, Refusal, Relation, Step, Summary};
use weft_base::diagnostic::Diagnose;
use weft_base::masked::FingerprintKey;

/// The version of the document's format.
pub const FORMAT_VERSION: u64 = 1;

/// The counts of hooks.
const HOOKS: [&str; 2] = ["run", "note"];

/// What is listed besides the objects that are not unchanged. The rest is only counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListOptions {
    /// Unchanged objects.
    pub unchanged: bool,
    /// Changes that a rule hides, and so the objects that have no others.
    pub ignored: bool,
}

/// All facts of the report.
pub fn json(report: &Report, listed: ListOptions, key: &FingerprintKey) -> Json {
    let plan = &report.plan;
    let show = Show { ignored: listed.ignored, ..Show::default() };
    let steps = plan.steps.iter().filter(|step| listed.unchanged || show.has(step));
    let releases = ReleaseSteps::all(plan, show);
    let tallies = Tallies::from_plan(plan);
    let mut document = Map::new();
    document.insert("formatVersion".into(), FORMAT_VERSION.into());
    document.insert("environment".into(), plan.environment.as_str().into());
    optional(&mut document, "cluster", report.cluster.as_deref());
    optional(&mut document, "commit", report.commit.as_deref());
    optional(&mut document, "touched", report.touched.as_ref().map(|it| json!(it.releases)));
    document.insert("closing".into(), closing(report).into());
    document.insert("empty".into(), plan.is_empty().into());
    document.insert("digest".into(), report.digest.clone().unwrap_or_else(|| plan.digest(key)).into());
    document.insert("summary".into(), summary(&plan.summary()));
    document.insert("releases".into(), releases.iter().map(release).collect());
    if report.purpose == Purpose::Plan {
        document.insert("impact".into(), json_of_impact(&impact::to_show(report)));
    }
    document.insert("judged".into(), counts(&tallies.judged));
    document.insert("ignored".into(), tallies.ignored.0.into());
    document.insert("unknown".into(), tallies.unknown.iter().map(|(cause, kinds)| unknown(*cause, kinds)).collect());
    if !plan.rewrites.is_empty() {
        document.insert("rewrites".into(), json!(plan.rewrites));
    }
    if !plan.policies.is_empty() {
        document.insert("policies".into(), json!(plan.policies));
    }
    document.insert("steps".into(), steps.map(|step| self::step(step, listed, key)).collect());
    document.insert("refusals".into(), plan.refusals.iter().map(refusal).collect());
    if !plan.findings.is_empty() {
        document.insert("findings".into(), plan.findings.iter().map(finding).collect());
    }
    document.insert("outcomes".into(), counts(&Outcomes::from_events(&report.events).counts()));
    document.insert("events".into(), report.events.iter().map(event).collect());
    document.insert("warnings".into(), report.warnings.iter().map(String::as_str).collect());
    Json::Object(document)
}

/// Adds a field to a document if it has a value.
pub fn optional(map: &mut Map<String, Json>, name: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        map.insert(name.into(), value.into());
    }
}

fn summary(summary: &Summary) -> Json {
    let mut all = summary.counts().to_vec();
    // What most plans have nothing of.
    all.retain(|(name, count)| *count > 0 || !HOOKS.contains(name));
    counts(&all)
}

fn counts(counts: &[(&str, usize)]) -> Json {
    counts.iter().map(|(name, count)| ((*name).to_owned(), Json::from(*count))).collect::<Map<_, _>>().into()
}

fn unknown(cause: Cause, kinds: &BTreeMap<String, usize>) -> Json {
    json!({"cause": cause.name(), "kinds": kinds})
}

fn release(release: &ReleaseSteps) -> Json {
    json!({"name": release.name, "summary": summary(&release.summary())})
}

pub(super) fn id(id: &ObjectId) -> Map<String, Json> {
    let mut map = Map::new();
    map.insert("group".into(), id.kind.group.as_str().into());
    map.insert("kind".into(), id.kind.kind.as_str().into());
    optional(&mut map, "namespace", id.namespace.as_deref());
    map.insert("name".into(), id.name.as_str().into());
    map
}

/// A step with all of its changes, as the list of a report has it.
pub fn json_of_step(step: &Step, key: &FingerprintKey) -> Json {
    self::step(step, ListOptions { unchanged: true, ignored: true }, key)
}

fn step(step: &Step, listed: ListOptions, key: &FingerprintKey) -> Json {
    let object = &step.object;
    let mut map = Map::new();
    map.insert("object".into(), id(&object.id).into());
    map.insert("release".into(), object.release.as_ref().into());
    map.insert("action".into(), step.action.to_string().into());
    optional(&mut map, "reason", step.action.reason());
    optional(&mut map, "cause", cause(step).map(Cause::name));
    if let Action::Keep { leaves, .. } = step.action {
        map.insert("leavesInventory".into(), leaves.into());
    }
    if let Action::Recreate { loses, owned, .. } = &step.action {
        map.insert("loses".into(), loses.iter().map(String::as_str).collect());
        map.insert("ownedStays".into(), (*owned == Dependents::Stay).into());
    }
    if let Some(was) = &step.was {
        map.insert("was".into(), self::was(was));
    }
    optional(&mut map, "hook", step.action.hook().map(hook));
    map.insert("wave".into(), step.wave.into());
    map.insert("judged".into(), judged(&object.judged));
    if let Some(desired) = &object.desired {
        map.insert("origin".into(), desired.origin.to_string().into());
    }
    optional(&mut map, "adopts", object.adopts.as_ref().map(adoption));
    if !object.tools.is_empty() {
        map.insert("tools".into(), object.tools.iter().map(tool).collect());
    }
    let fields = object.fields.iter().filter(|it| listed.ignored || !matches!(it.class, Class::Ignored(_)));
    map.insert("fields".into(), fields.map(field).collect());
    if let (Action::Create | Action::Hook(_), Some(desired)) = (&step.action, &object.desired) {
        map.insert("desired".into(), values::json(&shown(&desired.body, key)));
    }
    map.into()
}

fn hook(hook: &HookStep) -> Json {
    json!({
        "does": hook.does.to_string(),
        "point": hook.point.to_string(),
        "weight": hook.terms.weight,
        "name": id(&hook.of),
        "removes": hook.removes.iter().map(id).collect::<Vec<_>>(),
    })
}

fn adoption(adoption: &Adoption) -> Json {
    let from = adoption.from.iter().map(|it| json!({"kind": it.kind.name(), "writer": writer(&it.writer)}));
    json!({"from": from.collect::<Json>(), "versions": adoption.gone})
}

fn tool(tool: &Tool) -> Json {
    json!({"tool": tool.name, "kind": tool.thing, "name": tool.of, "mark": tool.mark})
}

fn was(was: &Relation) -> Json {
    match was {
        Relation::Named(old) => json!({"renamedFrom": id(old)}),
        Relation::Becomes(new) => json!({"renamedTo": id(new)}),
        Relation::OfRelease(release) => json!({"movedFrom": release.as_ref()}),
        Relation::GoesTo(release) => json!({"movedTo": release.as_ref()}),
    }
}

fn judged(judged: &Judged) -> Json {
    match judged {
        Judged::Predicted(reason) | Judged::Refused(reason) => json!({"by": way(judged), "reason": reason}),
        Judged::Recorded | Judged::Structure | Judged::DryRun | Judged::Trivial => json!({"by": way(judged)}),
    }
}

fn field(change: &FieldChange) -> Json {
    let mut map = Map::new();
    map.insert("path".into(), change.path.to_string().into());
    map.insert("class".into(), change.class.to_string().into());
    if let Class::Ignored(reason) | Class::Unknown(reason) = &change.class {
        map.insert("reason".into(), reason.as_str().into());
    }
    map.insert("aboutToChange".into(), change.changes().into());
    for (name, side) in
        [("base", change.base.as_ref()), ("live", change.live.as_ref()), ("desired", change.desired.value())]
    {
        optional(&mut map, name, side.map(values::json));
    }
    if change.desired == After::Server {
        map.insert("serverDecides".into(), true.into());
    }
    map.insert("drifted".into(), change.drifted.into());
    map.insert("writers".into(), change.writers.iter().map(writer).collect());
    map.into()
}

fn writer(writer: &Writer) -> Json {
    let mut map = Map::new();
    map.insert("manager".into(), writer.manager.as_str().into());
    map.insert("operation".into(), writer.operation.as_str().into());
    map.insert("subresource".into(), writer.subresource.as_str().into());
    optional(&mut map, "time", writer.time.as_deref());
    map.into()
}

fn refusal(refusal: &Refusal) -> Json {
    let mut map = Map::new();
    map.insert("reason".into(), refusal.name().into());
    map.insert("message".into(), refusal.to_string().into());
    optional(&mut map, "hint", refusal.hint());
    map.insert("facts".into(), facts(refusal));
    map.into()
}

/// What a refusal is about, for programs.
fn facts(refusal: &Refusal) -> Json {
    match refusal {
        Refusal::PruneCap { release, deletes, cap, confirm } => {
            json!({"release": release, "deletes": deletes, "cap": cap, "confirm": confirm})
        }
        Refusal::EnvironmentCap { environment, deletes, cap, confirm } => {
            json!({"environment": environment, "deletes": deletes, "cap": cap, "confirm": confirm})
        }
        Refusal::EmptyEnvironment { environment, releases, deletes } => {
            json!({"environment": environment, "releases": releases, "deletes": deletes})
        }
        Refusal::LeftNamespace { release, from, to, deletes } => {
            json!({"release": release, "from": from, "to": to, "deletes": deletes})
        }
        Refusal::NoIdentity => json!({}),
        Refusal::OtherProject { release, owner, secret } => {
            json!({"release": release, "project": owner, "secret": secret})
        }
        Refusal::OtherRepository { recorded, repository } => json!({"recorded": recorded, "repository": repository}),
        Refusal::EmptyRender { release, deletes } | Refusal::VanishedRelease { release, deletes, .. } => {
            json!({"release": release, "deletes": deletes})
        }
        Refusal::Conflict { id: object, path, writer: by, live, desired, .. } => {
            let mut facts = Map::new();
            facts.insert("object".into(), id(object).into());
            facts.insert("path".into(), path.as_str().into());
            facts.insert("manager".into(), by.manager.as_str().into());
            facts.insert("writer".into(), writer(by));
            optional(&mut facts, "live", live.as_deref());
            facts.insert("desired".into(), desired.as_str().into());
            facts.into()
        }
        Refusal::ForeignSet { id: object, set, owner } => {
            let mut facts = Map::new();
            facts.insert("object".into(), id(object).into());
            facts.insert("set".into(), set.as_str().into());
            optional(&mut facts, "owner", owner.as_deref());
            facts.into()
        }
        Refusal::Server { id: object, .. } => json!({"object": id(object)}),
        Refusal::Immutable { id: object, path, loses } => {
            json!({"object": id(object), "path": path, "loses": loses})
        }
        Refusal::Replace { id: object, loses, .. } => json!({"object": id(object), "loses": loses}),
        Refusal::StoredVersion { id: object, version } => json!({"object": id(object), "version": version}),
        Refusal::Dependency { id: object, on } => json!({"object": id(object), "on": on}),
        Refusal::Circle { path } => json!({"circle": path}),
        Refusal::Policy(finding) => {
            let mut facts = json!({"rule": finding.rule, "policy": finding.policy});
            if let Some(object) = &finding.object {
                facts["object"] = id(object).into();
            }
            facts
        }
        Refusal::Mark { id: object, mark, .. } => json!({"object": id(object), "mark": mark}),
        Refusal::Invalid { id: object, path, rule, .. } => json!({"object": id(object), "path": path, "rule": rule}),
    }
}

fn finding(finding: &Finding) -> Json {
    let mut map = Map::new();
    map.insert("rule".into(), finding.rule.as_str().into());
    map.insert("ruling".into(), finding.ruling.to_string().into());
    map.insert("message".into(), finding.message.as_str().into());
    map.insert("policy".into(), finding.policy.as_str().into());
    optional(&mut map, "object", finding.object.as_ref().map(id));
    optional(&mut map, "release", finding.release.as_deref());
    map.into()
}

fn event(event: &Event) -> Json {
    let mut map = Map::new();
    map.insert("object".into(), id(&event.id).into());
    map.insert("outcome".into(), event.outcome.name().into());
    optional(&mut map, "reason", event.outcome.reason());
    map.into()
}
