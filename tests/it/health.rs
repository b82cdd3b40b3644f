//! Tests of `health`: `object.yaml` is an object as a server has it, `expected.txt` how it is.
//!
//! With `rules.yaml` it is judged by these `wait.rules`; with `around.yaml`, which has pods and events, its cause is
//! asked for as well.

use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::Diagnostic;
use weft::health::{self, Around, ObjectEvent, Trouble};
use weft::project::{self, HealthRule};
use weft::tree::Tree;
use weft::value::Value;
use weft::yaml::{self, Rules};

use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    cases::of("health", run)
}

fn run(case: &Case) -> Result<(), Failed> {
    let object = read(case, "object.yaml")?;
    let rules = rules(case)?;
    let mut said = format!("{}\n", health::judge(&object, &rules));
    if let Some(patience) = health::patience(&object, &rules) {
        let _ = writeln!(said, "may take {} s", patience.as_secs());
    }
    if case.read_if_there("around.yaml").is_some() {
        said += &because(&object, &read(case, "around.yaml")?);
    } else if object.get("kind").and_then(Value::as_str) == Some("Pod") {
        said += &health::trouble(&object).map_or_else(String::new, |it| lasting(&it));
    }
    case.expect("expected.txt", &said)
}

fn read(case: &Case, file: &str) -> Result<Value, Failed> {
    Ok(yaml::document(&case.read(file), &Arc::new(file.to_owned()), Rules::Kubernetes)?)
}

fn rules(case: &Case) -> Result<Vec<HealthRule>, Failed> {
    let Some(rules) = case.read_if_there("rules.yaml") else { return Ok(Vec::new()) };
    let rules = rules.lines().fold(String::new(), |all, line| all + "  " + line + "\n");
    let text = format!("wait:\n  rules:\n{rules}releases: [{{name: a, namespace: a, chart: a}}]\n");
    let tree = Tree::new([("environments/dev/environment.yaml".to_owned(), text.into_bytes())]);
    let environment = project::load(&tree, "dev").map_err(|error| Diagnostic::of(&error).to_string())?;
    Ok(environment.releases[0].wait.rules.clone())
}

fn because(object: &Value, around: &Value) -> String {
    let list = |key: &str| around.get(key).and_then(Value::as_list).unwrap_or_default();
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let event = |it: &Value| ObjectEvent {
        time: text(it, "time"),
        kind: text(it, "kind"),
        name: text(it, "name"),
        warning: text(it, "type") != "Normal",
        reason: text(it, "reason"),
        message: text(it, "message"),
    };
    let events = Arc::new(list("events").iter().map(event).collect());
    let around = Around { pods: list("pods").to_vec(), events, since: text(around, "since") };
    let name = object.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
    let ended = match health::ended(&text(object, "kind"), name, &around) {
        Some(Ok(())) => "if it is gone: it ended well\n".to_owned(),
        Some(Err(why)) => format!("if it is gone: {why}\n"),
        None => String::new(),
    };
    let later = if health::waits_for_consumer(object, &around) { "waits for a pod\n" } else { "" };
    match health::cause(object, &around) {
        Some(cause) => format!("because: {cause}\n{}{ended}{later}", lasting(&cause.trouble)),
        None => format!("no cause\n{ended}{later}"),
    }
}

/// When trouble is final, and which log tells more.
fn lasting(trouble: &Trouble) -> String {
    let mut said = match trouble.sort.patience() {
        Some(patience) => format!("final after {} s\n", patience.as_secs()),
        None => "never final\n".to_owned(),
    };
    if let Some((container, previous)) = &trouble.log {
        let _ = writeln!(said, "log of {container}{}", if *previous { ", of the run before" } else { "" });
    }
    said
}
