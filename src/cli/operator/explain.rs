//! `weft operator explain`.

use clap::Args;

use super::ServerArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, wait};
use crate::diagnostic::Failure;
use crate::operator;
use crate::operator::marks::NamespacedName;

/// Say what a ConfigMapSync wants, what is there, and why each target is as it is. It looks with your own rights.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The object.
    #[arg(value_name = "NAMESPACE/NAME", value_parser = key)]
    object: NamespacedName,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let facts = wait(operator::facts(&args.server.target()?, &args.object))?;
    terminal.print(&operator::explanation(&facts))?;
    Ok(Exit::Done)
}

fn key(text: &str) -> Result<NamespacedName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(NamespacedName::new(namespace, name))
        }
        _ => Err("it must be NAMESPACE/NAME".to_owned()),
    }
}
