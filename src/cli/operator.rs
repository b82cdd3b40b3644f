//! `weft operator`.

use clap::{Args, Subcommand};

use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::{operator, yaml};

/// What belongs to the ConfigMapSync operator.
#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    #[command(subcommand)]
    verb: OperatorVerb,
}

#[derive(Debug, Subcommand)]
enum OperatorVerb {
    /// Print the CustomResourceDefinition of ConfigMapSync.
    Crd,
}

pub(super) fn run(args: &OperatorArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match args.verb {
        OperatorVerb::Crd => terminal.print(&yaml::write(&operator::crd()?))?,
    }
    Ok(Exit::Done)
}
