//! Rendering charts for Helm beside Helm: a corpus of public charts beside Helm's own library in one process and beside
//! `helm template` per chart, and 100 releases of one chart beside `helmfile template`.
//!
//! The corpus is the folder that the comparison of tests takes (`tests/it/chart/corpus.rs`).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use support::helmfile::{same_objects, template};
use support::process::{self, Series};
use support::project::Project;
use support::{Arguments, Failure, Targets};
use weft::chart::{self, Capabilities, Chance, Chart, Named};
use weft::values::{self, Layer};
use weft::yaml::Rules;

/// Programs of Go take so much longer that fewer runs tell enough.
const PEER_RUNS: usize = 3;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let corpus = Corpus::read(arguments.corpus()?)?;
    println!("charts: {} cases, {} cores", corpus.cases.len(), support::cores());
    library(arguments, &corpus, targets)?;
    process::head();
    command(arguments, &corpus, targets)?;
    releases(arguments, targets)
}

/// One case: a chart and files of values, in the corpus' folder.
struct Case {
    name: String,
    chart: String,
    values: Vec<String>,
}

struct Corpus {
    folder: PathBuf,
    cases: Vec<Case>,
}

impl Corpus {
    fn read(folder: PathBuf) -> Result<Self, Failure> {
        let list = fs::read_to_string(folder.join("cases.tsv"))?;
        let case = |line: &str| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            let (name, chart, values) = (next(), next(), next());
            let values = values.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
            Case { name, chart, values }
        };
        Ok(Self { cases: list.lines().map(case).collect(), folder })
    }

    /// Loads and renders all cases, and writes what they come to: on all cores, as the releases of an environment are
    /// rendered, or on this thread alone.
    fn render(&self, out: &Path, on_all_cores: bool) -> Result<Duration, Failure> {
        let began = Instant::now();
        let render = |case: &Case| {
            let rendered = self.rendered(case).map_err(|it| it.to_string())?;
            fs::write(out.join(format!("{}.yaml", case.name)), rendered).map_err(|it| it.to_string())
        };
        if on_all_cores {
            self.cases.par_iter().try_for_each(render)?;
        } else {
            self.cases.iter().try_for_each(render)?;
        }
        Ok(began.elapsed())
    }

    fn rendered(&self, case: &Case) -> Result<Vec<u8>, Failure> {
        let said = |failure: weft::diagnostic::Failure| {
            failure.diagnostics.iter().map(|it| format!("{}: {it}", case.name)).collect::<Vec<_>>().concat()
        };
        let (tree, folder) = weft::source::folder_of(&self.folder.join(&case.chart)).map_err(|it| said(it.into()))?;
        let chart = Chart::load(&tree, &folder)?;
        let mut layers = Vec::new();
        for path in &case.values {
            let text = fs::read_to_string(self.folder.join(path))?;
            layers
                .push(Layer::of_user(path.as_str(), chart::values(&text, &Arc::new(path.clone()), Rules::Kubernetes)?));
        }
        let named = Named {
            name: "rel".to_owned(),
            namespace: "ns1".to_owned(),
            is_upgrade: false,
            include_crds: true,
            no_hooks: false,
            skip_tests: false,
            capabilities: Capabilities::default(),
            now: 1_704_164_645,
            chance: Chance::Fixed,
        };
        Ok(chart::template(&chart, &values::merge(layers).by_user, &named)?)
    }

    /// A command that takes a chart and files of values.
    fn with(&self, command: &mut Command, case: &Case) {
        command.current_dir(&self.folder).arg(&case.chart);
        for path in &case.values {
            command.arg("-f").arg(path);
        }
    }
}

/// Beside Helm's library in one process; both load each chart, render it and write what it comes to.
fn library(arguments: &Arguments, corpus: &Corpus, targets: &mut Targets) -> Result<(), Failure> {
    let reference = arguments.peer("helmref")?;
    let (ours_out, theirs_out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (mut ours, mut alone, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PEER_RUNS.min(arguments.runs) {
        let began = Instant::now();
        let mut command = Command::new(&reference);
        command.current_dir(&corpus.folder).args(["-fixed", "cases.tsv"]).arg(theirs_out.path());
        process::run(&mut command)?;
        theirs.push(began.elapsed());
        ours.push(corpus.render(ours_out.path(), true)?);
        alone.push(corpus.render(ours_out.path(), false)?);
    }
    for case in &corpus.cases {
        let read = |out: &Path| fs::read(out.join(format!("{}.yaml", case.name)));
        if read(ours_out.path())? != read(theirs_out.path())? {
            return Err(format!("{}: the outputs differ", case.name).into());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let (ours, alone, theirs) = (median(&mut ours), median(&mut alone), median(&mut theirs));
    println!("the corpus in one process: weft {ours:.3} s, on one thread {alone:.3} s, Helm's library {theirs:.3} s");
    println!("  on one thread {:.1} times as fast as Helm's library", theirs / alone);
    let ratio = theirs / ours;
    targets.hold(ratio >= 5.0, &format!("{ratio:.1} times as fast as Helm's library"), "at least 5 times");
    Ok(())
}

/// Beside `helm template`, a process a chart.
fn command(arguments: &Arguments, corpus: &Corpus, targets: &mut Targets) -> Result<(), Failure> {
    let (helm, state) = (arguments.peer("helm")?, tempfile::tempdir()?);
    let ours = |case: &Case| {
        let mut command = process::weft();
        command.args(["chart", "render", "--name", "rel", "--namespace", "ns1", "--include-crds"]);
        corpus.with(&mut command, case);
        command
    };
    let theirs = |case: &Case| {
        let mut command = Command::new(&helm);
        for variable in ["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(variable, state.path());
        }
        command.args(["template", "rel", "--namespace", "ns1", "--include-crds"]);
        corpus.with(&mut command, case);
        command
    };
    let mut slowest = (f64::INFINITY, "");
    let (mut all_ours, mut all_theirs) = (0.0, 0.0);
    for case in &corpus.cases {
        let (ours, theirs) = (took(3, || ours(case))?, took(1, || theirs(case))?);
        (all_ours, all_theirs) = (all_ours + ours, all_theirs + theirs);
        if theirs / ours < slowest.0 {
            slowest = (theirs / ours, case.name.as_str());
        }
    }
    println!("a process a chart: weft {all_ours:.2} s, helm template {all_theirs:.2} s");
    let (ratio, (least, name)) = (all_theirs / all_ours, slowest);
    let measured = format!("{ratio:.1} times as fast as `helm template` (at least {least:.1} times, for {name})");
    targets.hold(ratio >= 10.0, &measured, "at least 10 times");
    Ok(())
}

/// The shortest time of so many runs, in seconds.
fn took(runs: usize, mut command: impl FnMut() -> Command) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let began = Instant::now();
        process::run(&mut command())?;
        best = best.min(began.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// 100 releases of one chart of Go templates beside `helmfile template`.
fn releases(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let (program, helm) = (arguments.peer("helmfile")?, arguments.peer("helm")?);
    let (project, state) = (Project::web_of_helm(100)?, tempfile::tempdir()?);
    let theirs = || template(&program, &helm, project.path(), state.path());
    let objects = same_objects(&process::output(&mut project.weft("render"))?, &process::output(&mut theirs())?)?;
    println!("100 releases of one chart, {objects} objects, the same for both");
    let (runs, peer_runs) = (2 * arguments.runs, PEER_RUNS.min(arguments.runs));
    let ours = Series::measure("weft render, 100 releases", runs, || project.weft("render"))?;
    let theirs = Series::measure("helmfile template", peer_runs, theirs)?;
    let ratio = theirs.ratio(&ours);
    targets.hold(ratio >= 100.0, &format!("{ratio:.0} times as fast as `helmfile template`"), "at least 100 times");
    Ok(())
}
