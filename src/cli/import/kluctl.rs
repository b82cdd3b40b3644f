//! `weft import kluctl`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{DraftArgs, Reading, argument, arguments, encryption};
use crate::cli::Exit;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::import::{self, Kluctl};

/// Make an environment of each target of a kluctl project: a release for each deployment item, in their order.
///
/// Templates in manifests are rendered once, for each target.
#[derive(Debug, Args)]
pub(super) struct KluctlArgs {
    /// The folder of the project, with `.kluctl.yaml` or `deployment.yaml`.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The value of an argument of the project, for all targets. May be repeated.
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = argument)]
    arguments: Vec<(String, String)>,
    #[command(flatten)]
    draft: DraftArgs,
}

pub(super) fn run(args: &KluctlArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let reading = Reading::whole(&args.draft.root(), &args.folder)?;
    let kluctl = Kluctl { folder: &reading.path, arguments: &arguments(&args.arguments) };
    let draft = import::kluctl(&reading.repository, &kluctl, &args.draft.rules(), encryption())?;
    let next = "Next: look at the namespaces of the releases, then `weft plan ENVIRONMENT`.";
    reading.write(&draft, terminal, next)?;
    Ok(Exit::Done)
}
