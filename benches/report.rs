//! A plan of 10,000 changed objects as Markdown, within what a comment may have.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use support::{Arguments, Failure, Targets};
use weft::diff::{After, Class, FieldChange, Judged, LiveObject, ObjectComparison, Verdict};
use weft::manifest::{Object, ObjectId};
use weft::plan::{Action, Plan, Step};
use weft::report::{self, Budget, LIMIT, Report};
use weft::schema::Gvk;
use weft::value::{Origin, Path, Value};
use weft::yaml::{self, Rules};

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let count = if arguments.quick { 1_000 } else { 10_000 };
    let steps = (0..count).map(step).collect::<Result<Vec<_>, _>>()?;
    let report =
        Report { plan: Plan { environment: "production".into(), steps, ..Plan::default() }, ..Report::default() };
    println!("report: {count} changed objects, {} cores", support::cores());
    let mut longest = Duration::ZERO;
    let mut page = String::new();
    for _ in 0..arguments.runs {
        let begun = Instant::now();
        page = report::markdown(&report, Budget::default());
        longest = longest.max(begun.elapsed());
    }
    let begun = Instant::now();
    let whole = report::markdown(&report, Budget::whole());
    println!("  all of it: {} bytes in {:.2} s", whole.len(), begun.elapsed().as_secs_f64());
    targets.hold(page.len() < LIMIT, &format!("{} bytes", page.len()), "below 65,536 bytes");
    let slowest = format!("{:.3} s, the slowest of {}", longest.as_secs_f64(), arguments.runs);
    targets.hold(longest < Duration::from_secs(1), &slowest, "below a second");
    Ok(())
}

/// A Deployment of which the image changes; one of a hundred is deleted.
fn step(at: usize) -> Result<Step, Failure> {
    let gvk = Gvk::new("apps/v1", "Deployment");
    let (namespace, name) = (format!("team-{}", at % 50), format!("app-{at}"));
    let id = ObjectId { kind: gvk.group_kind(), namespace: Some(namespace.clone()), name: name.clone() };
    let release: Arc<str> = format!("release-{}", at % 500).into();
    let body = |tag: &str| value(&body(&namespace, &name, tag));
    let (live, after) = (body("1.0.0")?, body("1.0.1")?);
    let is_deleted = at.is_multiple_of(100);
    let change = FieldChange {
        path: Path::of_fields(["spec", "template", "spec", "containers", "image"]),
        class: Class::Pending,
        base: None,
        live: Some("registry.example.com/app:1.0.0".into()),
        desired: After::Value("registry.example.com/app:1.0.1".into()),
        drifted: false,
        writers: Vec::new(),
    };
    let desired = Object {
        id: id.clone(),
        gvk,
        release: Arc::clone(&release),
        body: after.clone(),
        origin: Origin::default(),
        implicit: false,
    };
    let object = ObjectComparison {
        id: id.clone(),
        release,
        verdict: if is_deleted { Verdict::Leftover } else { Verdict::Update },
        judged: Judged::DryRun,
        fields: if is_deleted { Vec::new() } else { vec![change] },
        desired: (!is_deleted).then(|| Arc::new(desired)),
        repository: None,
        live: Some(Arc::new(LiveObject { id, body: live, managers: Vec::new() })),
        after: (!is_deleted).then(|| Arc::new(after)),
        adopts: None,
        tools: Vec::new(),
        violations: Vec::new(),
        recorded: None,
    };
    Ok(Step { action: if is_deleted { Action::Delete } else { Action::Update }, wave: 0, object, was: None })
}

fn value(document: &Json) -> Result<Value, Failure> {
    Ok(yaml::document(&document.to_string(), &Arc::new("object.yaml".to_owned()), Rules::Kubernetes)?)
}

fn body(namespace: &str, name: &str, tag: &str) -> Json {
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "app",
                    "image": format!("registry.example.com/app:{tag}"),
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "env": [{"name": "NAME", "value": name}, {"name": "LEVEL", "value": "info"}],
                    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                }]},
            },
        },
    })
}
