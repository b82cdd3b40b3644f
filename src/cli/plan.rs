//! `weft plan`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};

use super::arguments::{Format, JudgeArgs, OutputArgs, SetArgs, TargetArgs, TargetsArgs, View};
use super::many::{self, Looked, Targets};
use super::planning::{self, GuardArgs};
use super::terminal::Terminal;
use super::{Exit, files, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline::{self, Made, Planned, Settings};
use crate::report::{Purpose, Report};

/// Show what an apply would do: every object, every field, what is pruned, and what is refused. It writes nothing to the
/// cluster.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    judge: JudgeArgs,
    /// The form of the output (text, json or markdown), or a file to save the plan in, for `weft show FILE` and
    /// `weft apply --plan FILE`. Give it twice for both.
    #[arg(long, short = 'o', value_name = "FORMAT|FILE", value_parser = output)]
    output: Vec<Output>,
    /// How changes are laid out, in text and Markdown.
    #[arg(long, value_name = "VIEW", default_value = "text")]
    view: View,
    /// Show what rules ignore as well, with the reason of each.
    #[arg(long)]
    show_ignored: bool,
    /// End with exit code 2 where there is anything to do.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    guards: GuardArgs,
}

/// What `-o` asks for.
#[derive(Clone, Debug)]
enum Output {
    /// What is printed.
    Format(Format),
    /// Where the plan is saved.
    File(PathBuf),
}

/// A name without a dot and a slash is more likely a format with a slip in it than a file.
fn output(text: &str) -> Result<Output, String> {
    match Format::from_str(text, false) {
        Ok(format) => Ok(Output::Format(format)),
        Err(_) if text.contains(['.', '/']) => Ok(Output::File(PathBuf::from(text))),
        Err(_) => Err(format!(
            "it is none of text, json and markdown; a file has a dot or a slash in its name, such as `./{text}`"
        )),
    }
}

impl PlanArgs {
    fn form(&self) -> OutputArgs {
        let format = |it: &Output| if let Output::Format(format) = it { Some(*format) } else { None };
        let format = self.output.iter().rev().find_map(format).unwrap_or_default();
        OutputArgs { format, view: self.view, show_ignored: self.show_ignored }
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.output.iter().filter_map(|it| if let Output::File(file) = it { Some(file) } else { None })
    }
}

pub(super) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    if args.files().next().is_some() {
        targets.only("a plan is saved of")?;
    }
    many::look(&targets, args.form(), terminal, |target, terminal| look(args, target, terminal))
}

fn look(args: &PlanArgs, target: &TargetArgs, terminal: &Terminal) -> Result<Looked, Failure> {
    let settings = Settings { judge: args.judge.into(), ..settings::online(target, &args.set)? };
    let planned = planning::plan_with(&settings, &args.guards.guards(), terminal)?;
    let report = planning::report(&planned, Purpose::Plan, planned.plan.clone());
    for file in args.files() {
        save(file, args, &settings, &planned, &report)?;
    }
    let refused = !report.plan.refusals.is_empty();
    let exit = if refused { Exit::Refused } else { planning::exit(&report.plan, args.exit_code) };
    Ok(Looked { report, key: planned.state.key, exit })
}

fn save(file: &Path, args: &PlanArgs, settings: &Settings, planned: &Planned, report: &Report) -> Result<(), Failure> {
    let guards = &args.guards.guards();
    let made = Made { guards, set: args.set.names(), warnings: report.warnings.clone() };
    let bytes = wait(pipeline::save(planned, settings, made))?;
    Ok(files::replace(file, bytes)?)
}
