//! What `diff`, `plan`, `apply`, `drift` and `destroy` have in common: guards, and printing a report.

use std::ffi::OsStr;
use std::path::Path;

use clap::Args;

use super::arguments::{Format, JudgeArgs, OutputArgs, SetArgs, TargetArgs, View};
use super::terminal::Terminal;
use super::{Exit, files, settings, wait};
use crate::diagnostic::Failure;
use crate::diff;
use crate::masked::FingerprintKey;
use crate::pipeline::{self, Planned, Settings};
use crate::plan::{Guards, Plan, Step};
use crate::report::{
    self, Budget, EnvironmentReport, ListOptions, Notice, Purpose, Report, ReportPart, Show, TextStyle,
};

// The words that lift guards.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct GuardArgs {
    /// Allow this many objects of a release to be deleted, instead of 5 or a fifth of them; and of the environment, if it
    /// is more than 10 or a fifth of all.
    #[arg(long, value_name = "COUNT")]
    prune_cap: Option<usize>,
    /// Confirm exactly the deletions that a refusal named.
    #[arg(long, value_name = "WORD")]
    confirm_prune: Option<String>,
    /// Allow objects of this kind to be deleted: `Namespace`, `CustomResourceDefinition`,
    /// `PersistentVolume` or `PersistentVolumeClaim`. May be repeated.
    #[arg(long, value_name = "KIND")]
    delete_kind: Vec<String>,
    /// Allow this release to render to nothing, or this environment to have no releases. May be repeated.
    #[arg(long, value_name = "NAME")]
    allow_empty: Vec<String>,
    /// Allow the objects of this release to be deleted although it is only not in the environment any more, or has another
    /// namespace. May be repeated.
    #[arg(long, value_name = "RELEASE")]
    remove_release: Vec<String>,
    /// Take over the state that was written from another repository with the identity of this project: it moved.
    #[arg(long)]
    repository_moved: bool,
    /// Take fields from this field manager; `*` at the end stands for any ending. May be repeated.
    #[arg(long, value_name = "MANAGER")]
    take: Vec<String>,
    /// Allow this object to be deleted and made again: `KIND/NAME` or `Kind.group/NAMESPACE/NAME`. May be repeated.
    #[arg(long, value_name = "OBJECT")]
    replace: Vec<String>,
}

impl GuardArgs {
    pub(super) fn guards(&self) -> Guards {
        Guards {
            cap: self.prune_cap,
            confirm: self.confirm_prune.clone(),
            allow_delete: self.delete_kind.iter().cloned().collect(),
            allow_empty: self.allow_empty.iter().cloned().collect(),
            remove_release: self.remove_release.iter().cloned().collect(),
            repository_moved: self.repository_moved,
            take: self.take.clone(),
            replace: self.replace.iter().cloned().collect(),
            orphan: None,
        }
    }
}

/// Plans an environment, and tells what that is at.
pub(super) fn plan(
    target: &TargetArgs,
    set: &SetArgs,
    judge: JudgeArgs,
    guards: &Guards,
    terminal: &Terminal,
) -> Result<Planned, Failure> {
    let planned = plan_with(&Settings { judge: judge.into(), ..settings::online(target, set)? }, guards, terminal)?;
    Ok(Planned { touched: target.select.touched.clone(), ..planned })
}

/// Plans what the settings say, and tells what that is at.
pub(super) fn plan_with(settings: &Settings, guards: &Guards, terminal: &Terminal) -> Result<Planned, Failure> {
    let progress = terminal.progress();
    let planned = wait(pipeline::plan(settings, guards, &|what| progress.at(what)))?;
    progress.done();
    Ok(planned)
}

/// The report of a plan.
pub(super) fn report(planned: &Planned, purpose: Purpose, plan: Plan) -> Report {
    let commit = planned.project.commit.as_ref().map(|commit| {
        let dirty = if commit.dirty { " with changes" } else { "" };
        format!("{}{dirty}", commit.id)
    });
    let mut warnings = planned.warnings.clone();
    let secret = |step: &Step| step.object.desired.as_ref().is_some_and(|it| diff::holds_secret(&it.body));
    if !planned.state.key_is_kept && plan.pending().any(secret) {
        warnings.push(
            "The fingerprints of secrets compare only within this run: no key is kept in the cluster yet.".into(),
        );
    }
    let cluster = Some(planned.cluster.address().to_owned());
    let digest = Some(plan.digest(&planned.state.key));
    let touched = planned.touched.clone();
    Report { purpose, cluster, commit, plan, digest, warnings, touched, ..Report::default() }
}

/// Prints a report in the form that was asked for.
pub(super) fn print(
    report: &Report,
    planned: &Planned,
    output: &OutputArgs,
    terminal: &Terminal,
) -> Result<(), Failure> {
    print_with(report, (&planned.state.key, &planned.project.folder), output, terminal)
}

/// Prints a report whose secrets are fingerprints of this key, about a project in this folder of its repository.
pub(super) fn print_with(
    report: &Report,
    (key, folder): (&FingerprintKey, &str),
    output: &OutputArgs,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let ignored = output.show_ignored;
    let text = match output.format {
        Format::Text => report::text(report, &style(output, terminal)),
        Format::Json => format!("{:#}\n", report::json(report, ListOptions { ignored, ..ListOptions::default() }, key)),
        Format::Markdown => report::markdown(report, budget(output)),
        Format::Html => report::html(report, show(output)),
        Format::Junit => report::junit(&[part(report, key)], folder),
        Format::Sarif | Format::Github | Format::Gitlab => annotations(&report::notices(report), folder, output.format),
    };
    keep_whole(output, || report::markdown(report, all(output)))?;
    Ok(terminal.print(&text)?)
}

/// Prints the reports of several environments in the form that was asked for. For `folder` see [`print_with`].
pub(super) fn print_many(
    parts: &[ReportPart],
    (code, folder): (u8, &str),
    output: &OutputArgs,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let listed = ListOptions { ignored: output.show_ignored, ..ListOptions::default() };
    let text = match output.format {
        Format::Text => report::text_of_many(parts, &style(output, terminal)),
        Format::Json => format!("{:#}\n", report::json_of_many(parts, code, listed)),
        Format::Markdown => report::markdown_of_many(parts, budget(output)),
        Format::Html => report::html_of_many(parts, show(output)),
        Format::Junit => report::junit(parts, folder),
        Format::Sarif | Format::Github | Format::Gitlab => {
            annotations(&report::notices_of_many(parts), folder, output.format)
        }
    };
    keep_whole(output, || report::markdown_of_many(parts, all(output)))?;
    Ok(terminal.print(&text)?)
}

/// A report as the only one.
fn part<'r>(report: &'r Report, key: &'r FingerprintKey) -> ReportPart<'r> {
    ReportPart { environment: &report.plan.environment, code: 0, told: EnvironmentReport::Report(report, key) }
}

/// Notices in a form that has nothing else, about a project in this folder of its repository.
pub(super) fn annotations(notices: &[Notice], folder: &str, format: Format) -> String {
    match format {
        Format::Github => report::github(notices, folder),
        Format::Gitlab => format!("{:#}\n", report::gitlab(notices, folder)),
        _ => format!("{:#}\n", report::sarif(notices, folder)),
    }
}

/// What a page has room for.
fn budget(output: &OutputArgs) -> Budget<'_> {
    let whole = output.page.whole.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    Budget { bytes: output.page.budget, show: show(output), whole }
}

/// The same without a limit.
fn all(output: &OutputArgs) -> Budget<'_> {
    Budget { bytes: usize::MAX, ..budget(output) }
}

/// Writes all of a report into the file that was asked for.
fn keep_whole(output: &OutputArgs, page: impl Fn() -> String) -> Result<(), Failure> {
    match &output.page.whole {
        Some(file) => Ok(files::replace(file, page())?),
        None => Ok(()),
    }
}

fn show(output: &OutputArgs) -> Show {
    let view = match output.view {
        View::Text => report::ChangeLayout::Lines,
        View::Columns => report::ChangeLayout::Columns,
    };
    Show { view, ignored: output.show_ignored }
}

fn style(output: &OutputArgs, terminal: &Terminal) -> TextStyle {
    let width = terminal.width().unwrap_or(report::WIDTH);
    TextStyle { colour: terminal.color(), show: show(output), width, ..TextStyle::default() }
}

/// How a run that only looked ends: what could not be told comes first, then what was refused.
pub(super) fn exit(plan: &Plan, tell_differences: bool) -> Exit {
    match plan.summary() {
        summary if summary.unknown > 0 => Exit::Unknown,
        _ if tell_differences && !plan.is_empty() => Exit::Differences,
        _ => Exit::Done,
    }
}

/// The same for a plan that people decide about: refused comes before all else.
pub(super) fn verdict(plan: &Plan, tell_differences: bool) -> Exit {
    if plan.refusals.is_empty() { exit(plan, tell_differences) } else { Exit::Refused }
}
