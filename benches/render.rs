//! Rendering a hundred releases beside `helmfile template`, and ten times as many beside a hundred.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use support::process::{self, Series};
use support::project::Project;
use support::{Arguments, Failure, Targets};
use weft::value::Value;
use weft::yaml::{self, Rules};

/// `helmfile template` takes so much longer that fewer runs tell enough.
const PEER_RUNS: usize = 3;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let (helmfile, helm) = (arguments.peer("helmfile")?, arguments.peer("helm")?);
    let (hundred, thousand) = (Project::web(100)?, Project::web(1000)?);
    let state = tempfile::tempdir()?;
    let helmfile = || peer(&helmfile, &helm, hundred.path(), state.path());
    let objects = same_objects(&process::output(&mut hundred.weft("render"))?, &process::output(&mut helmfile())?)?;
    println!("render: 100 releases, {objects} objects, the same for both; {} cores", support::cores());
    process::head();
    let (out, theirs_out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let to = |mut command: Command, option: &str, folder: &Path| {
        command.arg(option).arg(folder);
        command
    };
    let (runs, peer_runs) = (2 * arguments.runs, PEER_RUNS.min(arguments.runs));
    let ours = [
        Series::measure("weft render", runs, || hundred.weft("render"))?,
        Series::measure("weft render -o FOLDER", runs, || to(hundred.weft("render"), "-o", out.path()))?,
    ];
    let more = Series::measure("weft render, 1,000 releases", arguments.runs, || thousand.weft("render"))?;
    let theirs = [
        Series::measure("helmfile template", peer_runs, helmfile)?,
        Series::measure("helmfile template --output-dir FOLDER", peer_runs, || {
            to(helmfile(), "--output-dir", theirs_out.path())
        })?,
    ];
    for (what, (ours, theirs)) in ["printed", "written to files"].iter().zip(ours.iter().zip(&theirs)) {
        let ratio = theirs.ratio(ours);
        let measured = format!("{what}, {ratio:.0} times as fast as `helmfile template`");
        targets.hold(ratio >= 50.0, &measured, "at least 50 times");
    }
    let growth = more.ratio(&ours[0]);
    let measured = format!("1,000 releases take {growth:.1} times the time of 100");
    targets.hold(growth <= 11.0, &measured, "at most 11 times");
    Ok(())
}

/// `helmfile template` of a project: `helm` is the one beside it, and nothing of the user's is read.
fn peer(helmfile: &Path, helm: &Path, project: &Path, state: &Path) -> Command {
    let mut command = Command::new(helmfile);
    command.current_dir(project).arg("--quiet").arg("--helm-binary").arg(helm).args(["template", "--skip-deps"]);
    for variable in ["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELMFILE_CACHE_HOME"] {
        command.env(variable, state);
    }
    command
}

/// Holds the objects of both against each other, so that both have done the same work; how many there are.
fn same_objects(ours: &str, theirs: &str) -> Result<usize, Failure> {
    let (ours, theirs) = (objects(ours)?, objects(theirs)?);
    let differs = |(id, body): &(&String, &serde_json::Value)| theirs.get(*id) != Some(*body);
    match ours.iter().find(differs) {
        Some((id, body)) => {
            let other = theirs.get(id).map_or_else(|| "nothing".to_owned(), ToString::to_string);
            Err(format!("{id} is not the same for both: {body} and {other}").into())
        }
        None if ours.len() == theirs.len() => Ok(ours.len()),
        None => Err(format!("{} objects beside {}", ours.len(), theirs.len()).into()),
    }
}

/// Objects by kind and name, without the label that says of which release they are, which only we write.
fn objects(text: &str) -> Result<BTreeMap<String, serde_json::Value>, Failure> {
    let documents = yaml::documents(text, &Arc::new("output".to_owned()), Rules::Strict)?;
    let object = |mut document: Value| {
        let name = document.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
        let id = format!("{} {name}", document.get("kind").and_then(Value::as_str).unwrap_or_default());
        let metadata = document.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut);
        if let Some(labels) = metadata.and_then(|it| it.get_mut("labels")).and_then(Value::as_map_mut) {
            labels.remove(weft::manifest::PART_OF);
        }
        Ok((id, serde_json::to_value(&document)?))
    };
    documents.into_iter().map(object).collect()
}
