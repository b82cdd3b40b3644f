//! Fields that cannot change: every row of the table, and what is none of it, held against a real server.
//!
//! A case is a folder with `objects.yaml`: objects as they are (`live`) and as they are wanted (`desired`). The object
//! is really created, the change tried by a dry run, and planned from what can be read alone. `plan.txt` says what the
//! plan does, and what the server said. Where the server refuses a change as one of a fixed field, the plan knew it, and
//! where it takes the change, the plan does not replace; with the server's answer at hand it is planned once more, and
//! comes to the same. `refused` marks what a server refuses for another cause, `kept` what it takes without a word and
//! does not do, `phase` what has to be there before the change.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use weft::cluster::{ApplyOptions, Cluster, WriteError};
use weft::diff::{self, Compared, Comparison, Context, ServerAnswer};
use weft::manifest::Object;
use weft::plan::{Action, Guards, Plan, Refusal, plan};
use weft::schema::{Discovery, Gvk, Resource, Scope, builtin_schemas};
use weft::value::{Map, Value};
use weft::yaml::{Rules, document};

use super::input::key;
use crate::cases::{self, Case};
use crate::{cluster, sandbox};

pub fn trials() -> Vec<Trial> {
    cases::on_a_server("immutable", run)
}

fn run(case: &Case) -> Result<(), Failed> {
    let rows = document(&case.read("objects.yaml"), &Arc::new(String::new()), Rules::Strict).unwrap();
    let namespace = sandbox::shared().namespace("immutable");
    sandbox::shared().block_on(async {
        let cluster = cluster::cluster().await;
        let discovery = cluster.discover().await?;
        let (mut out, mut wrong) = (String::new(), Vec::new());
        for row in rows.as_list().expect("a list") {
            let row = Row { facts: row, cluster: &cluster, discovery: &discovery, namespace: &namespace };
            let name = row.text("name");
            let tried = row.try_out().await.map_err(|error| format!("{name}: {error:?}"))?;
            wrong.extend(row.disagreements(&tried));
            row.tell(&tried, &mut out);
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n").into());
        }
        case.expect("plan.txt", &out)
    })
}

/// What came out of a row.
struct Tried {
    /// What the server says to the change, if it refuses it.
    said: Option<String>,
    /// What is planned by reading alone.
    read: Plan,
    /// What is planned with the server's answer.
    asked: Plan,
}

/// Whether a plan takes the change for one of a fixed field.
fn is_fixed(plan: &Plan) -> bool {
    let fixed = |it: &Refusal| matches!(it, Refusal::Immutable { .. } | Refusal::StoredVersion { .. });
    let step = plan.steps.first();
    step.is_some_and(|it| matches!(it.action, Action::Recreate { .. })) || plan.refusals.iter().any(fixed)
}

struct Row<'a> {
    facts: &'a Value,
    cluster: &'a Cluster,
    discovery: &'a Discovery,
    namespace: &'a str,
}

impl Row<'_> {
    fn text(&self, key: &str) -> &str {
        self.facts.get(key).and_then(Value::as_str).expect("a text")
    }

    fn object(&self, part: &str) -> Object {
        let mut whole = self.facts.get("kind").cloned().expect("a kind");
        let map = whole.as_map_mut().expect("a map");
        map.insert("metadata", Value::from(Map::new()));
        for entry in self.facts.get(part).and_then(Value::as_map).expect("an object") {
            map.insert(entry.key.as_str(), entry.value.clone());
        }
        let metadata = map.get_mut("metadata").and_then(Value::as_map_mut).expect("metadata");
        metadata.insert("name", self.text("name"));
        let body = serde_json::to_value(whole.exposed()).expect("JSON");
        cluster::object("app", Some(self.namespace), body, self.discovery)
    }

    fn resource(&self, gvk: &Gvk) -> &Resource {
        self.discovery.resource(gvk).expect("a kind")
    }

    fn disagreements(&self, tried: &Tried) -> Vec<String> {
        let refused = tried.said.is_some() && self.facts.get("refused").is_none();
        let kept = self.facts.get("kept").is_some();
        let plans = [("by reading", &tried.read, refused || kept), ("by asking", &tried.asked, refused)];
        let wrong = plans.into_iter().filter(|(_, plan, expected)| is_fixed(plan) != *expected);
        let tell = |(how, plan, _): (&str, &Plan, bool)| {
            let action = plan.steps.first().map(|it| &it.action);
            let name = self.text("name");
            format!("{name}: {how} we plan {action:?} {:?}, and the server says {:?}", plan.refusals, tried.said)
        };
        wrong.map(tell).collect()
    }

    fn tell(&self, tried: &Tried, out: &mut String) {
        let _ = writeln!(out, "{}: {}", self.text("name"), tried.read.steps[0].action);
        for refusal in &tried.read.refusals {
            // How many pods there are by now depends on the controllers.
            let said = refusal.to_string().replace(self.namespace, "NAMESPACE");
            let _ = writeln!(out, "  {}", said.split("; lost with it").next().unwrap_or_default());
        }
        let said = tried.said.as_deref().unwrap_or("takes it");
        let line = said.lines().next().unwrap_or_default();
        let line = match line.split_once("Invalid value: {") {
            Some((field, rest)) => format!("{field}Invalid value: ...{}", &rest[rest.rfind("}: ").unwrap_or(0)..]),
            None => line.to_owned(),
        };
        let _ = writeln!(out, "  the server: {line}");
    }

    async fn try_out(&self) -> Result<Tried, Failed> {
        let before = self.object("live");
        let resource = self.resource(&before.gvk);
        let really = ApplyOptions { force: true, dry_run: false };
        self.cluster.apply(&before.id, resource, &before.body, really).await?;
        if let Some(status) = self.facts.get("status") {
            self.report(&before, resource, status).await?;
        }
        if self.facts.get("established").is_some() {
            self.cluster.await_definition(&before.id.name).await?.map_err(Failed::from)?;
        }
        if let Some(phase) = self.facts.get("phase") {
            self.await_phase(&before, resource, phase).await?;
        }
        let after = Arc::new(self.object("desired"));
        let rehearsal = ApplyOptions { force: true, dry_run: true };
        let (said, answer) = match self.cluster.apply(&after.id, resource, &after.body, rehearsal).await {
            Ok(live) => (None, ServerAnswer::DryRun(Box::new(live))),
            Err(WriteError::Refused { message, .. }) => {
                (Some(message.replace(self.namespace, "NAMESPACE")), ServerAnswer::Refused(message))
            }
            Err(other) => return Err(other.into()),
        };
        let impossible = ServerAnswer::Impossible("only reading is allowed".into());
        let read = self.planned(&after, resource, impossible).await?;
        Ok(Tried { said, read, asked: self.planned(&after, resource, answer).await? })
    }

    async fn planned(&self, after: &Arc<Object>, resource: &Resource, asked: ServerAnswer) -> Result<Plan, Failed> {
        let live = self.cluster.get(&after.id, resource).await?;
        let key = key();
        let context = Context::new(&key, builtin_schemas());
        let Compared::Done(mut compared) = diff::compare(after, live, None, Some(asked), &context) else {
            return Err("it was asked".into());
        };
        diff::check(&mut compared, builtin_schemas());
        Ok(plan("dev", Comparison { objects: vec![*compared], ..Comparison::default() }, &[], &Guards::default()))
    }

    /// Waits until a controller has brought the object into a phase.
    async fn await_phase(&self, object: &Object, resource: &Resource, phase: &Value) -> Result<(), Failed> {
        for _ in 0..100 {
            let live = self.cluster.get(&object.id, resource).await?.ok_or("it is gone")?;
            if live.body.dig(&["status", "phase"]) == Some(phase) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("it never became {phase:?}").into())
    }

    /// Writes the status, as a controller does.
    async fn report(&self, object: &Object, resource: &Resource, status: &Value) -> Result<(), Failed> {
        let gvk = &object.gvk;
        let kind = GroupVersionKind::gvk(&gvk.group, &gvk.version, &gvk.kind);
        let kind = ApiResource::from_gvk_with_plural(&kind, &resource.plural);
        let client = sandbox::shared().client();
        let api: Api<DynamicObject> = match resource.scope {
            Scope::Namespaced => Api::namespaced_with(client, self.namespace, &kind),
            Scope::Cluster => Api::all_with(client, &kind),
        };
        let status = serde_json::json!({"status": serde_json::to_value(status.exposed())?});
        api.patch_status(&object.id.name, &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }
}
