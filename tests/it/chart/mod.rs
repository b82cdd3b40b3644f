//! Tests of `jinja` and `chart`.
//!
//! A case of `jinja` is a `template.j2` with the names of `context.yaml`, or of the shared context. A case of `chart` is
//! a tree with `charts/app`, rendered with `values.yaml` and, masked, `secrets.yaml` over the chart's defaults.

mod corpus;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use proptest::{prop_assert_eq, prop_assert_ne};
use rayon::prelude::{IntoParallelIterator as _, ParallelIterator as _};
use weft::chart::{Chart, ChartError, Context, Rendered, manifests, render, trace};
use weft::diagnostic::{Diagnose, Diagnostic};
use weft::jinja;
use weft::project::{Release, ReleaseSource};
use weft::schema::{Discovery, Gvk, Resource, Scope};
use weft::tree::Tree;
use weft::value::{Data, Mark, Origin, Path, Value};
use weft::values::Values;
use weft::yaml::{self, Rules};

use crate::cases::{self, Case, same};
use crate::manifest::release_of;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("jinja", template);
    trials.extend(cases::of("chart", chart));
    trials.push(cases::code("chart", "a folder of manifests is rendered as it is", plain));
    trials.push(cases::code("chart", "every secret leaf differs between the two renders", told_apart));
    trials.push(cases::code("chart", "a line is traced to the template that made it", traced));
    trials.extend(corpus::trial());
    trials.push(cases::code("chart", "a thousand releases render from one chart in parallel", parallel));
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
        let by_user = over(user.clone(), &secrets.clone().masked());
        let values = Values { merged, set_by_user, by_user, overridden: Vec::new() };
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
    let (merged, by_user) = (values.merged.clone().masked(), values.by_user.clone().masked());
    let masked = Values { merged, by_user, ..Values::default() };
    let masked = run(chart, &masked).expect("a render with every value masked");
    assert_eq!(texts(rendered), texts(&masked), "masks change the real text");
}

fn run(chart: &Chart, values: &Values) -> Result<Rendered, ChartError> {
    with_context(values, |context| render(chart, context))
}

fn with_context<T>(values: &Values, work: impl FnOnce(&Context) -> T) -> T {
    let (inputs, capabilities) = (BTreeMap::from([("TAG".to_owned(), "v7".to_owned())]), Arc::new(discovery()));
    let (release, making) = (release(), weft::chart::RenderOptions::default());
    let context = Context {
        release: &release,
        environment: "dev",
        values,
        inputs: &inputs,
        capabilities: &capabilities,
        making: &making,
    };
    work(&context)
}

/// A line of an object leads to the file and the line of a template, through `include`, of charts below, and of both
/// languages; with a secret as well.
fn traced() -> Result<(), Failed> {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let tree = Tree::new([
        file(
            "charts/app/Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n",
        ),
        file("charts/app/templates/_parts.tpl", "{{ define \"two\" }}b: 1\nc: {{ .Values.secret }}{{ end }}"),
        file("charts/app/templates/a.yaml", "a: x\n{{- if true }}\n{{ include \"two\" . }}\n{{- end }}\nd: 4\n"),
        file("charts/app/templates/j.yaml.j2", "{% if true %}\nj: {{ values.secret }}\n{% endif %}\n"),
        file("charts/app/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        file("charts/app/charts/sub/templates/s.yaml", "\n\ns: {{ .Chart.Name }}\n"),
    ]);
    let chart = Chart::load(&tree, "charts/app").expect("a chart");
    let user = yaml::document("secret: abc", &Arc::default(), Rules::Strict).expect("values").masked();
    let values = Values { merged: user.clone(), by_user: user, ..Values::default() };
    let lines = |path: &str, count: u32| {
        let trace = with_context(&values, |context| trace(&chart, context, path)).expect("a trace");
        let place = |line| trace.at(Mark { line, column: 1 }).map_or("?".to_owned(), ToString::to_string);
        (1..=count).map(place).collect::<Vec<_>>().join(" ")
    };
    let (parts, a) = ("charts/app/templates/_parts.tpl", "charts/app/templates/a.yaml");
    let wanted = format!("{a}:1 {parts}:1 {parts}:2 {a}:5");
    same("a Go template", &wanted, &without_columns(&lines(a, 4)))?;
    let below = "charts/app/charts/sub/templates/s.yaml";
    same("a chart below", &format!("{below}:3"), without_columns(&lines(below, 3)).rsplit(' ').next().unwrap_or(""))?;
    let jinja = "charts/app/templates/j.yaml.j2";
    same("a Jinja template", &format!("{jinja}:2"), &without_columns(&lines(jinja, 1)))?;
    same("what is not rendered", "?", &lines("charts/app/templates/none.yaml", 1))
}

/// Places without their columns.
fn without_columns(places: &str) -> String {
    let place = |it: &str| it.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
    places.split(' ').map(place).collect::<Vec<_>>().join(" ")
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
        _ if value.is_null() => {}
        _ => out.push((path.clone(), value.origin.clone())),
    }
}

fn release() -> Release {
    Release {
        namespace: "apps".to_owned(),
        source: ReleaseSource::Chart("charts/app".to_owned()),
        origin: Origin::default(),
        ..release_of(&"web".into())
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

/// Whatever a secret is, it shows as a difference where a template writes it, and only there.
fn told_apart() -> Result<(), Failed> {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let template = "plain: {{ values.plain | tojson }}\nquoted: {{ values.secret | quote }}\n\
                    yaml:\n  {{ {'a': values.secret} | toyaml | indent(2) }}\n\
                    encoded: {{ values.secret | b64encode }}\nhash: {{ values.secret | hash8 | quote }}\n";
    let tree = Tree::new([file("c/Chart.yaml", "name: c\n"), file("c/templates/a.yaml.j2", template)]);
    let chart = Chart::load(&tree, "c").expect("a chart");
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z0-9]{0,3}".prop_map(Value::from),
    ];
    let mut runner = TestRunner::new_with_rng(cases::tries(256), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let law = |secret: Value| {
        let merged: weft::value::Map = [("plain", secret.clone()), ("secret", secret.masked())].into_iter().collect();
        let rendered = run(&chart, &Values { merged: merged.into(), ..Values::default() }).expect("a render");
        let [file] = &rendered.files[..] else { panic!("one file") };
        let name = Arc::new("real".to_owned());
        let real = yaml::document(file.text.expose(), &name, Rules::Strict).expect("YAML");
        let shown = &file.documents[0];
        prop_assert_eq!(real.get("plain"), shown.get("plain"));
        for path in [&["quoted"][..], &["yaml", "a"], &["encoded"], &["hash"]] {
            prop_assert_ne!(real.dig(path), shown.dig(path), "{:?}", path);
        }
        Ok(())
    };
    runner.run(&leaf, law).map_err(|error| error.to_string().into())
}

fn parallel() -> Result<(), Failed> {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let template = "kind: A\nname: {{ k8s_name(values.name) }}\nsum: {{ include('b.yaml.j2') | sha256 }}\n";
    let tree = Tree::new([
        file("c/Chart.yaml", "name: c\n"),
        file("c/templates/a.yaml.j2", template),
        file("c/templates/b.yaml.j2", "{% for i in range(20) %}\n- {{ values.name }}-{{ i }}\n{% endfor %}\n"),
    ]);
    let chart = Chart::load(&tree, "c").expect("a chart");
    let texts: Vec<String> = (0..1000)
        .into_par_iter()
        .map(|at| {
            let merged: weft::value::Map = [("name", format!("release-{at}"))].into_iter().collect();
            let rendered = run(&chart, &Values { merged: merged.into(), ..Values::default() }).expect("a render");
            rendered.files[0].text.expose().clone()
        })
        .collect();
    for (at, text) in texts.iter().enumerate() {
        if !text.contains(&format!("name: release-{at}\n")) {
            return Err(format!("release {at} has the text of another:\n{text}").into());
        }
    }
    Ok(())
}
