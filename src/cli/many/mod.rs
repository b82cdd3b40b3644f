//! One verb, several environments: side by side, told in one report, ended by the gravest exit code.

mod acting;
mod targets;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::MultiProgress;

pub(super) use self::acting::act;
pub(super) use self::targets::{Names, Targets};
use super::arguments::{Format, OutputArgs, TargetArgs};
use super::terminal::Terminal;
use super::{Exit, planning};
use crate::diagnostic::Failure;
use crate::masked::FingerprintKey;
use crate::pipeline;
use crate::report::{EnvironmentReport, Report, ReportPart};

/// What a verb that only looks found in an environment.
pub(super) struct Looked {
    /// What it tells.
    pub report: Report,
    /// The key of its fingerprints.
    pub key: FingerprintKey,
    /// How the verb ends for this environment.
    pub exit: Exit,
}

/// What came of an environment; `None` where it was not begun.
pub(super) type EnvironmentOutcome<T> = Option<Result<T, Failure>>;

/// What ends in some way.
pub(super) trait Ends {
    /// How.
    fn exit(&self) -> Exit;
}

impl Looked {
    fn told(&self) -> EnvironmentReport<'_> {
        EnvironmentReport::Report(&self.report, &self.key)
    }
}

impl Ends for Looked {
    fn exit(&self) -> Exit {
        self.exit
    }
}

/// Lines that were printed, and how that ended.
pub(super) struct Lines {
    /// What was printed.
    pub text: String,
    /// The same as a document, where that was asked for.
    pub document: Option<serde_json::Value>,
    /// How it ended.
    pub exit: Exit,
}

impl Ends for Lines {
    fn exit(&self) -> Exit {
        self.exit
    }
}

/// Looks at each environment, and prints one report.
pub(super) fn look(
    targets: &Targets,
    output: &OutputArgs,
    terminal: &Terminal,
    work: impl Fn(&TargetArgs, &Terminal) -> Result<Looked, Failure> + Sync,
) -> Result<Exit, Failure> {
    show(targets, &gather(targets, terminal, work), output, terminal, |looked| looked)
}

/// Does something for each environment, and hands over what came of each, in the order asked for.
pub(super) fn gather<T: Ends + Send>(
    targets: &Targets,
    terminal: &Terminal,
    work: impl Fn(&TargetArgs, &Terminal) -> Result<T, Failure> + Sync,
) -> Vec<EnvironmentOutcome<T>> {
    match targets.one() {
        Some(target) => vec![Some(work(target, terminal))],
        None => each(&targets.names, &targets.items(), terminal, |target, terminal| work(target, terminal)),
    }
}

/// Prints one report of what was looked at. The failure of an only environment is that of the whole.
pub(super) fn show<T: Ends>(
    targets: &Targets,
    fates: &[EnvironmentOutcome<T>],
    output: &OutputArgs,
    terminal: &Terminal,
    looked: impl Fn(&T) -> &Looked,
) -> Result<Exit, Failure> {
    let only = targets.asked().next().filter(|_| targets.asked().len() == 1);
    let only = match (only, fates) {
        (Some((_, Some(untouched))), _) => untouched,
        (Some(_), [Some(Ok(it))]) => looked(it),
        (Some(_), [Some(Err(failure))]) => return Err(failure.clone()),
        _ => {
            let parts = parts_of(targets, fates, |it| looked(it).told());
            return finish(&parts, targets, fates, output, terminal);
        }
    };
    planning::print_with(&only.report, (&only.key, &targets.folder()), output, terminal)?;
    Ok(only.exit)
}

/// How all end together.
pub(super) fn exit<T: Ends>(fates: &[EnvironmentOutcome<T>]) -> Exit {
    ended(fates.iter().flatten().map(exit_of), fates.iter().any(Option::is_none))
}

/// Says what went wrong, where all else is printed.
pub(super) fn conclude<T>(
    targets: &Targets,
    fates: &[EnvironmentOutcome<T>],
    exit: Exit,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    if let [Some(Err(failure))] = fates {
        return Err(failure.clone());
    }
    diagnose(&targets.names, fates, terminal);
    Ok(exit)
}

/// Runs a verb that prints lines or a document for each environment; those of several in the order asked for.
pub(super) fn tell(
    targets: &Targets,
    format: Format,
    terminal: &Terminal,
    work: impl Fn(&TargetArgs, &Terminal) -> Result<Lines, Failure> + Sync,
) -> Result<Exit, Failure> {
    if let Some(target) = targets.one() {
        return Ok(work(target, terminal)?.exit);
    }
    let fates = each(&targets.names, &targets.items(), terminal, |target, terminal| work(target, terminal));
    let parts = parts_of(targets, &fates, |lines| match &lines.document {
        Some(document) => EnvironmentReport::Status(&lines.text, document),
        None => EnvironmentReport::Lines(&lines.text),
    });
    finish(&parts, targets, &fates, &format.into(), terminal)
}

/// Runs what prints lines for each environment, and keeps them; those of an only one are printed at once.
pub(super) fn lines(
    names: &Names,
    terminal: &Terminal,
    work: impl Fn(&str, &Terminal) -> Result<Exit, Failure> + Sync,
) -> Vec<EnvironmentOutcome<Lines>> {
    if let [only] = names.list.as_slice() {
        return vec![Some(work(only, terminal).map(|exit| Lines { text: String::new(), document: None, exit }))];
    }
    each(names, &names.list.iter().map(|name| (name.as_str(), name)).collect::<Vec<_>>(), terminal, |name, terminal| {
        let exit = work(name, terminal)?;
        Ok(Lines { text: terminal.kept(), document: None, exit })
    })
}

/// Does something for each of these, which have the name of an environment, at most so many at once. After a failure
/// nothing else is begun where that was asked for; after a signal, never.
pub(super) fn each<I: Sync, T: Ends + Send>(
    names: &Names,
    items: &[(&str, I)],
    terminal: &Terminal,
    work: impl Fn(&I, &Terminal) -> Result<T, Failure> + Sync,
) -> Vec<EnvironmentOutcome<T>> {
    let next = AtomicUsize::new(0);
    let bars = MultiProgress::new();
    let fates: Vec<Mutex<EnvironmentOutcome<T>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        items.get(at).zip(fates.get(at)).filter(|_| !pipeline::is_stopped())
    };
    let one_after_the_other = || {
        while let Some(((name, item), fate)) = take() {
            let result = work(item, &terminal.among(name, &bars));
            if names.fail_fast && exit_of(&result).is_failure() {
                pipeline::stop(&format!("`{name}` failed"));
            }
            if let Ok(mut fate) = fate.lock() {
                *fate = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..names.parallel.min(items.len()) {
            scope.spawn(one_after_the_other);
        }
    });
    fates.into_iter().map(|fate| fate.into_inner().unwrap_or_default()).collect()
}

/// What is told of each environment, in the order asked for.
pub(super) fn parts<'f, T: Ends>(
    names: &'f Names,
    fates: &'f [EnvironmentOutcome<T>],
    told: impl Fn(&'f T) -> EnvironmentReport<'f>,
) -> Vec<ReportPart<'f>> {
    names.list.iter().zip(fates).map(|(name, fate)| part_of(name, fate.as_ref(), &told)).collect()
}

/// The same of all that were asked for, with those that a change does not touch.
pub(super) fn parts_of<'f, T: Ends>(
    targets: &'f Targets,
    fates: &'f [EnvironmentOutcome<T>],
    told: impl Fn(&'f T) -> EnvironmentReport<'f>,
) -> Vec<ReportPart<'f>> {
    let mut worked_on = parts(&targets.names, fates, told).into_iter();
    let part = |(environment, untouched): (&'f str, Option<&'f Looked>)| match untouched {
        Some(it) => Some(ReportPart { environment, code: it.exit.code(), told: it.told() }),
        None => worked_on.next(),
    };
    targets.asked().filter_map(part).collect()
}

pub(super) fn part_of<'f, T: Ends>(
    environment: &'f str,
    fate: Option<&'f Result<T, Failure>>,
    told: impl Fn(&'f T) -> EnvironmentReport<'f>,
) -> ReportPart<'f> {
    let code = fate.map_or(Exit::Done, exit_of).code();
    let told = match fate {
        Some(Ok(it)) => told(it),
        Some(Err(failure)) => EnvironmentReport::Failed(&failure.diagnostics),
        None => EnvironmentReport::Skipped,
    };
    ReportPart { environment, code, told }
}

/// Prints the parts, says what went wrong, and ends as the gravest of them.
fn finish<T: Ends>(
    parts: &[ReportPart],
    targets: &Targets,
    fates: &[EnvironmentOutcome<T>],
    output: &OutputArgs,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let exit = ended(fates.iter().flatten().map(exit_of), fates.iter().any(Option::is_none));
    planning::print_many(parts, (exit.code(), &targets.folder()), output, terminal)?;
    diagnose(&targets.names, fates, terminal);
    Ok(exit)
}

/// How all end together. What was not begun since a signal came was ended by it.
pub(super) fn ended(exits: impl IntoIterator<Item = Exit>, skipped: bool) -> Exit {
    match Exit::gravest(exits) {
        exit if skipped => pipeline::signalled().map_or(exit, Exit::Signal),
        exit => exit,
    }
}

pub(super) fn exit_of<T: Ends>(result: &Result<T, Failure>) -> Exit {
    result.as_ref().map_or_else(Exit::of, Ends::exit)
}

/// Says what went wrong, each with the name of its environment.
pub(super) fn diagnose<T>(names: &Names, fates: &[EnvironmentOutcome<T>], terminal: &Terminal) {
    for (environment, fate) in names.list.iter().zip(fates) {
        if let Some(Err(failure)) = fate {
            let failure = failure.clone().of_environment(environment);
            failure.diagnostics.iter().for_each(|it| terminal.diagnose(it));
        }
    }
}
