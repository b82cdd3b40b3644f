//! How the time of a plan grows with what changes: secrets are taken out of what is shown, and the plan is made, of
//! unchanged, new, moved and renamed objects, on one core without a server. An object in ten has a secret of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Arguments, Failure, Targets};
use weft::diff::{self, Comparison, LiveObject, ObjectComparison, Verdict};
use weft::manifest::{Object, ObjectId, PART_OF};
use weft::masked::{Masked, Redactor};
use weft::plan::{self, Guards, ReleaseFacts};
use weft::schema::Gvk;
use weft::value::{Origin, Value};
use weft::yaml::{self, Rules};

/// How many objects there are.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const QUICK: [usize; 3] = [100, 1_000, 10_000];
/// Objects of a release.
const EACH: usize = 50;
/// One of so many objects has a secret.
const SECRETS: usize = 10;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let sizes = if arguments.quick { QUICK } else { SIZES };
    for change in [Change::None, Change::New, Change::Moved, Change::Renamed] {
        println!("{change:?}");
        let mut grown: Vec<(usize, Duration)> = Vec::new();
        for size in sizes {
            let [redacted, planned] = measure(change, size)?;
            let parts = (redacted.as_secs_f64(), planned.as_secs_f64());
            println!("  {size} objects: secrets taken out in {:.3} s, planned in {:.3} s", parts.0, parts.1);
            grown.push((size, redacted + planned));
        }
        let exponent = |a: (usize, Duration), b: (usize, Duration)| {
            (b.1.as_secs_f64() / a.1.as_secs_f64()).ln() / (b.0 as f64 / a.0 as f64).ln()
        };
        let measured =
            format!("the exponent is {:.2}, then {:.2}", exponent(grown[0], grown[1]), exponent(grown[1], grown[2]));
        targets.hold(exponent(grown[0], grown[2]) <= 1.2, &measured, "at most 1.2 for both together");
    }
    Ok(())
}

/// What became of all objects since the last apply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    None,
    New,
    /// Half of them are in the next release.
    Moved,
    Renamed,
}

/// The time that it takes to take the secrets out of the comparison, and to plan.
fn measure(change: Change, size: usize) -> Result<[Duration; 2], Failure> {
    let secrets: Vec<_> = (0..size / SECRETS).map(|at| Masked::new(secret(at))).collect();
    let mut comparison = Comparison::default();
    for at in 0..size {
        comparison.objects.extend(compared(change, at, size)?);
    }
    let releases: Vec<ReleaseFacts> = (0..size / EACH).map(|at| facts(change, at)).collect();
    let begun = Instant::now();
    let redactor = Redactor::new(&secrets);
    let differing = comparison.objects.iter_mut().filter(|it| it.verdict != Verdict::Unchanged);
    differing.for_each(|it| diff::redact(it, &redactor));
    let redacted = begun.elapsed();
    let begun = Instant::now();
    let plan = plan::plan("bench", comparison, &releases, &Guards::default());
    let planned = begun.elapsed();
    let related = plan.steps.iter().filter(|step| step.was.is_some()).count();
    let expected = match change {
        Change::None | Change::New => 0,
        Change::Moved => size,
        Change::Renamed => 2 * size,
    };
    if related != expected {
        return Err(format!("{related} steps belong to others, and {expected} should").into());
    }
    Ok([redacted, planned])
}

fn secret(at: usize) -> String {
    format!("correct horse {at:06} battery staple")
}

fn release(at: usize) -> Arc<str> {
    format!("release-{at:04}").into()
}

fn id(at: usize, suffix: &str) -> ObjectId {
    let kind = Gvk::new("v1", "ConfigMap").group_kind();
    ObjectId { kind, namespace: Some(format!("team-{}", at % 10)), name: format!("object-{at:06}{suffix}") }
}

/// What the comparison says of an object: one entry, or two where something left.
fn compared(change: Change, at: usize, size: usize) -> Result<Vec<ObjectComparison>, Failure> {
    let (suffix, verdict) = match change {
        Change::None => ("", Verdict::Unchanged),
        Change::New => ("", Verdict::Create),
        Change::Moved => ("", Verdict::Update),
        Change::Renamed => ("-x", Verdict::Create),
    };
    let moves = change == Change::Moved && at.is_multiple_of(2);
    let verdict = if change == Change::Moved && !moves { Verdict::Unchanged } else { verdict };
    let home = at / EACH;
    let now = release(if moves { (home + 1) % (size / EACH) } else { home });
    let (new, old) = (id(at, suffix), id(at, ""));
    let body = body(&new, at, &now)?;
    let mut wanted = ObjectComparison::bare(new.clone(), Arc::clone(&now), verdict);
    if change != Change::New && change != Change::Renamed {
        let body = body.clone();
        wanted.live = Some(Arc::new(LiveObject { id: new.clone(), body, managers: Vec::new() }));
    }
    wanted.after = (wanted.verdict != Verdict::Unchanged).then(|| Arc::new(body.clone()));
    let gvk = Gvk::new("v1", "ConfigMap");
    let desired = Object { id: new, gvk, release: now, body, origin: Origin::default(), implicit: false };
    wanted.desired = Some(Arc::new(desired));
    let mut all = vec![wanted];
    if moves || change == Change::Renamed {
        let mut left = ObjectComparison::bare(old.clone(), release(home), Verdict::Leftover);
        if !moves {
            let body = self::body(&old, at, &release(home))?;
            left.live = Some(Arc::new(LiveObject { id: old, body, managers: Vec::new() }));
        }
        all.push(left);
    }
    Ok(all)
}

/// A release as its inventory has it.
fn facts(change: Change, at: usize) -> ReleaseFacts {
    let held = if change == Change::New { 0..0 } else { at * EACH..(at + 1) * EACH };
    let inventory = Arc::new(held.map(|at| id(at, "")).collect());
    ReleaseFacts { name: release(at), declared: true, set: release(at).to_string(), inventory, ..Default::default() }
}

/// An object with fields that all have, some of its own, and one that has its name in it.
fn body(id: &ObjectId, at: usize, release: &str) -> Result<Value, Failure> {
    let document = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": id.name, "namespace": id.namespace, "labels": {PART_OF: release, "app": id.name}},
        "data": {
            "LOG_LEVEL": "info",
            "DATABASE_HOST": "postgres.databases.svc",
            "DATABASE_PORT": "5432",
            "CACHE_SIZE": "128",
            "THREADS": "8",
            "TIMEOUT": "30",
            "TEAM": id.namespace,
            "MODE": "production",
            "REGION": "north",
            "HOST": format!("{}.example.com", id.name),
            "NOTE": format!("it belongs to the customer {}", at / 3),
        },
    });
    Ok(yaml::document(&document.to_string(), &Arc::new("object.yaml".to_owned()), Rules::Kubernetes)?)
}
