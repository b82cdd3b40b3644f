//! A change that touches one of 500 releases beside the whole, a second run of what did not change, and two revisions
//! beside one.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use support::cluster::ControlPlane;
use support::process::{self, Series};
use support::project::{ENVIRONMENT, Project};
use support::{Arguments, Failure, Targets};

const RELEASES: usize = 500;
/// After how long files count as written a while ago: those that were just written are read again (docs/git.md).
const SETTLED: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let cache = tempfile::tempdir()?;
    println!("changed: {RELEASES} releases; {} cores", support::cores());
    process::head();
    rendered(arguments, targets, cache.path())?;
    planned(arguments, targets, cache.path())
}

/// Without a cluster.
fn rendered(arguments: &Arguments, targets: &mut Targets, cache: &Path) -> Result<(), Failure> {
    let project = Project::web(RELEASES)?;
    thread::sleep(SETTLED);
    let weft = |arguments: &str| with(&project, arguments, cache);
    let runs = 2 * arguments.runs;
    process::output(&mut weft("render bench"))?;
    let [whole, again] = Series::in_turns(
        runs,
        [
            ("weft render", &mut || Ok(weft("render bench --no-cache"))),
            ("weft render, unchanged", &mut || Ok(weft("render bench"))),
        ],
    )?;
    change(&project, "environments/bench/values/web-0000.yaml", "\nnobody: reads\n")?;
    let two = Series::measure("weft diff --from HEAD", runs, || weft("diff bench --from HEAD"))?;
    let one = Series::measure("weft render --changed-since HEAD", runs, || {
        weft("render bench --no-cache --changed-since HEAD")
    })?;
    println!("  rendering one of {RELEASES} takes 1/{:.0} of the whole", whole.ratio(&one));
    let ratio = whole.ratio(&again);
    targets.hold(ratio >= 20.0, &format!("an unchanged project takes 1/{ratio:.0} of the whole"), "at most 1/20");
    let ratio = two.ratio(&whole);
    targets.hold(ratio <= 2.2, &format!("two revisions take {ratio:.2} times one rendering"), "at most 2.2");
    Ok(())
}

/// With a cluster, to which everything was applied.
fn planned(arguments: &Arguments, targets: &mut Targets, cache: &Path) -> Result<(), Failure> {
    let project = Project::fleet(RELEASES, 2)?;
    let plane = ControlPlane::quiet()?;
    let kubeconfig = plane.kubeconfig().display().to_string();
    let weft = |arguments: &str| with(&project, &format!("{arguments} --kubeconfig {kubeconfig}"), cache);
    process::output(&mut weft("apply bench --yes --no-wait"))?;
    let values = format!("environments/{ENVIRONMENT}/values/fleet-0000.yaml");
    let since = "plan bench --changed-since HEAD";
    let unchanged = |arguments: &str| {
        drop(fs::remove_file(project.path().join(&values)));
        Ok(weft(arguments))
    };
    let mut changed = || {
        change(&project, &values, "copies: 3\n")?;
        Ok(weft(since))
    };
    let [whole, one, none] = Series::in_turns(
        2 * arguments.runs,
        [
            ("weft plan", &mut || unchanged("plan bench")),
            ("weft plan --changed-since HEAD", &mut changed),
            ("the same, nothing changed", &mut || unchanged(since)),
        ],
    )?;
    let ratio = whole.ratio(&one);
    targets.hold(ratio >= 10.0, &format!("planning one takes 1/{ratio:.0} of the whole"), "at most 1/10");
    let ratio = whole.ratio(&none);
    targets.hold(ratio >= 20.0, &format!("planning nothing takes 1/{ratio:.0} of the whole"), "at most 1/20");
    plane.stop()
}

/// The program in a project, with a cache folder of its own.
fn with(project: &Project, arguments: &str, cache: &Path) -> Command {
    let mut command = process::weft();
    command.current_dir(project.path()).args(arguments.split(' ')).env("XDG_CACHE_HOME", cache);
    command
}

/// Adds a text to a file, which may be new.
fn change(project: &Project, path: &str, more: &str) -> Result<(), Failure> {
    let path = project.path().join(path);
    fs::create_dir_all(path.parent().ok_or("a file is in a folder")?)?;
    let text = fs::read_to_string(&path).unwrap_or_default();
    Ok(fs::write(path, text + more)?)
}
