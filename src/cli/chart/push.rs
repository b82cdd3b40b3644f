//! `weft chart push`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::source::charts::Charts;

/// Push a packed chart into an OCI registry, with its provenance file if that is beside it. Prints where it is.
#[derive(Debug, Args)]
pub(in crate::cli) struct PushArgs {
    /// The archive.
    archive: PathBuf,
    /// The registry and the path in it, without the chart's name: `oci://registry.example.com/charts`.
    repository: String,
}

pub(super) fn run(args: &PushArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let bytes = files::bytes(&args.archive)?;
    let beside = args.archive.with_extension("tgz.prov");
    let provenance = if beside.is_file() { Some(files::bytes(&beside)?) } else { None };
    let charts = Charts::new(&settings::own());
    let pushed = charts.push(&args.repository, &bytes, provenance.as_deref())?;
    terminal.print(&format!("{}@{}\n", pushed.reference, pushed.digest))?;
    Ok(Exit::Done)
}
