//! `weft secrets who`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::covered::{self, ScopeArgs};
use super::subject::{self, KeyArgs};
use crate::cli::arguments::Form;
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::{Failure, counted};
use crate::secrets::{self, Readers};

/// Show who can read which encrypted files. Needs no private key.
///
/// A reader's name is the comment behind the key in `.sops.yaml`, or its anchor there.
#[derive(Debug, Args)]
pub(super) struct WhoArgs {
    /// Encrypted files, and folders with such files. Without them, all that a rule of `.sops.yaml` covers.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Form,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    files: Vec<Encrypted>,
    readers: Vec<Reader>,
}

/// A file with its readers.
#[derive(Serialize)]
struct Encrypted {
    path: String,
    /// Of each group any one key counts.
    groups: Vec<Vec<String>>,
    /// How many groups are needed together.
    threshold: usize,
}

/// A reader with its files.
#[derive(Serialize)]
struct Reader {
    key: String,
    name: Option<String>,
    files: Vec<String>,
}

pub(super) fn run(args: &WhoArgs, terminal: &Terminal) -> Result<(), Failure> {
    let report = report(args)?;
    match args.output {
        Form::Json => {
            let json = serde_json::to_string_pretty(&report).unwrap_or_default();
            terminal.print(&format!("{json}\n"))?;
        }
        Form::Text => {
            terminal.print(&table(&report))?;
            let files = counted(report.files.len(), "file");
            let readers = counted(report.readers.len(), "reader");
            terminal.say(&format!("{files}, {readers}"));
        }
    }
    Ok(())
}

fn report(args: &WhoArgs) -> Result<Report, Failure> {
    let keys = KeyArgs { environment: None, identities: Vec::new() };
    let scope = ScopeArgs { paths: args.paths.clone(), all: args.paths.is_empty(), dry_run: false, keys };
    let start = args.paths.first().cloned().unwrap_or_else(|| PathBuf::from("."));
    let folder = subject::rules_folder(&covered::normal(&start)).map(PathBuf::from);
    let rules = folder.as_deref().map(subject::rules).transpose()?;
    let text = rules.map(|(_, text)| text).unwrap_or_default();
    let mut found = Vec::new();
    for path in covered::files(&scope)? {
        let name = folder.as_deref().map_or_else(|| path.display().to_string(), |it| subject::relative(&path, it));
        let readers = secrets::readers_of(&files::bytes(&path)?, &Arc::new(name.clone()))?;
        found.push(encrypted(name, &readers));
    }
    let mut readers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &found {
        for key in file.groups.iter().flatten() {
            readers.entry(key.clone()).or_default().push(file.path.clone());
        }
    }
    let reader = |(key, files): (String, Vec<String>)| Reader { name: name_of(&key, &text), key, files };
    Ok(Report { files: found, readers: readers.into_iter().map(reader).collect() })
}

fn encrypted(path: String, readers: &Readers) -> Encrypted {
    let groups = readers.groups.iter().map(|group| {
        let others = group.others.iter().map(ToString::to_string);
        group.recipients.iter().map(ToString::to_string).chain(others).collect()
    });
    let groups: Vec<Vec<String>> = groups.collect();
    Encrypted { path, threshold: readers.threshold.unwrap_or(groups.len()), groups }
}

/// A block a reader, and under it the files that it can read.
fn table(report: &Report) -> String {
    let part = |path: &String| {
        let file = report.files.iter().find(|file| file.path == *path);
        let several = file.filter(|file| file.groups.len() > 1);
        several.map_or_else(String::new, |it| format!("  ({} of {} groups needed)", it.threshold, it.groups.len()))
    };
    let block = |reader: &Reader| {
        let name = reader.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
        let files = reader.files.iter().map(|path| format!("  {path}{}\n", part(path)));
        format!("{}{name}\n{}", reader.key, files.collect::<String>())
    };
    report.readers.iter().map(block).collect()
}

/// What `.sops.yaml` calls a key: the comment behind it, or its anchor.
fn name_of(key: &str, text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.contains(key))?;
    let (before, after) = line.split_once(key)?;
    // A comment behind several keys is no name of one.
    let alone = |rest: &str| rest.trim_matches(['"', '\'', ',', ' ']).is_empty() && !before.trim_end().ends_with(',');
    let comment = after.split_once(" #").filter(|(rest, _)| alone(rest)).map(|(_, comment)| comment.trim());
    let anchor = || before.split_whitespace().find_map(|word| word.strip_prefix('&'));
    comment.filter(|it| !it.is_empty()).or_else(anchor).map(str::to_owned)
}
