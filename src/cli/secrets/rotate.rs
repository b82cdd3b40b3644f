//! `weft secrets rekey` and `weft secrets rotate`: new data keys.

use std::path::PathBuf;

use clap::Args;

use super::batch::Batch;
use super::covered::{self, ScopeArgs};
use super::pgp;
use super::subject::Subject;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets::File;

/// Encrypt files anew with a new data key, for the same readers. See `rotate` for those that `.sops.yaml` names.
///
/// Every value gets new ciphertext. Nothing is written unless all files can be opened.
#[derive(Debug, Args)]
pub(super) struct RekeyArgs {
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Encrypt files anew with a new data key, for the readers that `.sops.yaml` names now. See `rekey` to keep the readers.
///
/// Every value gets new ciphertext. What is encrypted and what is not stays as it is in each file. Nothing is written
/// unless all files can be opened and each has a rule. Whoever could read an old file has seen its values, and can read
/// them in the history of git: replace those that matter.
#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Open files that are encrypted for PGP keys with the program `gpg` (or the one of `SOPS_GPG_EXEC`), to move them
    /// to age keys. The rules have to name age keys already, and no PGP keys.
    #[arg(long)]
    from_pgp: bool,
}

pub(super) fn rekey(args: &RekeyArgs, terminal: &Terminal) -> Result<(), Failure> {
    let paths = covered::files(&args.scope)?;
    let batch = Batch::new(&paths, &args.scope.keys, &|_, file| Ok(Some((file.rekeyed(), "new data key".to_owned()))))?;
    batch.finish(args.scope.dry_run, terminal)
}

pub(super) fn rotate(args: &RotateArgs, terminal: &Terminal) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = covered::files(&args.scope)?;
    let scope = &args.scope;
    let keys = &args.scope.keys;
    let batch = if args.from_pgp {
        Batch::with(&paths, keys, &pgp::open, &rotated)?
    } else {
        Batch::new(&paths, keys, &rotated)?
    };
    batch.finish(scope.dry_run, terminal)
}

fn rotated(subject: &Subject, file: File) -> Result<Option<(File, String)>, Failure> {
    let wanted = subject.rule()?.readers;
    let names = |readers: &crate::secrets::Readers| -> Vec<String> {
        let others = readers.others().map(ToString::to_string);
        readers.recipients().map(ToString::to_string).chain(others).collect()
    };
    let old = names(file.readers());
    let new = names(&wanted);
    let gone = old.iter().filter(|name| !new.contains(name)).map(|name| format!(", - {name}"));
    let come = new.iter().filter(|name| !old.contains(name)).map(|name| format!(", + {name}"));
    let what = format!("new data key{}", come.chain(gone).collect::<String>());
    Ok(Some((file.with_readers(wanted).rekeyed(), what)))
}
