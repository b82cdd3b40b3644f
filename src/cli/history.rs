//! `weft history`.

use clap::Args;
use serde_json::{Value as Json, json};

use super::arguments::{ClusterArgs, Form, ProjectArgs, SelectArgs, SetArgs, TargetArgs};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::diagnostic::{Failure, counted};
use crate::manifest::ObjectId;
use crate::pipeline::{self, Settings};
use crate::state::history::Revision;
use crate::value::Value;
use crate::yaml;

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The environment.
    environment: String,
    /// Only this release.
    release: Option<String>,
    /// Print the objects of this revision, secrets masked.
    #[arg(long, value_name = "NUMBER", requires = "release")]
    revision: Option<u64>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Form,
}

pub(super) fn run(args: &HistoryArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = of_environment(&args.environment, None, &args.project, &args.cluster)?;
    if let (Some(release), Some(number)) = (&args.release, args.revision) {
        return show(&settings, release, number, args.output, terminal);
    }
    let progress = terminal.progress();
    let found = wait(pipeline::history(&settings, args.release.as_deref(), &|what| progress.at(what)))?;
    progress.done();
    terminal.print(&match args.output {
        Form::Text => table(&found.revisions),
        Form::Json => format!("{:#}\n", found.revisions.iter().map(entry).collect::<Json>()),
    })?;
    for warning in &found.warnings {
        terminal.warn(warning);
    }
    Ok(if found.warnings.is_empty() { Exit::Done } else { Exit::Unknown })
}

/// The settings of a verb that is about an environment, or about one release of it.
pub(super) fn of_environment(
    environment: &str,
    release: Option<&str>,
    project: &ProjectArgs,
    cluster: &ClusterArgs,
) -> Result<Settings, Failure> {
    let releases = release.iter().map(|it| (*it).to_owned()).collect();
    let select = SelectArgs { releases, ..SelectArgs::default() };
    let environment = environment.to_owned();
    let project = project.clone();
    let cluster = cluster.clone();
    settings::online(&TargetArgs { environment, select, project, cluster }, &SetArgs::default())
}

fn show(settings: &Settings, release: &str, number: u64, form: Form, terminal: &Terminal) -> Result<Exit, Failure> {
    let progress = terminal.progress();
    let (revision, objects) = wait(pipeline::objects(settings, release, number, &|what| progress.at(what)))?;
    progress.done();
    let text = match form {
        Form::Text => {
            let document = |(id, body): &(ObjectId, Value)| format!("---\n# {id}\n{}", yaml::write(body));
            objects.iter().map(document).collect::<Vec<_>>().concat()
        }
        Form::Json => {
            let bodies: Vec<Json> = objects.iter().map(|(_, body)| json!(body)).collect();
            let mut document = entry(&revision);
            document["objects"] = bodies.into();
            format!("{document:#}\n")
        }
    };
    terminal.print(&text)?;
    terminal.say(&format!("{release}, revision {number}: {}, {}", counted(objects.len(), "object"), revision.result()));
    Ok(Exit::Done)
}

/// A revision as JSON, with the number of its objects.
fn entry(revision: &Revision) -> Json {
    let made = &revision.made;
    json!({
        "release": &*revision.release,
        "revision": revision.number,
        "at": made.at,
        "by": made.by,
        "commit": made.commit,
        "dirty": made.dirty,
        "set": made.set,
        "plan": made.plan,
        "result": revision.outcome.word(),
        "reason": revision.outcome.reason(),
        "rolledBackTo": revision.back_to,
        "weft": made.weft,
        "objects": revision.objects.len(),
    })
}

const HEADS: [&str; 6] = ["RELEASE", "REVISION", "AT", "BY", "COMMIT", "RESULT"];

/// How much of a commit's id is enough to tell it.
const SHORT: usize = 12;

fn table(revisions: &[Revision]) -> String {
    let rows: Vec<[String; 6]> = std::iter::once(HEADS.map(str::to_owned)).chain(revisions.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(revision: &Revision) -> [String; 6] {
    let made = &revision.made;
    let commit = made.commit.as_deref().map(|id| id.chars().take(SHORT).collect::<String>());
    let commit = commit.map_or_else(|| "-".to_owned(), |id| id + if made.dirty { " with changes" } else { "" });
    let commit = made.set.iter().fold(commit, |commit, set| format!("{commit} {set}"));
    let number = revision.number.to_string();
    [revision.release.to_string(), number, made.at.clone(), made.by.clone(), commit, revision.result()]
}
