//! `weft secrets`: one verb, one file.
//!
//! The one folder of the command line that looks behind a mask: it hands the plain text to the person who asked for it.

mod decrypt;
mod edit;
mod editor;
mod encrypt;
mod error;
mod keygen;
mod subject;

use clap::{Args, Subcommand};
use jiff::{Timestamp, Unit};

use self::subject::FileArgs;
use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;

/// Encrypted files: make keys, encrypt, decrypt, edit. The layout is that of SOPS with age recipients.
#[derive(Debug, Args)]
pub(super) struct SecretsArgs {
    #[command(subcommand)]
    verb: SecretsVerb,
}

#[derive(Debug, Subcommand)]
enum SecretsVerb {
    Keygen(keygen::KeygenArgs),
    Encrypt(encrypt::EncryptArgs),
    /// Print an encrypted file in plain text.
    Decrypt {
        #[command(flatten)]
        file: FileArgs,
    },
    /// Open an encrypted file in your editor (`VISUAL` or `EDITOR`), and encrypt what changed.
    Edit {
        #[command(flatten)]
        file: FileArgs,
    },
}

pub(super) fn run(args: &SecretsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        SecretsVerb::Keygen(args) => keygen::run(args, terminal)?,
        SecretsVerb::Encrypt(args) => encrypt::run(args, terminal)?,
        SecretsVerb::Decrypt { file } => decrypt::run(file, terminal)?,
        SecretsVerb::Edit { file } => edit::run(file, terminal)?,
    }
    Ok(Exit::Done)
}

fn random(bytes: &mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    getrandom::fill(bytes).map_err(Into::into)
}

/// The time, in seconds, as files say it.
fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}
