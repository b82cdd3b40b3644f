//! `weft values`.

use clap::Args;

use super::arguments::{ProjectArgs, SelectArgs, SetArgs};
use super::terminal::Terminal;
use super::{Exit, settings};
use crate::diagnostic::Failure;
use crate::{pipeline, values, yaml};

#[derive(Debug, Args)]
pub(super) struct ValuesArgs {
    /// The environment.
    environment: String,
    /// The release.
    release: String,
    /// Show where each value comes from, and what it overrides.
    #[arg(long)]
    origin: bool,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &ValuesArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let select = SelectArgs { releases: vec![args.release.clone()], ..SelectArgs::default() };
    let settings = settings::offline(&args.environment, &args.project, &select, &args.set)?;
    let project = pipeline::project(&settings)?;
    for release in pipeline::values(&settings, &project)? {
        let values = &release.values;
        terminal.print(&if args.origin { values::explain(values) } else { yaml::write(&values.merged) })?;
    }
    Ok(Exit::Done)
}
