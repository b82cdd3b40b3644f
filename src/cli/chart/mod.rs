//! `weft chart`.

mod package;
mod push;
mod render;

use clap::{Args, Subcommand};

use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;

#[derive(Debug, Args)]
pub(super) struct ChartArgs {
    #[command(subcommand)]
    verb: ChartVerb,
}

#[derive(Debug, Subcommand)]
enum ChartVerb {
    Render(render::RenderArgs),
    Package(package::PackageArgs),
    Push(push::PushArgs),
}

pub(super) fn run(args: &ChartArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        ChartVerb::Render(args) => render::run(args, terminal),
        ChartVerb::Package(args) => package::run(args, terminal),
        ChartVerb::Push(args) => push::run(args, terminal),
    }
}
