//! Building kustomizations beside `kustomize build`: an annotation on each of 1,000 and 10,000 objects, and a patch on
//! each of 1,000.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use support::process::{self, Series};
use support::{Arguments, Failure, Targets};

/// `kustomize build` takes so much longer that fewer runs tell enough.
const PEER_RUNS: usize = 3;

/// One annotation on everything.
const ANNOTATION: &str = "commonAnnotations: {owner: team-a}\n";

/// One strategic merge patch on everything.
const PATCH: &str = "patches:
- target: {kind: Deployment}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: any}
    spec:
      template:
        spec:
          containers:
          - name: main
            env:
            - {name: LEVEL, value: debug}
";

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let kustomize = arguments.peer("kustomize")?;
    let place = tempfile::tempdir()?;
    let folder = |name: &str, objects: usize, rest: &str| written(&place.path().join(name), objects, rest);
    let annotated = folder("annotated", 1_000, ANNOTATION)?;
    let many = folder("many", 10_000, ANNOTATION)?;
    let patched = folder("patched", 1_000, PATCH)?;
    println!("kustomize: {} cores", support::cores());
    process::head();
    let (runs, peer_runs) = (2 * arguments.runs, PEER_RUNS.min(arguments.runs));
    let mut one = None;
    for (what, folder) in [("an annotation on 1,000", &annotated), ("a patch on each of 1,000", &patched)] {
        let (mine, theirs) = (process::output(&mut ours(folder))?, process::output(&mut peer(&kustomize, folder))?);
        if mine != theirs {
            return Err(format!("{what}: the outputs differ").into());
        }
        let ours = Series::measure(&format!("weft, {what}"), runs, || ours(folder))?;
        let theirs = Series::measure(&format!("kustomize, {what}"), peer_runs, || peer(&kustomize, folder))?;
        let ratio = theirs.ratio(&ours);
        targets.hold(
            ratio >= 40.0,
            &format!("{what}, {ratio:.0} times as fast as `kustomize build`"),
            "at least 40 times",
        );
        one.get_or_insert(ours);
    }
    let more = Series::measure("weft, an annotation on 10,000", runs, || ours(&many))?;
    let growth = one.map_or(0.0, |one| more.ratio(&one));
    targets.hold(growth <= 12.0, &format!("10,000 take {growth:.1} times the time of 1,000"), "at most 12 times");
    Ok(())
}

fn ours(folder: &Path) -> Command {
    let mut command = process::weft();
    command.args(["kustomize", "build", "--reorder", "legacy"]).arg(folder);
    command
}

fn peer(kustomize: &Path, folder: &Path) -> Command {
    let mut command = Command::new(kustomize);
    command.args(["build"]).arg(folder);
    command
}

/// A kustomization of so many Deployments.
fn written(folder: &Path, objects: usize, rest: &str) -> Result<PathBuf, Failure> {
    fs::create_dir(folder)?;
    let mut text = String::new();
    for at in 0..objects {
        write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{at}\n  labels: {{app: app-{at}}}\nspec:\n  \
             replicas: 2\n  selector:\n    matchLabels: {{app: app-{at}}}\n  template:\n    metadata:\n      labels: {{app: \
             app-{at}}}\n    spec:\n      containers:\n      - name: main\n        image: example.com/app:1.{at}\n        \
             ports: [{{containerPort: 8080}}]\n        env:\n        - {{name: PLACE, value: here}}\n"
        )?;
    }
    fs::write(folder.join("all.yaml"), text)?;
    fs::write(folder.join("kustomization.yaml"), format!("resources: [all.yaml]\n{rest}"))?;
    Ok(folder.to_path_buf())
}
