//! `-o` of verbs whose plan can be saved: in which form it is printed, or the file that it is saved in.

use std::path::PathBuf;

use clap::{Args, ValueEnum as _};
use thiserror::Error;

use super::acting::ActingArgs;
use super::arguments::{Format, SetArgs};
use super::terminal::Terminal;
use super::{Exit, files, planning, wait};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::pipeline::{self, PlanInputs, Planned, Settings};
use crate::plan::Guards;
use crate::report::{Purpose, Report};

// Where a plan goes.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SavingArgs {
    /// The form of the output (text, json, markdown, html, junit, sarif, github or gitlab), or a file to save the plan in, for `weft show FILE` and
    /// `weft apply --plan FILE`. Give it twice for both.
    #[arg(long, short = 'o', value_name = "FORMAT|FILE", value_parser = output)]
    output: Vec<Output>,
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
            "it is none of text, json, markdown, html, junit, sarif, github and gitlab; a file has a dot or a slash in its name, such as `./{text}`"
        )),
    }
}

/// A plan cannot be saved and applied at once.
#[derive(Debug, Error)]
#[error("a plan is saved in `{file}`, and not applied")]
struct NotBoth {
    file: String,
}

impl Diagnose for NotBoth {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn hint(&self) -> Option<String> {
        Some(format!("Leave out what agrees to the plan, and apply it with `weft apply --plan {}`.", self.file))
    }
}

impl SavingArgs {
    /// The form of the output.
    pub fn format(&self) -> Format {
        let format = |it: &Output| if let Output::Format(format) = it { Some(*format) } else { None };
        self.output.iter().rev().find_map(format).unwrap_or_default()
    }

    /// Whether the plan is only saved. Whoever agrees to it as well asks for too much.
    pub fn only_saves(&self, acting: &ActingArgs) -> Result<bool, Failure> {
        match self.files().next() {
            Some(file) if acting.agrees() => Err(NotBoth { file: file.display().to_string() }.into()),
            file => Ok(file.is_some()),
        }
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.output.iter().filter_map(|it| if let Output::File(file) = it { Some(file) } else { None })
    }

    /// Saves a plan in each file, and says so.
    pub fn save(
        &self,
        planned: &Planned,
        (settings, set, guards): (&Settings, &SetArgs, &Guards),
        report: &Report,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        for file in self.files() {
            let warnings = report.warnings.clone();
            let made = PlanInputs { guards, set: set.names(), given: set.pairs(), warnings };
            files::replace(file, wait(pipeline::save(planned, settings, made))?)?;
            let digest = report.digest.as_deref().unwrap_or_default();
            terminal.say(&format!("the plan is saved in {}, digest {digest}", file.display()));
        }
        Ok(())
    }

    /// Shows a plan and saves it, without applying it.
    pub fn show(
        &self,
        planned: &Planned,
        (settings, guards): (&Settings, &Guards),
        terminal: &Terminal,
    ) -> Result<Exit, Failure> {
        let report = planning::report(planned, Purpose::Plan, planned.plan.clone());
        planning::print(&report, planned, &self.format().into(), terminal)?;
        self.save(planned, (settings, &SetArgs::default(), guards), &report, terminal)?;
        Ok(planning::verdict(&report.plan, false))
    }
}
