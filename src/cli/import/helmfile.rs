//! `weft import helmfile`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{DraftArgs, Reading, argument, arguments, encryption};
use crate::cli::Exit;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::import::{self, Helmfile};

/// Make environments of a helmfile: its releases in their order, with values, needs and patches.
///
/// Templates (`.gotmpl`, and those in the file) are rendered once, for each environment.
#[derive(Debug, Args)]
pub(super) struct HelmfileArgs {
    /// The file.
    #[arg(default_value = "helmfile.yaml")]
    file: PathBuf,
    /// Only this environment of the file. May be repeated.
    #[arg(long = "environment", short = 'e', value_name = "NAME")]
    environments: Vec<String>,
    /// What `env` and `requiredEnv` give in templates: variables of this machine are not read. May be repeated.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = argument)]
    variables: Vec<(String, String)>,
    #[command(flatten)]
    draft: DraftArgs,
}

pub(super) fn run(args: &HelmfileArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let reading = Reading::whole(&args.draft.root(), &args.file)?;
    let helmfile =
        Helmfile { path: &reading.path, environments: &args.environments, variables: &arguments(&args.variables) };
    let draft = import::helmfile(&reading.repository, &helmfile, &args.draft.rules(), encryption())?;
    let next = "Next: `weft sources lock ENVIRONMENT` if charts are from elsewhere, then `weft plan ENVIRONMENT`.";
    reading.write(&draft, terminal, next)?;
    Ok(Exit::Done)
}
