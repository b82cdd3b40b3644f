//! Tests of `diff`.
//!
//! A case is a folder with `desired.yaml`, `live.yaml` and `dryrun.yaml` (the server's answer to a forced dry run); and
//! with `base.yaml` (what was applied before) and `applied.yaml` (the server's response to that), where there is a
//! record of it; and with `take.txt`, the field managers of `--take`. All but the first were recorded from a real server.
//! `crd.yaml` defines the kind where it is not built in.
//! Where entries are taken over, `migration.txt` is the write that the server is asked about.
//! `comparison.txt` is what comes out with the dry run, `predicted.txt` what comes out without.

mod agreement;
mod laws;
mod verdicts;

use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::diff::{
    After, Compared, Context, FieldChange, LiveObject, Migration, ObjectComparison, Recorded, ServerAnswer, Writer,
    compare, live, proven, record, text,
};
use weft::manifest::{Object, ObjectId};
use weft::masked::FingerprintKey;
use weft::schema::fields::FieldSet;
use weft::schema::{Discovery, Gvk, Resource, Schemas, Scope, builtin_schemas};
use weft::value::{Origin, Value};
use weft::yaml::{Rules, document};

use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("diff", run);
    trials.extend(agreement::trials());
    trials.extend(laws::trials());
    trials.extend(verdicts::trials());
    trials
}

pub fn key() -> FingerprintKey {
    FingerprintKey::new([7; 32])
}

/// An object as `manifest` makes it: data of Secrets is masked, and so are texts that begin with `hunter2`.
pub fn object(body: Value) -> Arc<Object> {
    let text = |keys: &[&str]| body.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
    let gvk = Gvk::new(&text(&["apiVersion"]), &text(&["kind"]));
    let namespace = Some(text(&["metadata", "namespace"])).filter(|it| !it.is_empty());
    let id = ObjectId { kind: gvk.group_kind(), namespace, name: text(&["metadata", "name"]) };
    let mut body = body;
    mask(&mut body, gvk.kind == "Secret");
    Arc::new(Object { id, gvk, release: "app".into(), body, origin: Origin::default(), implicit: false })
}

fn mask(value: &mut Value, secret: bool) {
    if let Some(data) = value.as_map_mut().and_then(|map| map.get_mut("data")).filter(|_| secret) {
        *data = std::mem::take(data).masked();
    }
    match &mut value.data {
        weft::value::Data::Map(map) => map.iter_mut().for_each(|entry| mask(&mut entry.value, false)),
        weft::value::Data::List(items) => items.iter_mut().for_each(|item| mask(item, false)),
        weft::value::Data::Text(it) if it.starts_with("hunter2") => *value = std::mem::take(value).masked(),
        _ => {}
    }
}

struct Input {
    object: Arc<Object>,
    live: LiveObject,
    dry_run: LiveObject,
    recorded: Option<Arc<Recorded>>,
    schemas: Schemas,
    take: Vec<String>,
}

/// A server that serves a few kinds in the versions of today.
fn discovery() -> Discovery {
    let mut discovery = Discovery::default();
    for (api_version, kind, plural) in [("apps/v1", "Deployment", "deployments"), ("v1", "ConfigMap", "configmaps")] {
        let gvk = Gvk::new(api_version, kind);
        discovery.add(Resource { gvk, plural: plural.into(), scope: Scope::Namespaced, verbs: Vec::new() });
    }
    discovery
}

impl Input {
    fn read(case: &Case) -> Self {
        let value = |text: &str| document(text, &Arc::new(String::new()), Rules::Strict).unwrap();
        let server = |file: &str| live(value(&case.read(file))).unwrap();
        let recorded = case.read_if_there("base.yaml").map(|base| {
            let base = object(value(&base));
            Arc::new(record(&base, &server("applied.yaml"), &key()))
        });
        let mut schemas = builtin_schemas().clone();
        if let Some(definition) = case.read_if_there("crd.yaml") {
            schemas.add_crd(&value(&definition));
        }
        Self {
            schemas,
            object: object(value(&case.read("desired.yaml"))),
            live: server("live.yaml"),
            dry_run: server("dryrun.yaml"),
            recorded,
            take: case.read_if_there("take.txt").unwrap_or_default().lines().map(str::to_owned).collect(),
        }
    }

    fn compare(&self, asked: Option<ServerAnswer>) -> Compared {
        compare(
            &self.object,
            Some(self.live.clone()),
            self.recorded.clone(),
            asked,
            &Context { take: &self.take, discovery: Some(&discovery()), ..Context::new(&key(), &self.schemas) },
        )
    }
}

fn run(case: &Case) -> Result<(), Failed> {
    let input = Input::read(case);
    match input.compare(None) {
        Compared::Done(done) => case.expect("comparison.txt", &told(&done)),
        first => {
            let answer = if let Compared::Adopt(_, migration) = first {
                case.expect("migration.txt", &moved(&migration))?;
                ServerAnswer::Adopted(Box::new(input.dry_run.clone()))
            } else {
                ServerAnswer::DryRun(Box::new(input.dry_run.clone()))
            };
            let Compared::Done(asked) = input.compare(Some(answer)) else { return Err("asked twice".into()) };
            let impossible = ServerAnswer::Impossible("the webhook `x` has side effects".into());
            let Compared::Done(predicted) = input.compare(Some(impossible)) else { return Err("asked twice".into()) };
            case.expect("comparison.txt", &told(&asked))?;
            case.expect("predicted.txt", &told(&predicted))?;
            after_the_next_apply(&input)
        }
    }
}

/// The entries that a migration writes, with their fields, and the body that it asks about.
fn moved(migration: &Migration) -> String {
    let mut out = format!("at {}\n", migration.resource_version);
    for manager in &migration.managers {
        writeln!(out, "{} in {}", Writer::of(manager), manager.api_version).unwrap();
        for path in FieldSet::from_fields_v1(&manager.fields).unwrap().paths() {
            writeln!(out, "  {path}").unwrap();
        }
    }
    let body = migration.body.as_ref().map(|(_, after)| serde_json::to_string_pretty(after).unwrap());
    writeln!(out, "\n{}", body.unwrap_or_default()).unwrap();
    out
}

/// Had the dry run been an apply, its record would prove the next run unchanged.
fn after_the_next_apply(input: &Input) -> Result<(), Failed> {
    let recorded = record(&input.object, &input.dry_run, &key());
    if proven(&input.object, &input.dry_run, &recorded, None, &key()) {
        Ok(())
    } else {
        Err("a second run would not be proven".into())
    }
}

fn told(comparison: &ObjectComparison) -> String {
    let mut out = format!("{:?}, {:?}\n", comparison.verdict, comparison.judged);
    comparison.adopts.iter().for_each(|adoption| writeln!(out, "{adoption}").unwrap());
    comparison.tools.iter().for_each(|tool| writeln!(out, "also managed by {tool}").unwrap());
    comparison.fields.iter().for_each(|field| tell(field, &mut out));
    out.push('\n');
    for line in text(comparison) {
        writeln!(out, "{}", line.text.trim_end()).unwrap();
    }
    out
}

pub fn tell(field: &FieldChange, out: &mut String) {
    writeln!(out, "{}: {}", field.class, field.path).unwrap();
    if field.desired == After::Server {
        writeln!(out, "  the server decides").unwrap();
    }
    let sides = [("base", field.base.as_ref()), ("live", field.live.as_ref()), ("desired", field.desired.value())];
    for (side, value) in sides {
        if let Some(value) = value {
            writeln!(out, "  {side}: {value:?}").unwrap();
        }
    }
    if field.drifted {
        writeln!(out, "  drifted").unwrap();
    }
    for writer in &field.writers {
        writeln!(out, "  by {writer}").unwrap();
    }
}
