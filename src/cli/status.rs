//! `weft status`.

use std::collections::BTreeMap;

use clap::Args;

use super::arguments::{Form, SetArgs, TargetArgs, TargetsArgs};
use super::many::{self, Lines, Targets};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::diagnostic::{Failure, counted};
use crate::pipeline::{self, Observation};
use crate::report::{EnvironmentStatus, Standing};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    targets: TargetsArgs,
    /// The form of the output; the schema of JSON is `docs/schema/status-v1.json`.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Form,
}

pub(super) fn run(args: &StatusArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let targets = Targets::of(&args.targets)?;
    many::tell(&targets, args.output.into(), terminal, |target, terminal| look(target, args.output, terminal))
}

fn look(target: &TargetArgs, form: Form, terminal: &Terminal) -> Result<Lines, Failure> {
    let settings = settings::online(target, &SetArgs::default())?;
    let progress = terminal.progress();
    let found = wait(pipeline::observe(&settings, &|what| progress.at(what)))?;
    progress.done();
    let status = status(&target.environment, found);
    let document = (form == Form::Json).then(|| status.json());
    terminal.print(&document.as_ref().map_or_else(|| status.text(), |it| format!("{it:#}\n")))?;
    for warning in &status.warnings {
        terminal.warn(warning);
    }
    let (all, bad, unknown) = status.counts();
    let exit = if unknown > 0 { Exit::Unknown } else { Exit::Done };
    let name = terminal.heads(&target.environment);
    terminal.say(&format!("{name}{}, {bad} not healthy, {unknown} unknown", counted(all, "object")));
    Ok(Lines { text: terminal.kept(), document, exit })
}

fn status(environment: &str, found: Observation) -> EnvironmentStatus {
    let mut releases: BTreeMap<String, Vec<_>> =
        found.releases.iter().map(|name| (name.to_string(), Vec::new())).collect();
    for (id, held) in &found.members {
        let standing = match found.health(id) {
            Some(health) => health.into(),
            None if found.unread.contains_key(id) => Standing::Unknown(found.absence(id)),
            None => Standing::Gone,
        };
        releases.entry(held.release.to_string()).or_default().push((id.clone(), standing));
    }
    EnvironmentStatus { environment: environment.to_owned(), releases, warnings: found.warnings }
}
