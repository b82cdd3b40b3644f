//! `weft import kustomization`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::shared::{Connected, Reading, encryption};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, settings};
use crate::diagnostic::Failure;
use crate::import::{self, Overlays, Rules};
use crate::source::charts::Charts;

/// Make an environment of each overlay: one release, whose objects are what the overlay comes to.
///
/// The overlays are those kustomizations at and below the folder that no other one names. An environment is called after
/// the path of its overlay below that folder.
#[derive(Debug, Args)]
pub(super) struct KustomizationArgs {
    /// The folder with the overlays, below the root of the repository.
    folder: PathBuf,
    /// The root of the repository, where `environments/` is or will be.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// The name of the release.
    #[arg(long, value_name = "NAME", default_value = "app")]
    release: String,
}

pub(super) fn run(args: &KustomizationArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let root = settings::absolute(&args.project);
    let (reading, tree) = Reading::tree(root.clone())?;
    let folder = args.folder.strip_prefix(&root).unwrap_or(&args.folder).to_string_lossy();
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    let charts = Charts::new(&settings::own());
    let overlays = Overlays {
        folder: if folder == "." { "" } else { folder },
        release: &args.release,
        files: Arc::new(Connected { tree, charts }),
    };
    let draft = import::kustomization(&reading.repository, &overlays, &Rules::default(), encryption())?;
    let next = "Next: name the `cluster` of each environment, and compare with `weft plan`.";
    reading.write(&draft, terminal, next)?;
    Ok(Exit::Done)
}
