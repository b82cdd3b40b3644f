//! Tests of `yaml`: cases, laws, limits, and the comparison with Go's library over a corpus that is given.
//!
//! A case reads `in.yaml`: `kubernetes.txt` is what its documents are, or the error, under the rules of Kubernetes,
//! `strict.txt` the same of the one document under our own, and `written.yaml` the documents written back. With a file
//! `places.txt` the places of nodes and keys are held as well. A case with `config.yaml` reads a typed configuration.

mod corpus;
mod law;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde::Deserialize;
use weft::diagnostic::Diagnostic;
use weft::value::{Data, Value};
use weft::yaml::{self, Order, Rules, Secrets, Write, YamlError};

use crate::cases::{self, Case, code};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("yaml", run);
    trials.extend([
        code("yaml", "a_value_is_read_back_as_it_was_written", law::read_back),
        code("yaml", "masked_leaves_are_written_as_the_mask", masks),
        code("yaml", "keys_stay_as_written_where_asked", written_order),
        code("yaml", "a_text_too_long_is_refused", too_large),
        code("yaml", "a_very_deep_document_is_refused_at_once", too_deep),
        code("yaml", "the_deepest_document_is_read", deepest),
        code("yaml", "an_alias_bomb_is_refused_at_once", bomb),
        code("yaml", "ten_thousand_keys_are_read_at_once", many_keys),
    ]);
    trials.extend(corpus::trial());
    trials
}

fn file() -> Arc<String> {
    Arc::new("in.yaml".to_owned())
}

fn run(case: &Case) -> Result<(), Failed> {
    if let Some(text) = case.read_if_there("config.yaml") {
        let read = yaml::config::<Sample>(&text, &Arc::new("config.yaml".to_owned()));
        return case.expect("config.txt", &read.map_or_else(|error| said(&error), |sample| format!("{sample:#?}\n")));
    }
    let text = case.read("in.yaml");
    let documents = yaml::documents(&text, &file(), Rules::Kubernetes);
    let strict = yaml::document(&text, &file(), Rules::Strict).map(|document| vec![document]);
    if let Ok(documents) = &documents {
        case.expect("written.yaml", &documents.iter().map(yaml::write).collect::<Vec<_>>().join("---\n"))?;
        if case.read_if_there("places.txt").is_some() {
            case.expect("places.txt", &documents.iter().map(places).collect::<String>())?;
        }
    }
    case.expect("kubernetes.txt", &outcome(&documents))?;
    case.expect("strict.txt", &outcome(&strict))
}

fn outcome(read: &Result<Vec<Value>, YamlError>) -> String {
    read.as_ref().map_or_else(said, |documents| json(documents))
}

fn said(error: &YamlError) -> String {
    Diagnostic::of(error).to_string()
}

fn json(documents: &[Value]) -> String {
    let pretty = |document| serde_json::to_string_pretty(document).expect("a value is JSON") + "\n";
    documents.iter().map(pretty).collect()
}

/// One line a node: its place, its key's place, and what it is.
fn places(value: &Value) -> String {
    let mut out = format!("{} {}\n", value.origin, value.kind());
    match &value.data {
        Data::List(items) => out.extend(items.iter().map(places)),
        Data::Map(map) => {
            for entry in map {
                let _ =
                    write!(out, "{}:{} `{}`: {}", entry.mark.line, entry.mark.column, entry.key, places(&entry.value));
            }
        }
        _ => {}
    }
    out
}

/// A configuration with a field of every kind.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "printed by its `Debug`")]
struct Sample {
    name: String,
    #[serde(default)]
    replicas: u32,
    #[serde(default)]
    enabled: bool,
    ratio: Option<f64>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    releases: Vec<Release>,
    #[serde(default)]
    values: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "printed by its `Debug`")]
struct Release {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    wait: Option<Wait>,
    chart: Option<Chart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Wait {
    Ready,
    Created,
    Never,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "printed by its `Debug`")]
enum Chart {
    Folder(String),
    Remote { repo: String, version: String },
}

fn masks() -> Result<(), Failed> {
    let value: Value = [("a", Value::from("hunter2").masked()), ("b", Value::from("plain"))]
        .into_iter()
        .collect::<weft::value::Map>()
        .into();
    cases::same("masked", "a: (masked)\nb: plain\n", &yaml::write(&value))?;
    let exposed = Write { secrets: Secrets::Exposed, ..Write::default() };
    cases::same("exposed", "a: hunter2\nb: plain\n", &yaml::write_with(&value, exposed))
}

fn written_order() -> Result<(), Failed> {
    let text = "b: 1\na10: 2\na2:\n  z: 1\n  x: 2\n";
    let value = yaml::document(text, &file(), Rules::Strict)?;
    let written = Write { order: Order::Written, ..Write::default() };
    cases::same("as written", text, &yaml::write_with(&value, written))?;
    cases::same("natural", "a2:\n  x: 2\n  z: 1\na10: 2\nb: 1\n", &yaml::write(&value))
}

fn too_large() -> Result<(), Failed> {
    let text = format!("a: {}\n", "x".repeat(16 << 20));
    let error = yaml::documents(&text, &file(), Rules::Strict).expect_err("it is too large");
    cases::same(
        "the error",
        "error: the text has 16777220 bytes, more than the 16777216 that are read\n --> in.yaml\n  = hint: Split the file into smaller ones.\n",
        &said(&error),
    )
}

fn too_deep() -> Result<(), Failed> {
    let flow = "[".repeat(100_000);
    let maps = "{a: ".repeat(100_000);
    let block = "- ".repeat(100_000);
    let questions = "? ".repeat(100_000);
    for text in [flow, maps, block, questions] {
        within(Duration::from_secs(1), || match yaml::documents(&text, &file(), Rules::Kubernetes) {
            Err(YamlError::TooDeep { .. }) => Ok(()),
            other => Err(format!("{:?}", other.map(|documents| documents.len())).into()),
        })?;
    }
    Ok(())
}

fn deepest() -> Result<(), Failed> {
    let text = format!("{}{}\n", "[".repeat(128), "]".repeat(128));
    let value = yaml::document(&text, &file(), Rules::Strict)?;
    cases::same("written", &format!("{}[]\n", "- ".repeat(127)), &yaml::write(&value))
}

fn bomb() -> Result<(), Failed> {
    let mut nodes = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let _ = writeln!(nodes, "a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 9].join(", "));
    }
    let bytes = format!("- &a {}\n{}", "x".repeat(1 << 20), "- *a\n".repeat(100));
    for text in [nodes, bytes] {
        within(Duration::from_secs(2), || match yaml::documents(&text, &file(), Rules::Kubernetes) {
            Err(YamlError::Aliases { .. }) => Ok(()),
            other => Err(format!("{:?}", other.map(|documents| documents.len())).into()),
        })?;
    }
    Ok(())
}

fn many_keys() -> Result<(), Failed> {
    let text = (0..10_000).fold(String::new(), |text, n| text + &format!("key{n}: {n}\n"));
    let twice = format!("{text}key7777: again\n");
    within(Duration::from_secs(2), || {
        let value = yaml::document(&text, &file(), Rules::Strict)?;
        assert_eq!(value.as_map().map(weft::value::Map::len), Some(10_000));
        match yaml::document(&twice, &file(), Rules::Strict) {
            Err(YamlError::DuplicateKey { first, .. }) if first.mark.line == 7778 => Ok(()),
            other => Err(format!("{:?}", other.map(|value| value.kind())).into()),
        }
    })
}

fn within(limit: Duration, run: impl FnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
    let start = work()?;
    run()?;
    let took = work()?.saturating_sub(start);
    if took < limit { Ok(()) } else { Err(format!("took {took:?}, more than {limit:?}").into()) }
}

/// How long this thread has been on a core: what else the machine does takes no part in it.
fn work() -> Result<Duration, Failed> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(text.split(' ').next().unwrap_or_default().parse()?))
}
