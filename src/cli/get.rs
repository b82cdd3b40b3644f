//! `weft get`.

use clap::Args;

use super::arguments::{SetArgs, TargetArgs};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::diagnostic::{Failure, counted};
use crate::masked::Redactor;
use crate::{pipeline, yaml};

#[derive(Debug, Args)]
pub(super) struct GetArgs {
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(args: &GetArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(&args.target, &SetArgs::default())?;
    let progress = terminal.progress();
    let found = wait(pipeline::observe(&settings, &|what| progress.at(what)))?;
    progress.done();
    // A value that is secret in one object may have been copied into another.
    let redactor = Redactor::of(found.live.values().map(|live| &live.body));
    for (id, held) in &found.members {
        match found.live.get(id) {
            Some(live) => {
                // YAML breaks long lines, so values are redacted before they are written; keys can only be so after.
                let mut body = live.body.clone();
                redactor.redact_value(&mut body);
                let body = redactor.redact(&yaml::write(&body));
                terminal.print(&format!("---\n# {id} of release {}\n{body}", held.release))?;
            }
            None => terminal.warn(&format!("{id} of release {} {}", held.release, found.absence(id))),
        }
    }
    for warning in &found.warnings {
        terminal.warn(warning);
    }
    let live = found.live.len();
    let all = counted(found.members.len(), "object");
    terminal.say(&format!("{}: {live} of {all}", args.target.environment));
    Ok(if found.unread.is_empty() { Exit::Done } else { Exit::Unknown })
}
