//! Telling what a job found: in its summary, on the pull request, at the commit, in issues.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::{artefact, page};
use crate::cli::files::FileError;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings, wait};
use crate::diagnostic::{Diagnostic, Failure};
use crate::drift::{Issue, IssueState};
use crate::forge::{Client, CommitState, CommitStatus, Forge, ForgeError, Job};
use crate::network::Network;
use crate::report::{self, ReportPart};

/// What a job does, as the names of its statuses say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// It plans.
    Plan,
    /// It applies.
    Apply,
    /// It looks for drift.
    Drift,
}

/// What a job tells.
pub(super) struct CiReport<'t> {
    /// What it does.
    pub does: Does,
    /// What came of each environment.
    pub parts: &'t [ReportPart<'t>],
    /// The commit that has the statuses.
    pub head: Option<&'t str>,
    /// Whether the parts are all environments that the change touches.
    pub is_all: bool,
    /// The folder with the plans and their whole reports.
    pub folder: Option<&'t Path>,
    /// What becomes of issues.
    pub issues: &'t [&'t Issue],
}

impl<'t> CiReport<'t> {
    /// What came of environments that were asked for.
    pub(super) fn new(does: Does, parts: &'t [ReportPart<'t>], head: Option<&'t str>) -> Self {
        Self { does, parts, head, is_all: false, folder: None, issues: &[] }
    }
}

impl Does {
    fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Drift => "drift",
        }
    }
}

/// Writes the summary, and tells the forge. What could not be told is given back, with everything else told.
pub(super) fn tell(
    job: &Job,
    tidings: &CiReport,
    dry_run: bool,
    terminal: &Terminal,
) -> Result<Vec<Diagnostic>, Failure> {
    summarize(job, &page::summary(tidings.parts), dry_run)?;
    with_client(job, dry_run, terminal, |client| wait(async { Ok::<_, Failure>(untold(job, tidings, client).await) }))
}

/// Says what could not be told, and how a job ends that could not tell all.
pub(super) fn ended(exit: Exit, untold: &[Diagnostic], terminal: &Terminal) -> Exit {
    for diagnostic in untold {
        terminal.diagnose(diagnostic);
    }
    if untold.is_empty() { exit } else { Exit::gravest([exit, Exit::Invalid]) }
}

/// Says what could not be told, where that decides nothing.
pub(super) fn warn(untold: &[Diagnostic], terminal: &Terminal) {
    for diagnostic in untold {
        terminal.warn(&format!("not told: {diagnostic}"));
    }
}

/// Tells of a job that failed before it came to an environment, and gives the failure back. That is said anyway, so what
/// the forge cannot be told is only a warning; a summary that cannot be written is the failure instead.
pub(super) fn failed(job: &Job, does: Does, failure: Failure, dry_run: bool, terminal: &Terminal) -> Failure {
    tell_failure(job, does, &failure, dry_run, terminal).err().unwrap_or(failure)
}

fn tell_failure(job: &Job, does: Does, failure: &Failure, dry_run: bool, terminal: &Terminal) -> Result<(), Failure> {
    let texts: Vec<String> = failure.diagnostics.iter().map(ToString::to_string).collect();
    summarize(job, &page::trouble(does.name(), &texts.concat()), dry_run)?;
    let description = failure.diagnostics.first().and_then(|it| it.messages.first()).cloned().unwrap_or_default();
    let status = CommitStatus { context: context(does), state: state(Exit::of(failure).code()), description };
    let untold = with_client(job, dry_run, terminal, |client| {
        let Some(head) = &job.head else { return Ok(Vec::new()) };
        let told = wait(async { Ok::<_, Failure>(client.status(head, &status).await) })?;
        Ok(told.err().map(|it| Diagnostic::of(&it)).into_iter().collect())
    })?;
    warn(&untold, terminal);
    Ok(())
}

fn summarize(job: &Job, text: &str, dry_run: bool) -> Result<(), FileError> {
    job.summary.as_ref().filter(|_| !dry_run).map_or(Ok(()), |file| append(Path::new(file), text))
}

/// Does something with the connection to the forge, if the job has one; in a dry run, prints what would be sent.
fn with_client(
    job: &Job,
    dry_run: bool,
    terminal: &Terminal,
    work: impl FnOnce(&Client) -> Result<Vec<Diagnostic>, Failure>,
) -> Result<Vec<Diagnostic>, Failure> {
    if job.forge == Forge::Plain {
        return Ok(Vec::new());
    }
    let network = Network::new(settings::own().network()?);
    let authorities = job.authorities.as_ref().map(|it| files::read(Path::new(it))).transpose()?;
    let client = match (dry_run, Client::new(&network, job, authorities.clone())) {
        (true, _) => Client::dry(&network, job, authorities)?,
        (false, Err(error @ ForgeError::NoToken { .. })) => {
            terminal.warn(&format!("{error}, so it is told nothing"));
            return Ok(Vec::new());
        }
        (false, client) => client?,
    };
    let done = work(&client)?;
    for call in client.held() {
        let body = call.body.map(|it| format!("{it:#}\n")).unwrap_or_default();
        terminal.print(&format!("{} {}\n{body}", call.method, call.path))?;
    }
    Ok(done)
}

async fn untold(job: &Job, tidings: &CiReport<'_>, client: &Client<'_>) -> Vec<Diagnostic> {
    let mut untold = Vec::new();
    let mut note = |told: Result<(), ForgeError>| untold.extend(told.err().map(|it| Diagnostic::of(&it)));
    for issue in tidings.issues {
        note(kept(issue, client).await);
    }
    if job.pull.is_some() && tidings.does == Does::Plan {
        for part in tidings.parts {
            let whole = tidings.folder.map(|it| it.join(artefact::page(part.environment)).display().to_string());
            let page = page::of(part, whole.as_deref());
            note(client.comment(&page::mark(part.environment), &page).await);
        }
        if tidings.is_all {
            note(outdated(tidings, client).await);
        }
    }
    if let Some(head) = tidings.head {
        for status in statuses(tidings) {
            note(client.status(head, &status).await);
        }
    }
    untold
}

/// Rewrites comments of environments that the change does not touch any more.
async fn outdated(tidings: &CiReport<'_>, client: &Client<'_>) -> Result<(), ForgeError> {
    let ours: Vec<String> = tidings.parts.iter().map(|it| page::mark(it.environment)).collect();
    for comment in client.comments(page::MARKS).await? {
        let mark = comment.text.lines().next().unwrap_or_default().to_owned();
        let now = page::untouched(&mark, tidings.head.unwrap_or_default());
        if !ours.contains(&mark) && comment.text.trim_end() != now.trim_end() {
            client.rewrite(&comment, &now).await?;
        }
    }
    Ok(())
}

/// The one issue of an environment.
async fn kept(issue: &Issue, client: &Client<'_>) -> Result<(), ForgeError> {
    match &issue.state {
        IssueState::Open { title, body } => client.issue(&issue.mark, title, body).await,
        IssueState::Close { comment } => client.close_issue(&issue.mark, &format!("{}\n{comment}\n", issue.mark)).await,
        IssueState::Leave => Ok(()),
    }
}

/// A status for each environment, and one for all, whose name does not depend on what a change touches.
fn statuses(tidings: &CiReport) -> Vec<CommitStatus> {
    let name = tidings.does.name();
    let one = |part: &ReportPart| CommitStatus {
        context: format!("weft/{name}/{}", part.environment),
        state: state(part.code),
        description: report::closing_of_many(&[*part]).split_once(": ").map(|it| it.1.to_owned()).unwrap_or_default(),
    };
    let gravest = tidings.parts.iter().map(|it| it.code).max_by_key(|code| state(*code) as u8).unwrap_or(0);
    let description = if tidings.parts.is_empty() {
        "no environment is touched".to_owned()
    } else {
        report::closing_of_many(tidings.parts)
    };
    let all = CommitStatus { context: context(tidings.does), state: state(gravest), description };
    tidings.parts.iter().map(one).chain([all]).collect()
}

/// The name of the status for all environments.
fn context(does: Does) -> String {
    format!("weft/{}", does.name())
}

/// What an exit code is to a commit.
fn state(code: u8) -> CommitState {
    match code {
        0 | 2 => CommitState::Success,
        4 => CommitState::Failure,
        _ => CommitState::Error,
    }
}

fn append(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_path_buf(), source };
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
