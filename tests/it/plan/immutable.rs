//! Fields that cannot change: every row of the table, and what is none of it, held against a real server.
//!
//! A case is a folder with `objects.yaml`: objects as they are (`live`) and as they are wanted (`desired`). The object
//! is really created, the change tried by a dry run, and planned from what can be read alone. `plan.txt` says what the
//! plan does, and what the server said. Where the server refuses a change as one of a fixed field, the plan knew it, and
//! where it takes the change, the plan does not replace.

use std::fmt::Write as _;
use std::sync::Arc;

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use libtest_mimic::{Failed, Trial};
use weft::cluster::{ApplyOptions, Cluster, WriteError};
use weft::diff::{self, Asked, Compared, Comparison, Context};
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
            let row = Row { row, cluster: &cluster, discovery: &discovery, namespace: &namespace };
            let name = row.text("name");
            let (said, plan) = row.try_out().await.map_err(|error| format!("{name}: {error:?}"))?;
            let action = &plan.steps[0].action;
            let fixed = matches!(action, Action::Recreate { .. })
                || plan
                    .refusals
                    .iter()
                    .any(|it| matches!(it, Refusal::Immutable { .. } | Refusal::StoredVersion { .. }));
            if fixed != (said.is_some() && row.row.get("refused").is_none()) {
                wrong.push(format!("{name}: we plan {action:?} {:?}, and the server says {said:?}", plan.refusals));
            }
            let _ = writeln!(out, "{name}: {action}");
            for refusal in &plan.refusals {
                // How many pods there are by now depends on the controllers.
                let said = refusal.to_string().replace(&namespace, "NAMESPACE");
                let _ = writeln!(out, "  {}", said.split("; lost with it").next().unwrap_or_default());
            }
            let said = said.unwrap_or_else(|| "takes it".to_owned());
            let line = said.lines().next().unwrap_or_default();
            let line = match line.split_once("Invalid value: {") {
                Some((field, rest)) => format!("{field}Invalid value: ...{}", &rest[rest.rfind("}: ").unwrap_or(0)..]),
                None => line.to_owned(),
            };
            let _ = writeln!(out, "  the server: {line}");
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n").into());
        }
        case.expect("plan.txt", &out)
    })
}

struct Row<'a> {
    row: &'a Value,
    cluster: &'a Cluster,
    discovery: &'a Discovery,
    namespace: &'a str,
}

impl Row<'_> {
    fn text(&self, key: &str) -> &str {
        self.row.get(key).and_then(Value::as_str).expect("a text")
    }

    fn object(&self, part: &str) -> Object {
        let mut whole = self.row.get("kind").cloned().expect("a kind");
        let map = whole.as_map_mut().expect("a map");
        map.insert("metadata", Value::from(Map::new()));
        for entry in self.row.get(part).and_then(Value::as_map).expect("an object") {
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

    /// What the server says to the change, if it refuses it, and what is planned by reading alone.
    async fn try_out(&self) -> Result<(Option<String>, Plan), Failed> {
        let before = self.object("live");
        let resource = self.resource(&before.gvk);
        let really = ApplyOptions { force: true, dry_run: false };
        self.cluster.apply(&before.id, resource, &before.body, really).await?;
        if let Some(status) = self.row.get("status") {
            self.report(&before, resource, status).await?;
        }
        if self.row.get("established").is_some() {
            self.cluster.await_definition(&before.id.name).await?.map_err(Failed::from)?;
        }
        let after = self.object("desired");
        let said = match self
            .cluster
            .apply(&after.id, resource, &after.body, ApplyOptions { force: true, dry_run: true })
            .await
        {
            Ok(_) => None,
            Err(WriteError::Refused { message, .. }) => Some(message.replace(self.namespace, "NAMESPACE")),
            Err(other) => return Err(other.into()),
        };
        Ok((said, self.planned(after, resource).await?))
    }

    async fn planned(&self, after: Object, resource: &Resource) -> Result<Plan, Failed> {
        let live = self.cluster.get(&after.id, resource).await?;
        let key = key();
        let context = Context::new(&key, builtin_schemas());
        let asked = Asked::Impossible("only reading is allowed".into());
        let Compared::Done(compared) = diff::compare(&Arc::new(after), live, None, Some(asked), &context) else {
            return Err("it was asked".into());
        };
        let mut compared = *compared;
        diff::check(&mut compared, builtin_schemas());
        Ok(plan("dev", Comparison { objects: vec![compared] }, &[], &Guards::default()))
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
