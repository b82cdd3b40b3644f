//! `weft secrets keygen`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::now;
use crate::cli::files;
use crate::cli::settings;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::keys;
use crate::masked::Masked;
use crate::secrets;

/// Make a new age identity.
#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// Write it into this file, which only its owner can read, and print the public key.
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// Encrypt the file with a passphrase: that of `WEFT_AGE_PASSPHRASE`, or one that is typed twice.
    #[arg(long)]
    passphrase: bool,
}

pub(super) fn run(args: &KeygenArgs, terminal: &Terminal) -> Result<(), Failure> {
    let (text, recipient) = secrets::keygen(&now(), None);
    let text = if args.passphrase { locked(&text, args.output.as_deref())? } else { text };
    match &args.output {
        None => terminal.print(text.expose())?,
        Some(path) => {
            files::create(path, text.expose(), true)?;
            terminal.print(&format!("{recipient}\n"))?;
        }
    }
    Ok(())
}

/// The key file behind a new passphrase.
fn locked(text: &Masked<String>, output: Option<&Path>) -> Result<Masked<String>, Failure> {
    let variables = settings::process();
    let process = keys::Process::new(&|name| variables.get(name).cloned());
    let what = output.map_or_else(|| "the new key".to_owned(), |path| format!("`{}`", path.display()));
    Ok(Masked::new(secrets::locked(text, &keys::new_passphrase(&process, &what)?)?))
}
