//! `weft status`.

use std::collections::BTreeMap;

use clap::Args;

use super::arguments::{SetArgs, TargetArgs, TargetsArgs};
use super::many::{self, Targets};
use super::terminal::Terminal;
use super::{Exit, counted, settings, wait};
use crate::diagnostic::Failure;
use crate::health::Health;
use crate::manifest::ObjectId;
use crate::pipeline::{self, Observed};

/// Tell for each release how its objects are: healthy, not yet, failed, gone, or not to be told.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    targets: TargetsArgs,
}

/// How the objects of a release are, counted, with what is worth a line.
#[derive(Default)]
struct Row {
    healthy: usize,
    waiting: usize,
    failed: usize,
    gone: usize,
    unknown: usize,
    notes: Vec<String>,
}

pub(super) fn run(args: &StatusArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    many::tell(&Targets::of(&args.targets)?, terminal, look)
}

fn look(target: &TargetArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(target, &SetArgs::default())?;
    let progress = terminal.progress();
    let found = wait(pipeline::observe(&settings, &|what| progress.at(what)))?;
    progress.done();
    let mut rows: BTreeMap<&str, Row> = found.releases.iter().map(|name| (&**name, Row::default())).collect();
    for (id, held) in &found.members {
        rows.entry(&held.release).or_default().add(id, &found);
    }
    terminal.print(&table(&rows))?;
    for warning in &found.warnings {
        terminal.warn(warning);
    }
    let unknown: usize = rows.values().map(|row| row.unknown).sum();
    let bad: usize = rows.values().map(|row| row.waiting + row.failed + row.gone).sum();
    let objects = counted(found.members.len(), "object");
    let name = terminal.heads(&target.environment);
    terminal.say(&format!("{name}{objects}, {bad} not healthy, {unknown} unknown"));
    Ok(if unknown > 0 { Exit::Unknown } else { Exit::Done })
}

impl Row {
    fn add(&mut self, id: &ObjectId, found: &Observed) {
        let (count, note) = match found.health(id) {
            Some(Health::Current) => (&mut self.healthy, None),
            Some(Health::InProgress(why)) => (&mut self.waiting, Some(why)),
            Some(Health::Terminating) => (&mut self.waiting, Some("is being deleted".to_owned())),
            Some(Health::Failed(why)) => (&mut self.failed, Some(why)),
            None if found.unread.contains_key(id) => (&mut self.unknown, Some(found.absence(id))),
            None => (&mut self.gone, Some(found.absence(id))),
        };
        *count += 1;
        self.notes.extend(note.map(|note| format!("{id}: {note}")));
    }
}

fn table(rows: &BTreeMap<&str, Row>) -> String {
    let widest = rows.keys().map(|name| name.len()).max().unwrap_or(0).max("RELEASE".len());
    let mut lines = vec![format!(
        "{:widest$}  {:>7}  {:>7}  {:>6}  {:>4}  {:>7}\n",
        "RELEASE", "HEALTHY", "WAITING", "FAILED", "GONE", "UNKNOWN"
    )];
    for (name, row) in rows {
        let Row { healthy, waiting, failed, gone, unknown, notes } = row;
        lines.push(format!("{name:widest$}  {healthy:>7}  {waiting:>7}  {failed:>6}  {gone:>4}  {unknown:>7}\n"));
        lines.extend(notes.iter().map(|note| format!("  {note}\n")));
    }
    lines.concat()
}
