//! Tests of `schema`'s validation.
//!
//! A case is a folder with `crd.yaml` (none for built-in kinds) and `objects.yaml`. `found.txt` is what we find,
//! `server.txt` what a real server that has the definition says to the same objects. Both must agree on what is valid,
//! and every field that the server names must be one that we name.

use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::cluster::{ApplyOptions, Cluster, WriteError};
use weft::schema::{Discovery, Gvk, Schemas, Subject, Validated, builtin_schemas};
use weft::value::{Data, Value};
use weft::yaml::{Rules, document};

use crate::cases::{self, Case};
use crate::{cluster, sandbox};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("validate", run);
    trials.extend(cases::on_a_server("validate", agrees));
    trials
}

/// The objects of a case.
struct Input {
    crd: Option<Value>,
    objects: Vec<Entry>,
    /// Why the server is not asked.
    offline: bool,
}

struct Entry {
    name: String,
    gvk: Gvk,
    desired: Value,
    live: Option<Value>,
}

impl Input {
    fn of(case: &Case) -> Self {
        let value = |text: &str| document(text, &Arc::new(String::new()), Rules::Strict).unwrap();
        let input = value(&case.read("objects.yaml"));
        let kind = input.get("kind").expect("a kind");
        let entries = input.get("objects").and_then(Value::as_list).expect("objects");
        Self {
            crd: case.read_if_there("crd.yaml").map(|text| value(&text)),
            objects: entries.iter().map(|entry| Entry::of(entry, kind)).collect(),
            offline: input.get("offline").is_some(),
        }
    }

    fn schemas(&self) -> Schemas {
        let mut schemas = builtin_schemas().clone();
        self.crd.iter().for_each(|crd| schemas.add_crd(crd));
        schemas
    }
}

impl Entry {
    fn of(entry: &Value, kind: &Value) -> Self {
        let name = entry.get("name").and_then(Value::as_str).expect("a name").to_owned();
        let whole = |part: &Value| {
            let mut whole = kind.clone();
            let map = whole.as_map_mut().expect("a map");
            map.insert("metadata", Value::from(weft::value::Map::new()));
            for entry in part.as_map().expect("a map") {
                map.insert(entry.key.as_str(), entry.value.clone());
            }
            let metadata = map.get_mut("metadata").and_then(Value::as_map_mut).expect("metadata");
            metadata.insert("name", name.as_str());
            mask(whole)
        };
        let desired = whole(entry.get("desired").expect("desired"));
        let text = |key| desired.get(key).and_then(Value::as_str).expect("a text");
        let gvk = Gvk::new(text("apiVersion"), text("kind"));
        Self { live: entry.get("live").map(whole), gvk, name, desired }
    }

    fn validate(&self, schemas: &Schemas) -> Validated {
        schemas.validate(&self.gvk, Subject { desired: &self.desired, after: &self.desired, live: self.live.as_ref() })
    }
}

/// Texts that begin with `hunter2` are secret.
fn mask(value: Value) -> Value {
    let data = match value.data {
        Data::List(items) => Data::List(items.into_iter().map(mask).collect()),
        Data::Map(mut map) => {
            map.iter_mut().for_each(|entry| entry.value = mask(std::mem::take(&mut entry.value)));
            Data::Map(map)
        }
        Data::Text(text) if text.starts_with("hunter2") => return Value::from(text).masked(),
        other => other,
    };
    data.into()
}

fn run(case: &Case) -> Result<(), Failed> {
    let input = Input::of(case);
    let schemas = input.schemas();
    let mut out = String::new();
    for entry in &input.objects {
        let found = entry.validate(&schemas);
        let _ = writeln!(out, "{}: {}", entry.name, if found.violations.is_empty() { "valid" } else { "not valid" });
        for it in &found.violations {
            let _ = writeln!(out, "  {it}\n    by {}{}", it.rule, if it.immutable { " (immutable)" } else { "" });
        }
        for it in &found.unchecked {
            let _ = writeln!(out, "  unchecked: {it}");
        }
    }
    if out.contains("hunter2") {
        return Err(format!("a secret is told:\n{out}").into());
    }
    case.expect("found.txt", &out)
}

/// What the server says, and whether we say the same.
fn agrees(case: &Case) -> Result<(), Failed> {
    let input = Input::of(case);
    if input.offline {
        return Ok(());
    }
    sandbox::shared().block_on(async {
        let cluster = cluster::cluster().await;
        let discovery = installed(&cluster, input.crd.as_ref()).await?;
        let schemas = input.schemas();
        let (mut out, mut disagreements) = (String::new(), Vec::new());
        for entry in &input.objects {
            let said = ask(&cluster, &discovery, entry).await?;
            let found = entry.validate(&schemas);
            let _ = writeln!(out, "{}: {}", entry.name, said.as_deref().unwrap_or("valid"));
            if said.is_none() != found.violations.is_empty() {
                disagreements.push(format!("{}: {:?}, and the server: {said:?}", entry.name, found.violations));
            }
        }
        if !disagreements.is_empty() {
            return Err(disagreements.join("\n").into());
        }
        case.expect("server.txt", &out)
    })
}

/// What the server serves with the definition of a case.
async fn installed(cluster: &Cluster, crd: Option<&Value>) -> Result<Discovery, Failed> {
    let discovery = cluster.discover().await?;
    let Some(crd) = crd else { return Ok(discovery) };
    let body = serde_json::to_value(crd.exposed())?;
    let object = cluster::object("validate", None, body, &discovery);
    let resource = discovery.resource(&object.gvk).expect("definitions").clone();
    cluster.apply(&object.id, &resource, &object.body, ApplyOptions { force: true, dry_run: false }).await?;
    cluster.await_definition(&object.id.name).await?.map_err(Failed::from)?;
    Ok(cluster.discover().await?)
}

/// The server's words about an object, if it refuses it.
async fn ask(cluster: &Cluster, discovery: &Discovery, entry: &Entry) -> Result<Option<String>, Failed> {
    let namespace = Some("default");
    let object = |body: &Value| -> Result<_, Failed> {
        Ok(cluster::object("validate", namespace, serde_json::to_value(body.exposed())?, discovery))
    };
    let desired = object(&entry.desired)?;
    let resource = discovery.resource(&desired.gvk).expect("a kind");
    if let Some(live) = &entry.live {
        let live = object(live)?;
        cluster.apply(&live.id, resource, &live.body, ApplyOptions { force: true, dry_run: false }).await?;
    }
    match cluster.apply(&desired.id, resource, &desired.body, ApplyOptions { force: true, dry_run: true }).await {
        Ok(_) => Ok(None),
        Err(WriteError::Refused { message, .. }) => Ok(Some(message)),
        Err(other) => Err(other.into()),
    }
}
