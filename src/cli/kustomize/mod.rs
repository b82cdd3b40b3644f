//! `weft kustomize`.

mod build;

use clap::{Args, Subcommand};

use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;

#[derive(Debug, Args)]
pub(super) struct KustomizeArgs {
    #[command(subcommand)]
    verb: KustomizeVerb,
}

#[derive(Debug, Subcommand)]
enum KustomizeVerb {
    Build(build::BuildArgs),
}

pub(super) fn run(args: &KustomizeArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        KustomizeVerb::Build(args) => build::run(args, terminal),
    }
}
