//! `weft orphan`.

use std::collections::BTreeSet;

use clap::Args;

use super::acting::{self, ActingArgs};
use super::arguments::{SetArgs, TargetArgs};
use super::saving::SavingArgs;
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::diagnostic::Failure;
use crate::pipeline;
use crate::plan::Guards;

#[derive(Debug, Args)]
pub(super) struct OrphanArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Only this object: `KIND/NAME` or `Kind.group/NAMESPACE/NAME`. May be repeated.
    #[arg(long = "object", value_name = "OBJECT")]
    objects: Vec<String>,
    /// Do not ask: let go of what is shown. Needed where there is no terminal.
    #[arg(long, short = 'y')]
    yes: bool,
    #[command(flatten)]
    saving: SavingArgs,
}

pub(super) fn run(args: &OrphanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(&args.target, &SetArgs::default())?;
    let acting = ActingArgs::agreed(args.yes);
    let only_saves = args.saving.only_saves(&acting)?;
    let progress = terminal.progress();
    let objects: BTreeSet<String> = args.objects.iter().cloned().collect();
    let guards = Guards { orphan: Some(objects), ..Guards::default() };
    let planned = wait(pipeline::destroy(&settings, &guards, &|what| progress.at(what)))?;
    progress.done();
    if only_saves {
        return args.saving.show(&planned, (&settings, &guards), terminal);
    }
    acting::act(&planned, &acting, args.saving.format(), terminal)
}
