//! The comparison with Go's library.
//!
//! ```text
//! WEFT_YAML_CORPUS=<folder> cargo test --test it -- yaml::corpus
//! ```
//!
//! The folder holds what `sigs.k8s.io/yaml` makes of real documents, one JSON object a line:
//!
//! - `read.jsonl.xz`: `t` a text, and `j` the value that Go reads, or `e` its error;
//! - `write.jsonl.xz`: `j` a value, and `y` the text that Go writes for it;
//! - `scalars-to-read.yaml`, `scalars-read.txt`, `scalars.json`, `scalars-written.txt`: small cases by hand.
//!
//! Every disagreement is printed; more than [`ALLOWED`] of them fail the test. Known ones, none of which any of the
//! public charts holds:
//!
//! - Go reads the first document of a text and does not look at what follows it, so that it reads `[a] b` as `[a]`. We
//!   refuse the text: nothing of a file may be lost silently.
//! - Go reads `{a:}` as the key `a:`, and `!!str,` as a tag with a comma; libyaml, whose scanner we use, refuses both.
//! - libyaml skips a byte order mark at the beginning of every line, Go at that of the text only.
//! - Integers above 2^53 keep their value here, as they do on Go's way to a server; Go's side of the corpus went through
//!   plain JSON values, which may have rounded them. Rounded ones are taken for equal.
//! - Go writes U+0085 as a space and refuses U+007F; we write escapes, which read back as they were.
//! - Go writes the key `<<` plain and would read it as a merge; we write it in quotes.
//! - Keys such as `1a`, `2` and `10` have no order in Go's comparison, which knows cycles; what Go writes changes from
//!   run to run. We write always the same.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use weft::diagnostic::Diagnostic;
use weft::value::{Data, Map, Value};
use weft::yaml::{self, Rules};

/// Disagreements that are allowed, in 10,000 documents of a direction.
const ALLOWED: usize = 2;

/// The comparison, where a corpus is given. Without one there is no such test, rather than one that passes.
pub fn trial() -> Option<Trial> {
    let folder = PathBuf::from(std::env::var_os("WEFT_YAML_CORPUS")?);
    Some(Trial::test("yaml::corpus", move || {
        let read = lines(&folder, "read.jsonl.xz")?;
        let written = lines(&folder, "write.jsonl.xz")?;
        let agree = [
            report("read", read.iter().map(read_differs).collect()),
            report("write", written.iter().map(written_differs).collect()),
            report("scalars read", scalars_read(&folder)?),
            report("scalars written", scalars_written(&folder)?),
        ];
        if agree.contains(&false) { Err("too many disagreements, which are printed above".into()) } else { Ok(()) }
    }))
}

fn lines(folder: &Path, file: &str) -> Result<Vec<Json>, Failed> {
    let output = Command::new("xz").arg("-dc").arg(folder.join(file)).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let lines: Vec<Json> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    if lines.is_empty() { Err(format!("{file} is empty").into()) } else { Ok(lines) }
}

/// Prints the disagreements; whether they are few enough.
#[allow(clippy::print_stdout, reason = "a disagreement that is allowed has to be seen as well")]
fn report(what: &str, results: Vec<Option<String>>) -> bool {
    let all = results.len();
    let wrong: Vec<String> = (1..).zip(results).filter_map(|(at, it)| Some(format!("{what} {at}: {}", it?))).collect();
    println!("{what}: {} of {all} disagree", wrong.len());
    for it in &wrong {
        println!("{it}");
    }
    wrong.len() <= (all * ALLOWED).div_ceil(10_000)
}

fn read_differs(case: &Json) -> Option<String> {
    let text = case["t"].as_str().unwrap_or_default();
    match (case.get("e"), read(text)) {
        (Some(_), Err(_)) => None,
        (Some(error), Ok(_)) => Some(format!("Go refuses what we read: {error}\n{text}")),
        (None, Err(error)) => Some(format!("we refuse what Go reads: {error}")),
        (None, Ok(ours)) => {
            let theirs = rounded(&value(&case["j"]));
            (ours != theirs).then(|| format!("we read {ours:?}, Go reads {theirs:?}"))
        }
    }
}

fn read(text: &str) -> Result<Value, String> {
    let documents = yaml::documents(text, &Arc::new("in.yaml".to_owned()), Rules::Kubernetes);
    let first = documents.map_err(|error| Diagnostic::of(&error).to_string())?.into_iter().next();
    Ok(rounded(&first.unwrap_or_default()))
}

fn written_differs(case: &Json) -> Option<String> {
    let theirs = case["y"].as_str().unwrap_or_default();
    let ours = value(&case["j"]);
    differs(theirs, &yaml::write(&ours)).and_then(|_| differs(theirs, &yaml::write(&rounded(&ours))))
}

fn differs(theirs: &str, ours: &str) -> Option<String> {
    let error = crate::cases::same("the text", theirs, ours).err()?;
    Some(error.message().unwrap_or_default().to_owned())
}

/// Each item of the list in `scalars-to-read.yaml` by itself, against its line of `scalars-read.txt`: the item with its
/// line breaks as `\n`, `\t=> `, and JSON or `ERR`.
fn scalars_read(folder: &Path) -> Result<Vec<Option<String>>, Failed> {
    let expected = std::fs::read_to_string(folder.join("scalars-read.txt"))?;
    let compare = |line: &str| -> Option<String> {
        let (item, outcome) = line.split_once("\t=> ")?;
        let text = item.replace("\\n", "\n");
        match (serde_json::from_str::<Json>(outcome), read(&text)) {
            (Err(_), Err(_)) => None,
            (Ok(theirs), Ok(ours)) if rounded(&value(&theirs)) == ours => None,
            (_, ours) => Some(format!("{line}: {ours:?}")),
        }
    };
    Ok(expected.lines().map(compare).collect())
}

/// Each value of `scalars.json` under the key `k`, against `scalars-written.txt`, where they stand one after the other.
fn scalars_written(folder: &Path) -> Result<Vec<Option<String>>, Failed> {
    let values: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(folder.join("scalars.json"))?)?;
    let expected = std::fs::read_to_string(folder.join("scalars-written.txt"))?;
    let compare = |json: &Json| {
        if json == "\u{7f}" {
            return None;
        }
        let map: Map = [("k", rounded(&value(json)))].into_iter().collect();
        let ours = yaml::write(&map.into());
        let found = expected.starts_with(&ours) || expected.contains(&format!("\n{ours}"));
        (!found).then(|| format!("{json}: Go does not write\n{ours}"))
    };
    Ok(values.iter().map(compare).collect())
}

fn value(json: &Json) -> Value {
    serde_json::from_value(json.clone()).expect("JSON is a value")
}

/// The value with integers above 2^53 as floats, as Go's plain JSON values have them.
#[allow(clippy::cast_precision_loss, reason = "Go loses it too")]
fn rounded(value: &Value) -> Value {
    match &value.data {
        Data::Int(it) if it.unsigned_abs() > 1 << 53 => (*it as f64).into(),
        Data::Uint(it) => (*it as f64).into(),
        Data::List(items) => items.iter().map(rounded).collect::<Vec<_>>().into(),
        Data::Map(map) => map.iter().map(|e| (e.key.clone(), rounded(&e.value))).collect::<Map>().into(),
        _ => value.clone(),
    }
}
