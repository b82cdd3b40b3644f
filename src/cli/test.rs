//! `weft test`.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::arguments::{ClusterArgs, Form, ProjectArgs, SelectArgs, SetArgs, TargetArgs, seconds};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::apply::{Log, TestResult};
use crate::diagnostic::{Failure, counted};
use crate::pipeline::{self, Tests};
use crate::report::{Event, Outcome, harmless};

#[derive(Clone, Debug, Args)]
pub(super) struct TestArgs {
    /// The environment.
    environment: String,
    /// Only these releases.
    #[arg(value_name = "RELEASE")]
    releases: Vec<String>,
    /// Only releases with this label. May be repeated; all must hold.
    #[arg(long = "label", short = 'l', value_name = "KEY=VALUE", value_parser = super::arguments::key_value)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    set: SetArgs,
    /// Show what the tests that passed wrote as well.
    #[arg(long)]
    logs: bool,
    /// End the run after this time (`90s`, `20m`). A test may take as long as its release waits, or five minutes.
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    deadline: Option<u64>,
    /// The form of the output; the schema of JSON is `docs/schema/test-v1.json`.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Form,
}

pub(super) fn run(args: &TestArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let select = SelectArgs { releases: args.releases.clone(), labels: args.labels.clone(), ..SelectArgs::default() };
    let project = args.project.clone();
    let cluster = args.cluster.clone();
    let target = TargetArgs { environment: args.environment.clone(), select, project, cluster };
    let settings = settings::online(&target, &args.set)?;
    let progress = terminal.progress();
    let mut show = |event: Event| {
        if let Outcome::Waiting(what) = &event.outcome {
            progress.changed(&harmless(&format!("waiting for {}: {what}", event.id)));
        }
    };
    let deadline = args.deadline.map(Duration::from_secs);
    let tests = wait(pipeline::test(&settings, deadline, &|what| progress.at(what), &mut show))?;
    progress.done();
    terminal.print(&match args.output {
        Form::Text => text(&tests.tested, args.logs),
        Form::Json => format!("{:#}\n", document(&args.environment, &tests)),
    })?;
    for release in &tests.without {
        terminal.say(&format!("the chart of `{release}` has no tests"));
    }
    let failed = tests.tested.iter().filter(|it| word(&it.outcome) != PASSED).count();
    terminal.say(&format!("{}, {failed} not passed", counted(tests.tested.len(), "test")));
    Ok(exit(&tests))
}

const PASSED: &str = "passed";

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Healthy => PASSED,
        Outcome::Failed(_) => "failed",
        Outcome::Skipped(_) => "skipped",
        _ => "unknown",
    }
}

/// A test that failed is an error; one of which nothing can be told is known to be none.
fn exit(tests: &Tests) -> Exit {
    let of = |it: &TestResult| match word(&it.outcome) {
        PASSED => Exit::Done,
        "unknown" => Exit::Unknown,
        _ => Exit::Invalid,
    };
    tests.signal.map_or_else(|| Exit::gravest(tests.tested.iter().map(of)), Exit::Signal)
}

fn text(tested: &[TestResult], all_logs: bool) -> String {
    let mut out = String::new();
    for it in tested {
        let word = word(&it.outcome);
        let seconds = it.took.as_secs_f64();
        let reason = it.outcome.reason().map(|why| format!(": {}", indented(why))).unwrap_or_default();
        let _ = writeln!(out, "{word:<8} {:<12} {} ({seconds:.1} s){reason}", it.release, it.id);
        for Log { pod, container, text } in it.logs.iter().filter(|_| all_logs || word != PASSED) {
            let _ = match text {
                Ok(text) if text.is_empty() => writeln!(out, "  {pod}/{container} wrote nothing"),
                Ok(text) => writeln!(out, "  {pod}/{container} wrote:\n    {}", indented(text)),
                Err(why) => writeln!(out, "  what {pod}/{container} wrote could not be read: {}", indented(why)),
            };
        }
    }
    out
}

/// A text of others below a line of ours.
fn indented(text: &str) -> String {
    harmless(text).replace('\n', "\n  ")
}

fn document(environment: &str, tests: &Tests) -> serde_json::Value {
    let log = |it: &Log| {
        let (key, text) = match &it.text {
            Ok(text) => ("text", text),
            Err(why) => ("error", why),
        };
        json!({"pod": it.pod, "container": it.container, key: text})
    };
    let test = |it: &TestResult| {
        let mut test = json!({
            "release": &*it.release, "object": it.id, "outcome": word(&it.outcome),
            "milliseconds": u64::try_from(it.took.as_millis()).unwrap_or(u64::MAX),
            "logs": it.logs.iter().map(log).collect::<Vec<_>>(),
        });
        if let Some(reason) = it.outcome.reason() {
            test["reason"] = reason.into();
        }
        test
    };
    let tested: Vec<_> = tests.tested.iter().map(test).collect();
    let without: Vec<&str> = tests.without.iter().map(AsRef::as_ref).collect();
    json!({"formatVersion": 1, "environment": environment, "tests": tested, "withoutTests": without})
}
