//! Tests of Go templates: Go's own tables, with what Go makes of them.
//!
//! `tests/gotemplate` is the Go program that wrote each `go.txt`. Where Go gives an output, ours is the same; where it
//! fails, ours fails in the same line, in words of its own: `errors.txt`.

mod data;
mod laws;
mod places;
mod scopes;
mod things;

use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::{Diagnose as _, Diagnostic};
use weft::gotemplate::{Functions, GoTemplateError, Limits, Missing, Run, Templates, Value};

use crate::cases::{self, Case, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("gotemplate", run);
    trials.extend(laws::trials());
    trials.extend(places::trials());
    trials.extend(scopes::trials());
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    let data = data::value(&serde_json::from_str(&case.read("../data.json"))?);
    let missing = match case.read_if_there("option").unwrap_or_default().trim() {
        "zero" => Missing::Zero,
        "error" => Missing::Error,
        _ => Missing::Invalid,
    };
    let (templates, outcomes) = (case.read("cases.txt"), case.read("go.txt"));
    let (mut wanted, mut found, mut errors) = (String::new(), String::new(), String::new());
    for ((name, template), (_, outcome)) in blocks(&templates).zip(blocks(&outcomes)) {
        let _ = writeln!(wanted, "=== {name}\n{template}\n---\n{}", without_words(outcome));
        let _ =
            writeln!(found, "=== {name}\n{template}\n---\n{}", outcome_of(template, &data, missing, name, &mut errors));
    }
    same("what Go gives", &wanted, &found)?;
    case.expect("errors.txt", &errors)
}

/// The cases of a file: a name, and the text below it.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let blocks = text.strip_prefix("=== ").unwrap_or(text).split("\n=== ");
    blocks.map(|block| block.split_once('\n').unwrap_or((block, "")))
}

/// Of Go's error the line alone.
fn without_words(outcome: &str) -> String {
    match outcome.strip_prefix("!!! error in line ").and_then(|rest| rest.split_once(':')) {
        Some((line, _)) => format!("!!! error in line {line}"),
        None => outcome.to_owned(),
    }
}

fn outcome_of(template: &str, data: &Value, missing: Missing, name: &str, errors: &mut String) -> String {
    match render(template, data, missing) {
        Ok(out) => String::from_utf8_lossy(&out).into_owned(),
        Err(error) => {
            let _ = writeln!(errors, "=== {name}\n{}", Diagnostic::of(&*error));
            format!("!!! error in line {}", line_of(&error))
        }
    }
}

/// The line of the template that was executed, as Go tells it: that of the outermost call.
fn line_of(error: &GoTemplateError) -> String {
    let outermost = error.place().through.last().and_then(|it| it.rsplit(':').next()).map(str::to_owned);
    outermost.unwrap_or_else(|| error.origin().map_or(0, |origin| origin.mark.line).to_string())
}

fn render(template: &str, data: &Value, missing: Missing) -> Result<Vec<u8>, Box<GoTemplateError>> {
    let mut templates = Templates::new(Functions::new(things::FUNCTIONS));
    templates.add("t", &Arc::new("t".to_owned()), template)?;
    let limits = Limits { steps: 10_000_000, output: 4 << 20, ..Limits::default() };
    Run::new(&templates, &(), missing, limits).execute("t", data)
}
