//! Rendering a hundred releases beside `helmfile template`, and ten times as many beside a hundred.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::path::Path;
use std::process::{Command, ExitCode};

use support::helmfile::{same_objects, template};
use support::process::{self, Series};
use support::project::Project;
use support::{Arguments, Failure, Targets};

/// `helmfile template` takes so much longer that fewer runs tell enough.
const PEER_RUNS: usize = 3;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let (helmfile, helm) = (arguments.peer("helmfile")?, arguments.peer("helm")?);
    let (hundred, thousand) = (Project::web(100)?, Project::web(1000)?);
    let state = tempfile::tempdir()?;
    let helmfile = || template(&helmfile, &helm, hundred.path(), state.path());
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
