//! Comparing a thousand unchanged objects beside `kubectl diff --server-side`, and what both ask the server.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::path::Path;
use std::process::{Command, ExitCode};

use support::cluster::ControlPlane;
use support::process::{self, Series};
use support::project::Project;
use support::{Arguments, Failure, Targets};

/// A thousand objects: ten kinds in each of ten releases.
const RELEASES: usize = 10;
const COPIES: usize = 10;

/// `kubectl diff` takes so much longer that fewer runs tell enough.
const PEER_RUNS: usize = 3;

/// How often `kubectl diff` is tried until controllers are done with new objects.
const TRIES: usize = 10;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let kubectl = arguments.peer("kubectl")?;
    let project = Project::fleet(RELEASES, COPIES)?;
    let manifests = project.fleet_manifests(RELEASES, COPIES)?;
    let plane = ControlPlane::start()?;
    let weft = |verb: &str| {
        let mut command = project.weft(verb);
        command.arg("--kubeconfig").arg(plane.kubeconfig());
        command
    };
    process::run(weft("apply").args(["--yes", "--no-wait"]))?;
    let kubectl = |verb: &str| peer(&kubectl, verb, plane.kubeconfig(), &manifests);
    process::run(&mut kubectl("apply"))?;
    // To `kubectl diff`, a status that a controller writes meanwhile is a difference, too.
    (1..TRIES).find(|_| process::run(&mut kubectl("diff")).is_ok()).ok_or("the objects do not come to rest")?;

    println!("diff: 1,000 unchanged objects, 10 kinds in 10 namespaces; {} cores", support::cores());
    process::head();
    let asked = plane.dry_runs()?;
    let ours = Series::measure("weft diff", 2 * arguments.runs, || {
        let mut command = weft("diff");
        command.arg("--exit-code");
        command
    })?;
    let asked_by_us = plane.dry_runs()? - asked;
    targets.hold(asked_by_us == 0, &format!("{asked_by_us} dry runs in all these runs"), "none");
    for concurrency in ["1", "16"] {
        let asked = plane.dry_runs()?;
        let runs = PEER_RUNS.min(arguments.runs);
        let theirs = Series::measure(&format!("kubectl diff, concurrency {concurrency}"), runs, || {
            let mut command = kubectl("diff");
            command.args(["--concurrency", concurrency]);
            command
        })?;
        let (ratio, asked) = (theirs.ratio(&ours), plane.dry_runs()? - asked);
        println!("         {asked} dry runs in these runs");
        let measured = format!("{ratio:.0} times as fast as `kubectl diff --concurrency={concurrency}`");
        targets.hold(ratio >= 20.0, &measured, "at least 20 times");
    }
    plane.stop()
}

/// A verb of kubectl on the same objects.
fn peer(kubectl: &Path, verb: &str, kubeconfig: &Path, manifests: &Path) -> Command {
    let mut command = Command::new(kubectl);
    command.args([verb, "--server-side", "--filename"]).arg(manifests).arg("--kubeconfig").arg(kubeconfig);
    command
}
