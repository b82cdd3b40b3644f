//! `weft values`.

use clap::Args;

use super::arguments::{ProjectArgs, ReleaseArgs};
use super::terminal::Terminal;
use super::{Exit, settings};
use crate::diagnostic::Failure;
use crate::{pipeline, values, yaml};

/// Print the merged values of a release, secrets masked. Needs no cluster.
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
    releases: ReleaseArgs,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &ValuesArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut releases = args.releases.clone();
    releases.releases = vec![args.release.clone()];
    let settings = settings::offline(&args.environment, &args.project, &releases)?;
    let project = pipeline::project(&settings)?;
    for release in pipeline::values(&settings, &project)? {
        let values = &release.values;
        terminal.print(&if args.origin { values::explain(values) } else { yaml::write(&values.merged) })?;
    }
    Ok(Exit::Done)
}
