//! `weft secrets`: one verb, one file.
//!
//! The one folder of the command line that looks behind a mask: it hands the plain text to the person who asked for it.

mod batch;
mod check;
mod covered;
mod decrypt;
mod diff;
mod edit;
mod editor;
mod encrypt;
mod error;
mod get;
mod git_setup;
mod input;
mod keygen;
mod merge;
mod pgp;
mod place;
mod recipients;
mod repository;
mod rotate;
mod set;
mod subject;
mod textconv;
mod who;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use self::subject::FileArgs;
use super::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::state::second;

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
    Get(get::GetArgs),
    Set(set::SetArgs),
    Unset(set::UnsetArgs),
    Who(who::WhoArgs),
    AddRecipient(recipients::AddArgs),
    RemoveRecipient(recipients::RemoveArgs),
    Rekey(rotate::RekeyArgs),
    Rotate(rotate::RotateArgs),
    Check(check::CheckArgs),
    Diff(diff::DiffArgs),
    GitSetup(git_setup::GitSetupArgs),
    Textconv(textconv::TextconvArgs),
    Merge(merge::MergeArgs),
}

pub(super) fn run(args: &SecretsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        SecretsVerb::Keygen(args) => keygen::run(args, terminal)?,
        SecretsVerb::Encrypt(args) => encrypt::run(args, terminal)?,
        SecretsVerb::Decrypt { file } => decrypt::run(file, terminal)?,
        SecretsVerb::Edit { file } => edit::run(file, terminal)?,
        SecretsVerb::Get(args) => get::run(args, terminal)?,
        SecretsVerb::Set(args) => set::set(args, terminal)?,
        SecretsVerb::Unset(args) => set::unset(args, terminal)?,
        SecretsVerb::Who(args) => who::run(args, terminal)?,
        SecretsVerb::AddRecipient(args) => recipients::add(args, terminal)?,
        SecretsVerb::RemoveRecipient(args) => recipients::remove(args, terminal)?,
        SecretsVerb::Rekey(args) => rotate::rekey(args, terminal)?,
        SecretsVerb::Rotate(args) => rotate::rotate(args, terminal)?,
        SecretsVerb::Check(args) => return check::run(args, terminal),
        SecretsVerb::Diff(args) => return diff::run(args, terminal),
        SecretsVerb::GitSetup(args) => git_setup::run(args, terminal)?,
        SecretsVerb::Textconv(args) => textconv::run(args, terminal)?,
        SecretsVerb::Merge(args) => return merge::run(args, terminal),
    }
    Ok(Exit::Done)
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    getrandom::fill(bytes).map_err(Into::into)
}

/// The time, in seconds, as files say it.
pub(super) fn now() -> String {
    second(Timestamp::now())
}
