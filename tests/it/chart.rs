//! Tests of `jinja` and `chart`.
//!
//! A case of `jinja` is a `template.j2` with the names of `context.yaml`, or of the shared context. A case of `chart` is
//! a tree with `charts/app`, rendered with `values.yaml` and, masked, `secrets.yaml` over the chart's defaults.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::chart::{Chart, ChartError, Context, Rendered, manifests, render};
use weft::diagnostic::{Diagnose, Diagnostic};
use weft::jinja;
use weft::project::{Release, ReleaseSource};
use weft::schema::{Discovery, Gvk, Resource, Scope};
use weft::tree::Tree;
use weft::value::{Data, Origin, Path, Value};
use weft::values::Values;
use weft::yaml::{self, Rules};

use crate::cases::{self, Case, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("jinja", template);
    trials.extend(cases::of("chart", chart));
    trials.push(cases::code("chart", "a folder of manifests is rendered as it is", plain));
    trials
}

const CONTEXT: &str = "
values:
  replicas: 3
  debug: true
  nothing: null
  empty: ''
  image: {name: nginx, tag: '1.29'}
  hosts: [a.example.com, b.example.com]
  text: |
    one
    two
release: {name: web, namespace: apps}
";

fn template(case: &Case) -> Result<(), Failed> {
    let file = Arc::new("context.yaml".to_owned());
    let text = case.read_if_there("context.yaml").unwrap_or_else(|| CONTEXT.to_owned());
    let mut context = yaml::document(&text, &file, Rules::Strict).expect("a context");
    let values = context.as_map_mut().and_then(|map| map.get_mut("values")).and_then(Value::as_map_mut);
    values.expect("values").insert("password", Value::from("hunter2").masked());
    outcome(case, "expected.yaml", jinja::render_text("template.j2", &case.read("template.j2"), &context))
}

fn outcome<E: Diagnose>(case: &Case, file: &str, result: Result<String, E>) -> Result<(), Failed> {
    let (file, text) = match result {
        Ok(text) => (file, text),
        Err(error) => ("error.txt", Diagnostic::of(&error).to_string()),
    };
    assert!(!text.contains("hunter2") || file != "error.txt", "an error shows a secret:\n{text}");
    case.expect(file, &text)
}

fn chart(case: &Case) -> Result<(), Failed> {
    let tree = case.tree("").below("tree");
    let values = |file: &str| {
        let text = case.read_if_there(file)?;
        Some(yaml::document(&text, &Arc::new(file.to_owned()), Rules::Strict).expect("values"))
    };
    let (user, secrets) = (values("values.yaml").unwrap_or_default(), values("secrets.yaml").unwrap_or_default());
    let result = Chart::load(&tree, "charts/app").and_then(|chart| {
        let merged = over(over(chart.defaults().clone(), &user), &secrets.clone().masked());
        let mut set_by_user = Vec::new();
        leaves(&user, &Path::root(), &mut set_by_user);
        let values = Values { merged, set_by_user, ..Values::default() };
        let rendered = run(&chart, &values)?;
        laws(&chart, &values, &rendered);
        Ok(print(&rendered))
    });
    outcome(case, "expected.txt", result)
}

/// Twice the same text; and the same real text when every value is a secret.
fn laws(chart: &Chart, values: &Values, rendered: &Rendered) {
    let texts =
        |rendered: &Rendered| -> Vec<String> { rendered.files.iter().map(|f| f.text.expose().clone()).collect() };
    let again = run(chart, values).expect("a second render");
    assert_eq!(texts(rendered), texts(&again), "a second render differs");
    let masked = Values { merged: values.merged.clone().masked(), ..Values::default() };
    if let Ok(masked) = run(chart, &masked) {
        let all: String = texts(rendered).concat();
        let kept: Vec<String> = texts(&masked).into_iter().filter(|text| !all.contains(text.as_str())).collect();
        assert!(kept.is_empty(), "masks change the real text:\n{}", kept.concat());
    }
}

fn run(chart: &Chart, values: &Values) -> Result<Rendered, ChartError> {
    let (inputs, capabilities) = (BTreeMap::from([("TAG".to_owned(), "v7".to_owned())]), Arc::new(discovery()));
    let release = release();
    let context =
        Context { release: &release, environment: "dev", values, inputs: &inputs, capabilities: &capabilities };
    render(chart, &context)
}

fn print(rendered: &Rendered) -> String {
    let mut out = String::new();
    for file in &rendered.files {
        let opaque = if file.opaque { " (opaque)" } else { "" };
        let _ = writeln!(out, "=== {}{opaque}: {} documents\n{}", file.path, file.documents.len(), file.text.expose());
        if let Some(stand_in) = &file.stand_in {
            let _ = writeln!(out, "--- with stand-ins\n{stand_in}");
        }
    }
    for path in &rendered.unread {
        let _ = writeln!(out, "unread: {path}");
    }
    out
}

fn over(mut below: Value, above: &Value) -> Value {
    match (&mut below.data, &above.data) {
        (_, Data::Null) => below,
        (Data::Map(map), Data::Map(other)) => {
            for entry in other {
                let merged =
                    map.get(&entry.key).cloned().map_or_else(|| entry.value.clone(), |it| over(it, &entry.value));
                let mut entry = entry.clone();
                entry.value = merged;
                map.insert_entry(entry);
            }
            below
        }
        _ => above.clone(),
    }
}

fn leaves(value: &Value, path: &Path, out: &mut Vec<(Path, Origin)>) {
    match value.as_map() {
        Some(map) if !map.is_empty() => map.iter().for_each(|e| leaves(&e.value, &path.field(&e.key), out)),
        _ => out.push((path.clone(), value.origin.clone())),
    }
}

fn release() -> Release {
    Release {
        name: "web".into(),
        namespace: "apps".to_owned(),
        create_namespace: true,
        source: ReleaseSource::Chart("charts/app".to_owned()),
        needs: Vec::new(),
        labels: BTreeMap::new(),
        when: None,
        values: Vec::new(),
        secrets: Vec::new(),
        wait_seconds: None,
        prune: true,
        source_origin: Origin::default(),
        origin: Origin::default(),
    }
}

fn discovery() -> Discovery {
    let mut discovery = Discovery { server_version: "v1.36.3".to_owned(), ..Discovery::default() };
    let gvk = Gvk::new("apps/v1", "Deployment");
    discovery.add(Resource { gvk, plural: "deployments".to_owned(), scope: Scope::Namespaced, verbs: Vec::new() });
    discovery
}

fn plain() -> Result<(), Failed> {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let tree = Tree::new([
        file("platform/b/quota.yml", "kind: ResourceQuota\n"),
        file("platform/a.yaml", "kind: A # {{ not a template }}\n---\nkind: B\n"),
        file("platform/README.md", "not a manifest\n"),
        file("empty/README.md", ""),
    ]);
    let rendered = manifests(&tree, "platform", &release()).expect("manifests");
    same(
        "platform",
        "=== platform/a.yaml: 2 documents\nkind: A # {{ not a template }}\n---\nkind: B\n\n=== platform/b/quota.yml: 1 documents\nkind: ResourceQuota\n\n",
        &print(&rendered),
    )?;
    assert_eq!(manifests(&tree, "platform/b/quota.yml", &release()).expect("a manifest").files.len(), 1);
    let error = manifests(&tree, "empty", &release()).expect_err("an empty folder");
    same("error", "there are no manifests in `empty`", &error.to_string())?;
    let error = manifests(&tree, "empty/README.md", &release()).expect_err("no manifest");
    same(
        "error",
        "`empty/README.md` is not a manifest: its name ends in none of `.yaml`, `.yml`, `.json`",
        &error.to_string(),
    )
}
