//! `weft show`.

use std::path::PathBuf;

use clap::Args;

use super::arguments::OutputArgs;
use super::terminal::Terminal;
use super::{Exit, files, planning};
use crate::diagnostic::Failure;
use crate::report::{Purpose, Report};
use crate::state::saved::{self, KeyMark, SavedPlan};

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The file that `weft plan ENV -o FILE` wrote.
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &ShowArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let saved = saved::read(&files::bytes(&args.file)?, &args.file.display().to_string())?;
    // What is secret is a sketch already, whatever key it was made with.
    planning::print_with(&report(saved), (&KeyMark::open(), ""), &args.output, terminal)?;
    Ok(Exit::Done)
}

/// What `weft plan` reported.
fn report(saved: SavedPlan) -> Report {
    Report {
        purpose: Purpose::Plan,
        cluster: Some(saved.cluster.address),
        commit: saved.commit.map(|it| it.to_string()),
        plan: saved.plan,
        digest: Some(saved.digest),
        warnings: saved.warnings,
        events: Vec::new(),
        touched: None,
        approval: None,
    }
}
