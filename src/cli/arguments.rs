//! The arguments that several verbs share.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::diff::Judge;
use crate::pipeline::Declared;
use crate::plan::touched::TouchedReleases;
use crate::project;
use crate::report;
use crate::trust::Allowance;

// Which project, and with which keys.
#[derive(Clone, Debug, Args)]
pub(super) struct ProjectArgs {
    /// The project's folder, or one below it.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
    /// Read the project's files from this commit instead of the folder: a branch, a tag, `HEAD~1`, `A...B` (where the ways
    /// of both parted), or `REVISION:FOLDER`. Needs no work tree.
    #[arg(long, value_name = "REVISION", alias = "rev")]
    pub at: Option<String>,
    /// An age identity file. May be repeated; comes before all other places where keys are looked for.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    pub identities: Vec<PathBuf>,
}

// Which releases.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SelectArgs {
    /// Only this release. May be repeated.
    #[arg(long = "release", short = 'r', value_name = "NAME")]
    pub releases: Vec<String>,
    /// Only releases with this label. May be repeated; all must hold.
    #[arg(long = "label", short = 'l', value_name = "KEY=VALUE", value_parser = key_value)]
    pub labels: Vec<(String, String)>,
    /// Releases that the repository does not have any more.
    #[arg(skip)]
    pub gone: Vec<String>,
    /// What a change touches, where the releases were chosen by it.
    #[arg(skip)]
    pub touched: Option<TouchedReleases>,
    /// What the files declare, where they were read to know that.
    #[arg(skip)]
    pub declared: Option<Arc<Declared>>,
}

// Only what a change of the repository touches.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ChangedArgs {
    /// Only releases that a change since this revision touches: whose files, entries or values are others, and not only
    /// where nothing reads them. `REVISION...` counts from where the ways parted.
    #[arg(long, value_name = "REVISION")]
    pub changed_since: Option<String>,
    /// Say of each release why it is in or out.
    #[arg(long, requires = "changed_since")]
    pub why: bool,
}

// What to set in the values of the releases.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SetArgs {
    /// Set a value: `image.tag=v2`, `hosts={a,b}`, `ports[0].name=http`. May be repeated; wins over every file.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// The same, always as text.
    #[arg(long, value_name = "PATH=TEXT")]
    pub set_string: Vec<String>,
    /// The same, with a JSON value.
    #[arg(long, value_name = "PATH=JSON")]
    pub set_json: Vec<String>,
}

impl SetArgs {
    /// What is set, without the values: `--set image.tag`. They may be secret.
    pub fn names(&self) -> Vec<String> {
        let name = |(option, text): (String, String)| match text.split_once('=') {
            Some((path, _)) if !path.starts_with('{') => format!("{option} {path}"),
            _ => option,
        };
        self.pairs().into_iter().map(name).collect()
    }

    /// Each option with what stands behind it.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let options = [("--set", &self.set), ("--set-string", &self.set_string), ("--set-json", &self.set_json)];
        let pair = |option: &str, text: &String| (option.to_owned(), text.clone());
        options.into_iter().flat_map(|(option, texts)| texts.iter().map(move |text| pair(option, text))).collect()
    }

    /// What [`Self::pairs`] gave.
    pub fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut set = Self::default();
        for (option, text) in pairs {
            match option.as_str() {
                "--set-string" => set.set_string.push(text),
                "--set-json" => set.set_json.push(text),
                _ => set.set.push(text),
            }
        }
        set
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.set_string.is_empty() && self.set_json.is_empty()
    }
}

// Which cluster, where it is not the one that the environment names.
#[derive(Clone, Debug, Args)]
pub(super) struct ClusterArgs {
    /// A kubeconfig file in place of the environment's.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// A context in place of the environment's.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Let the repository, or a kubeconfig from a Secret, do this: `exec`, `auth-provider`, `files`, `insecure`,
    /// `tls-server-name`, `http`, `server=ADDRESS`, `proxy=ADDRESS`. Several are separated by commas, as in
    /// `WEFT_ALLOW_CLUSTER`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub allow_cluster: Vec<Allowance>,
    /// How many requests may be under way at once, at most. Fewer are sent to a server that asks for less.
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = whole::<1024>)]
    pub concurrency: usize,
    /// How long to wait for an API server that does not answer: `30s`, `2m`. A lease lasts twice as long.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = seconds)]
    pub patience: u64,
}

// How differences are found.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct JudgeArgs {
    /// Whose word is taken for what an apply would change: that of proofs where there is one, or that of the server's
    /// dry run for every object.
    #[arg(long, value_name = "HOW", default_value = "proofs")]
    pub judge: JudgeBy,
}

/// Whose word is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum JudgeBy {
    /// A proof, where there is one; else the server's.
    #[default]
    Proofs,
    /// The server's alone.
    DryRun,
}

impl From<JudgeArgs> for Judge {
    fn from(args: JudgeArgs) -> Self {
        match args.judge {
            JudgeBy::Proofs => Self::Proofs,
            JudgeBy::DryRun => Self::DryRun,
        }
    }
}

// An environment in its cluster.
#[derive(Clone, Debug, Args)]
pub(super) struct TargetArgs {
    /// The environment.
    pub environment: String,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

// Which environments, one or several, and how several are worked on.
#[derive(Clone, Debug, Args)]
pub(super) struct TargetsArgs {
    /// The environments.
    #[arg(value_name = "ENVIRONMENT", required_unless_present = "all")]
    pub environments: Vec<String>,
    #[command(flatten)]
    pub several: SeveralArgs,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

// How several environments are worked on.
#[derive(Clone, Debug, Args)]
pub(super) struct SeveralArgs {
    /// All environments of the project, without those that others only inherit from: they name no cluster.
    #[arg(long, conflicts_with = "environments")]
    pub all: bool,
    /// How many environments are worked on at once, at most.
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = whole::<64>)]
    pub parallel: usize,
    /// Begin no further environment after one that failed, and end those under way after the objects in flight.
    #[arg(long)]
    pub fail_fast: bool,
}

/// In which form a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; its schema is `docs/schema/report-v1.json`.
    Json,
    /// For pull requests.
    Markdown,
    /// One page for a browser, with all in it.
    Html,
    /// Test results: a suite a release, a case an object.
    Junit,
    /// What people should look at, in SARIF 2.1.0.
    Sarif,
    /// The same as workflow commands of GitHub.
    Github,
    /// The same as a Code Quality report of GitLab.
    Gitlab,
}

/// In which form facts are printed that are no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Json => Self::Json,
        }
    }
}

// How a report is printed.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArgs {
    /// The form of the output.
    #[arg(long = "output", short = 'o', value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// How changes are laid out, in text and Markdown.
    #[arg(long, value_name = "VIEW", default_value = "text")]
    pub view: View,
    /// Show what rules ignore as well, with the reason of each.
    #[arg(long)]
    pub show_ignored: bool,
    #[command(flatten)]
    pub page: PageArgs,
}

// How much of a report a page has, and where all of it goes.
#[derive(Clone, Debug, Args)]
pub(super) struct PageArgs {
    /// How many bytes Markdown may have. What does not fit is left out by degrees, and the page says so.
    #[arg(long, value_name = "BYTES", default_value_t = report::LIMIT)]
    pub budget: usize,
    /// Write all of the report into this file as well, as Markdown however long it is.
    #[arg(long, value_name = "FILE")]
    pub whole: Option<PathBuf>,
}

impl Default for PageArgs {
    fn default() -> Self {
        Self { budget: report::LIMIT, whole: None }
    }
}

/// How the changes of an object are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum View {
    /// A line a change, and the object as YAML.
    #[default]
    Text,
    /// A table: what was applied, what is there, what is wanted.
    Columns,
}

impl From<Format> for OutputArgs {
    fn from(format: Format) -> Self {
        Self { format, view: View::default(), show_ignored: false, page: PageArgs::default() }
    }
}

fn whole<const MOST: usize>(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|it| (1..=MOST).contains(it)).ok_or(format!("it must be a number from 1 to {MOST}"))
}

/// The seconds of a duration.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    project::seconds(text).ok_or_else(|| "it must be a duration such as 30s, 5m or 1h30m".to_owned())
}

/// A key and a value.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
