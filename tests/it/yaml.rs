//! Tests of `yaml`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::value::{Data, Map, Value};
use weft::yaml::{self, Rules};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    trials.extend(corpus());
    trials
}

/// Disagreements with Go that are allowed, in 10,000 documents of each direction.
const ALLOWED: usize = 2;

fn corpus() -> Option<Trial> {
    let folder = PathBuf::from(std::env::var_os("WEFT_YAML_CORPUS")?);
    Some(Trial::test("yaml::corpus", move || {
        let mut wrong = compare(&folder, "read.jsonl.xz", disagreement_read)?;
        wrong.extend(compare(&folder, "write.jsonl.xz", disagreement_written)?);
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    }))
}

fn compare(
    folder: &Path,
    file: &str,
    disagreement: fn(&serde_json::Value) -> Option<String>,
) -> Result<Vec<String>, Failed> {
    let output = Command::new("xz").arg("-dc").arg(folder.join(file)).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut count = 0;
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        count = number;
        let case: serde_json::Value = serde_json::from_str(line)?;
        wrong.extend(disagreement(&case).map(|what| format!("{file}:{number}: {what}")));
    }
    eprintln!("{file}: {count} documents, {} disagreements", wrong.len());
    for w in &wrong {
        eprintln!("{w}");
    }
    if wrong.len() * 10_000 > count * ALLOWED { Ok(wrong) } else { Ok(Vec::new()) }
}

fn disagreement_read(case: &serde_json::Value) -> Option<String> {
    let text = case["t"].as_str().unwrap_or_default();
    let read = yaml::documents(text, &Arc::new("in.yaml".to_owned()), Rules::Kubernetes);
    match (case.get("e"), read) {
        (Some(_), Err(_)) => None,
        (Some(error), Ok(_)) => Some(format!("Go refuses what we read: {error}")),
        (None, Err(error)) => Some(format!("we refuse what Go reads: {}", weft::diagnostic::Diagnostic::of(&error))),
        (None, Ok(mut documents)) => {
            let ours = if documents.is_empty() { Value::default() } else { documents.swap_remove(0) };
            let theirs = value(&case["j"]);
            (ours != theirs).then(|| format!("ours {ours:?}\ntheirs {theirs:?}").chars().take(3000).collect())
        }
    }
}

fn disagreement_written(case: &serde_json::Value) -> Option<String> {
    let ours = yaml::write(&value(&case["j"]));
    let theirs = case["y"].as_str().unwrap_or_default();
    super::cases::same("", theirs, &ours).err().map(|failed| failed.message().unwrap_or_default().to_owned())
}

fn value(json: &serde_json::Value) -> Value {
    serde_json::from_value(json.clone()).expect("JSON is a value")
}
