//! How much memory ten thousand objects need at most, rendered and compared with live ones.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::process::ExitCode;

use support::cluster::ControlPlane;
use support::process::{self, Series, megabytes};
use support::project::Project;
use support::{Arguments, Failure, Targets};

/// Ten thousand objects: ten kinds in each of a hundred releases.
const RELEASES: usize = 100;
const COPIES: usize = 10;

/// In bytes.
const LIMIT: u64 = 200_000_000;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let project = Project::fleet(RELEASES, COPIES)?;
    let plane = ControlPlane::start()?;
    let weft = |arguments: &[&str]| {
        let mut command = project.weft(arguments[0]);
        command.args(&arguments[1..]).arg("--kubeconfig").arg(plane.kubeconfig());
        command
    };
    println!("memory: 10,000 objects, 10 kinds in 10 namespaces; {} cores", support::cores());
    process::head();
    let rendered = Series::measure("weft render", arguments.runs, || project.weft("render"))?;
    let new = Series::measure("weft diff, all to be created", 1, || weft(&["diff"]))?;
    Series::measure("weft apply, all to be created", 1, || weft(&["apply", "--yes", "--no-wait"]))?;
    let unchanged = Series::measure("weft diff, nothing changed", arguments.runs, || weft(&["diff", "--exit-code"]))?;
    for (what, series) in [("rendered", rendered), ("compared, all new", new), ("compared, unchanged", unchanged)] {
        let measured = format!("{what}: {:.0} MB", megabytes(series.peak));
        targets.hold(series.peak < LIMIT, &measured, "below 200 MB");
    }
    plane.stop()
}
