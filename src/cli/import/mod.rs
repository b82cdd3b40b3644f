//! `weft import`.

mod kustomization;

use clap::{Args, Subcommand};

use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;

/// Make environments of what is there already.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    verb: ImportVerb,
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    Kustomization(kustomization::KustomizationArgs),
}

pub(super) fn run(args: &ImportArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        ImportVerb::Kustomization(args) => kustomization::run(args, terminal),
    }
}
