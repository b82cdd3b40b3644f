//! `weft secrets encrypt`.

use std::sync::Arc;

use clap::Args;
use zeroize::Zeroizing;

use super::subject::{FileArgs, Subject};
use super::{now, random};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets::{File, Readers, Recipient, Rule};
use crate::value::Origin;

/// Encrypt a plain file for the readers that `.sops.yaml` names.
#[derive(Debug, Args)]
pub(super) struct EncryptArgs {
    #[command(flatten)]
    file: FileArgs,
    /// A public age key in place of those in `.sops.yaml`. May be repeated.
    #[arg(long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
    /// Replace the file instead of printing the encrypted text.
    #[arg(long)]
    in_place: bool,
}

pub(super) fn run(args: &EncryptArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(&args.file);
    let plain = Zeroizing::new(files::bytes(&subject.path)?);
    let rule = if args.recipients.is_empty() { subject.rule()? } else { rule_of(&args.recipients)? };
    let encrypted = File::new(&plain, &subject.name, &rule)?.write(&mut random, &now())?;
    if !args.in_place {
        return Ok(terminal.print_bytes(&encrypted)?);
    }
    files::replace(&subject.path, &encrypted)?;
    terminal.say(&format!("{}: encrypted for {}", subject.name, listed(&rule.readers)));
    Ok(())
}

fn rule_of(recipients: &[String]) -> Result<Rule, Failure> {
    let origin = Origin::new(&Arc::new("--recipient".to_owned()), crate::value::Mark::default());
    let recipients = recipients.iter().map(|key| Recipient::parse(key, &origin));
    Ok(recipients.collect::<Result<Vec<_>, _>>()?.into())
}

fn listed(readers: &Readers) -> String {
    readers.recipients().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
