//! `weft import`.

mod cluster;
mod helm;
mod helmfile;
mod kluctl;
mod kustomization;
mod namespace;
mod shared;

use clap::{Args, Subcommand};

use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    verb: ImportVerb,
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    Helm(helm::HelmArgs),
    Helmfile(helmfile::HelmfileArgs),
    Kluctl(kluctl::KluctlArgs),
    Kustomization(kustomization::KustomizationArgs),
    Namespace(namespace::NamespaceArgs),
}

pub(super) fn run(args: &ImportArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        ImportVerb::Helm(args) => helm::run(args, terminal),
        ImportVerb::Helmfile(args) => helmfile::run(args, terminal),
        ImportVerb::Kluctl(args) => kluctl::run(args, terminal),
        ImportVerb::Kustomization(args) => kustomization::run(args, terminal),
        ImportVerb::Namespace(args) => namespace::run(args, terminal),
    }
}
