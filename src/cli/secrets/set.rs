//! `weft secrets set` and `weft secrets unset`.

use clap::Args;

use super::error::SecretsVerbError;
use super::input::ValueArgs;
use super::place;
use super::subject::{FileArgs, Subject};
use super::{now, random};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets::File;
use crate::value::Value;

/// Set one value of an encrypted file. All other values keep their ciphertext.
///
/// The value is asked for, or read from standard input, a file or an argument. One that reads as `true`, `false` or a
/// number becomes that, if printing it gives the same characters and no text stood there before; anything else is
/// text. Maps that are missing on the way are made; the place behind the end of a list adds an item. A file that is not
/// there is made as `.sops.yaml` says.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The place: `database.password`, `hosts[0]`, `tls["tls.key"]`, `users[name="ann"].token`.
    path: String,
    #[command(flatten)]
    value: ValueArgs,
}

/// Take one value, list or map out of an encrypted file. All other values keep their ciphertext.
#[derive(Debug, Args)]
pub(super) struct UnsetArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The place: `database.password`, `hosts[0]`, `tls["tls.key"]`, `users[name="ann"].token`.
    path: String,
    /// It is no error where there is nothing at the place.
    #[arg(long)]
    if_present: bool,
}

pub(super) fn set(args: &SetArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(&args.file);
    let there = subject.path.exists();
    let mut file = if there { open(&subject, &args.file)? } else { subject.blank()? };
    let path = place::path(&args.path, file.value())?;
    let value = args.value.read(&args.path, path.resolve(file.value()), terminal)?;
    let changed = file.set(&path, value)?;
    if args.value.is_seen() && path.resolve(file.value()).is_some_and(Value::is_masked) {
        terminal.warn(
            "the shell's history and the list of processes show a value that is an argument; without it, it is asked \
             for or read from standard input",
        );
    }
    if changed {
        let bytes = file.write(&mut random, &now())?;
        if there {
            files::replace(&subject.path, bytes)?;
        } else {
            files::create(&subject.path, bytes, false)?;
        }
    }
    terminal.say(&format!("{}: {path} {}", subject.name, if changed { "set" } else { "unchanged" }));
    Ok(())
}

pub(super) fn unset(args: &UnsetArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(&args.file);
    let mut file = open(&subject, &args.file)?;
    let path = place::path(&args.path, file.value())?;
    if path.resolve(file.value()).is_none() && !args.if_present {
        let around = place::around(&path, file.value());
        return Err(SecretsVerbError::Absent { file: subject.name.to_string(), path, around }.into());
    }
    let changed = file.unset(&path)?;
    if changed {
        files::replace(&subject.path, file.write(&mut random, &now())?)?;
    }
    terminal.say(&format!("{}: {path} {}", subject.name, if changed { "taken out" } else { "was not there" }));
    Ok(())
}

fn open(subject: &Subject, args: &FileArgs) -> Result<File, Failure> {
    let bytes = files::bytes(&subject.path)?;
    Ok(File::open(&bytes, &subject.name, &subject.identities(&args.keys)?)?)
}
