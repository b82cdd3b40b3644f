//! Where a job runs, and which commits it is about.

use std::collections::BTreeMap;
use std::path::Path;

use super::JobArgs;
use super::tell::{self, Does};
use crate::cli::arguments::{SelectArgs, SetArgs, SeveralArgs, TargetArgs};
use crate::cli::many::Names;
use crate::cli::terminal::Terminal;
use crate::cli::{changed, files, settings};
use crate::diagnostic::Failure;
use crate::forge::{Forge, ForgeError, Job};
use crate::pipeline::{self, Settings};
use crate::project;
use crate::source::{self, ChangeError, ENVIRONMENTS, Source, SourceChange};
use crate::trust::Trust;

/// A job with its commits.
pub(super) struct Here {
    /// What the job says of itself.
    pub job: Job,
    /// The change that it is about.
    pub change: SourceChange,
}

/// What the job of this process says of itself.
pub(super) fn job() -> Result<Job, Failure> {
    let variables = settings::process();
    let forge = Forge::of(&variables)?;
    let event = match forge.event(&variables) {
        Some(file) => files::read(Path::new(&file))?,
        None => String::new(),
    };
    Ok(Job::read(forge, &variables, &event)?)
}

impl Here {
    /// The job of this process with the change that it is about. Where that cannot be told, the forge is told so.
    pub(super) fn of(args: &JobArgs, does: Does, terminal: &Terminal) -> Result<Self, Failure> {
        let folder = args.folder();
        let job = job()?;
        let said = args.head.as_ref().or(args.project.at.as_ref());
        let head = said.or(job.head.as_ref()).cloned().unwrap_or_else(|| "HEAD".to_owned());
        let base = args.base.clone().map_or_else(|| base(&folder, &job, &head), Ok);
        match base.and_then(|base| source::change(&folder, &base, &head)) {
            Ok(change) => Ok(Self { job, change }),
            Err(error) => Err(tell::failed(&job, does, error.into(), args.dry_run, terminal)),
        }
    }

    /// The commit whose files are looked at: what comes of a merge, where the job is about a change that is not merged.
    pub(super) fn commit(&self) -> &str {
        let is_push = self.job.target.is_none() && self.job.base.is_some();
        if is_push { &self.change.head } else { &self.change.merged }
    }

    /// Refuses a commit that its branch has left behind: an event may come late, or twice. A commit that somebody named is
    /// taken as it is.
    pub(super) fn check_newest(&self, args: &JobArgs) -> Result<(), Failure> {
        let is_named = args.head.is_some() || args.project.at.is_some();
        let Some(branch) = self.job.branch.as_ref().filter(|_| !is_named && self.job.pull.is_none()) else {
            return Ok(());
        };
        let folder = args.folder();
        let head = &self.change.head;
        let places = [format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")];
        let Some(newest) = source::first_of(&folder, &places)? else { return Ok(()) };
        // A copy of the branch that was not fetched since is behind.
        if newest == *head || source::change(&folder, &newest, head).is_ok_and(|it| it.fork == newest) {
            return Ok(());
        }
        Err(ForgeError::Overtaken { commit: head.clone(), branch: branch.clone(), newest }.into())
    }

    /// The environments that the job is about, as a commit has them: those that are named or all, whole; else those that
    /// the change touches, with what it touches of them. A first push is about everything.
    pub(super) fn about(
        &self,
        args: &JobArgs,
        commit: &str,
        trust: &Trust,
        terminal: &Terminal,
    ) -> Result<About, Failure> {
        let base = &self.change.base;
        let several = &args.several;
        let mut list = match args.environments.as_slice() {
            [] => project::places(&Source::open(&args.folder(), Some(commit))?.read([ENVIRONMENTS])?)?,
            named => named.to_vec(),
        };
        let mut selected = BTreeMap::new();
        let whole = !args.environments.is_empty() || several.all || base == commit;
        if !whole {
            for environment in &list {
                selected.insert(environment.clone(), touched(args, environment, (base, commit), trust)?);
            }
            let nothing = |it: &String| selected.get(it).is_some_and(Option::is_none);
            list.iter()
                .filter(|it| nothing(it))
                .for_each(|it| terminal.say(&format!("{it}: nothing of it is touched")));
            list.retain(|it| !nothing(it));
        }
        let selected = selected.into_iter().filter_map(|(name, select)| Some((name, select?))).collect();
        Ok(About { names: Names { list, parallel: several.parallel, fail_fast: several.fail_fast }, selected })
    }
}

/// What a job is about.
pub(super) struct About {
    /// The environments.
    pub names: Names,
    selected: BTreeMap<String, SelectArgs>,
}

impl About {
    /// Environments as a whole.
    pub(super) fn whole(list: Vec<String>, several: &SeveralArgs) -> Self {
        let names = Names { list, parallel: several.parallel, fail_fast: several.fail_fast };
        Self { names, selected: BTreeMap::new() }
    }

    /// What the job is about of an environment, as a commit has it.
    pub(super) fn target(&self, args: &JobArgs, environment: &str, commit: &str) -> TargetArgs {
        let select = self.selected.get(environment).cloned().unwrap_or_default();
        TargetArgs { select, ..args.target(environment, commit) }
    }
}

/// What a change touches of an environment; `None` for nothing. Where that cannot be told, it is the whole environment,
/// whose plan says what is wrong.
fn touched(
    args: &JobArgs,
    environment: &str,
    (base, head): (&str, &str),
    trust: &Trust,
) -> Result<Option<SelectArgs>, Failure> {
    let side = |revision: &str| {
        let settings = settings::offline(environment, &args.at(revision), &SelectArgs::default(), &SetArgs::default())?;
        Ok::<_, Failure>(Settings { trust: trust.clone(), ..settings })
    };
    let touched = match side(base).and_then(|base| Ok((base, side(head)?))) {
        Ok((base, head)) => trust.within(move || pipeline::touched(base, head))?,
        Err(failure) => Err(failure),
    };
    Ok(match touched {
        Ok(change) if change.touched.is_empty() => None,
        Ok(change) => Some(changed::selected(change)),
        Err(_) => Some(SelectArgs::default()),
    })
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
    // A first push has nothing before it.
    let is_push = job.head.is_some() || job.branch.is_some();
    let before = if is_push { Vec::new() } else { vec!["refs/remotes/origin/HEAD".to_owned(), format!("{head}^")] };
    Ok(source::first_of(folder, &before)?.unwrap_or_else(|| head.to_owned()))
}
