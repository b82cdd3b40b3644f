//! `weft secrets keygen`.

use std::path::PathBuf;

use clap::Args;

use super::now;
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets;

/// Make a new age identity.
#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// Write it into this file, which only its owner can read, and print the public key.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &KeygenArgs, terminal: &Terminal) -> Result<(), Failure> {
    let (text, recipient) = secrets::keygen(&now(), None);
    match &args.output {
        None => terminal.print(text.expose())?,
        Some(path) => {
            files::create(path, text.expose(), true)?;
            terminal.print(&format!("{recipient}\n"))?;
        }
    }
    Ok(())
}
