//! Where a job runs, and which commits it is about.

use std::path::Path;

use super::JobArgs;
use crate::cli::many::Names;
use crate::cli::{files, settings};
use crate::diagnostic::Failure;
use crate::forge::{Forge, Job};
use crate::project;
use crate::source::{self, Change, ChangeError, ENVIRONMENTS, Source};

/// A job with its commits.
pub(super) struct Here {
    /// What the job says of itself.
    pub job: Job,
    /// The change that it is about.
    pub change: Change,
}

/// What the job of this process says of itself.
pub(super) fn job() -> Result<Job, Failure> {
    let variables = settings::variables();
    let forge = Forge::of(&variables)?;
    let event = match forge.event(&variables) {
        Some(file) => files::read(Path::new(&file))?,
        None => String::new(),
    };
    Ok(Job::read(forge, &variables, &event)?)
}

impl Here {
    /// A job with the change that it is about. The job comes back where that cannot be told.
    pub(super) fn of(args: &JobArgs, job: Job) -> Result<Self, (Box<Job>, Failure)> {
        let folder = args.folder();
        let head = args.head.clone().or_else(|| job.head.clone()).unwrap_or_else(|| "HEAD".to_owned());
        let base = args.base.clone().map_or_else(|| base(&folder, &job, &head), Ok);
        match base.and_then(|base| source::change(&folder, &base, &head)) {
            Ok(change) => Ok(Self { job, change }),
            Err(error) => Err((Box::new(job), error.into())),
        }
    }

    /// The commit whose files are looked at: what comes of a merge, where the job is about a change that is not merged.
    pub(super) fn commit(&self) -> &str {
        let is_push = self.job.target.is_none() && self.job.base.is_some();
        if is_push { &self.change.head } else { &self.change.merged }
    }

    /// The environments that the job is about: those that are named, or all that the change touches.
    pub(super) fn environments(&self, args: &JobArgs, commit: &str) -> Result<Names, Failure> {
        let source = Source::open(&args.folder(), Some(commit))?;
        let list = match args.environments.as_slice() {
            [] => project::places(&source.read([ENVIRONMENTS])?)?,
            named => named.to_vec(),
        };
        Ok(Names { list, parallel: args.several.parallel, fail_fast: args.several.fail_fast })
    }
}

/// What a change is compared with. The target's branch comes before the commit that the event names, since the branch may
/// have moved since; a push is compared with what was there before it.
fn base(folder: &Path, job: &Job, head: &str) -> Result<String, ChangeError> {
    let branch = |prefix: &str| job.target.as_ref().map(|it| format!("{prefix}/{it}"));
    let said: Vec<String> =
        [branch("refs/remotes/origin"), job.base.clone(), branch("refs/heads")].into_iter().flatten().collect();
    if let Some(found) = source::first_of(folder, &said)? {
        return Ok(found);
    }
    if let Some(revision) = job.base.as_ref().or(job.target.as_ref()).filter(|_| job.pull.is_some()) {
        return Err(ChangeError::Missing { revision: revision.clone() });
    }
    let before = ["refs/remotes/origin/HEAD".to_owned(), format!("{head}^"), head.to_owned()];
    // Where nothing says what a job is about, it is about the newest commit.
    let guessed = if job.head.is_some() || job.branch.is_some() { &before[1..] } else { &before[..] };
    Ok(source::first_of(folder, guessed)?.unwrap_or_else(|| head.to_owned()))
}
