//! `weft secrets add-recipient` and `weft secrets remove-recipient`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::batch::Batch;
use super::covered::{Covered, ScopeArgs};
use super::error::SecretsVerbError;
use super::subject::Subject;
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets::{self, Amendment, File, RULES, Readers, Recipient, SecretsError};

/// Let one more key read: it is added to the rule of `.sops.yaml`, and to all encrypted files that the rule covers.
///
/// Without a path there has to be one rule. With paths, the rules are those that cover the encrypted files there; a rule
/// that covers others too is not touched. Values keep their ciphertext, and `.sops.yaml` its comments. Nothing is
/// written unless all files can be opened.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The public key.
    #[arg(value_name = "KEY")]
    recipient: String,
    #[command(flatten)]
    scope: ScopeArgs,
    /// The key group, from 1, where rules or files have several.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u8).range(1..))]
    group: u8,
}

/// Take a key away: from the rule of `.sops.yaml`, and from all encrypted files that the rule covers.
///
/// The files get a new data key, since the old one was known. Whoever held the key has seen the values, and can read
/// them in the history of git: replace those that matter. Without a path there has to be one rule. With paths, the rules
/// are those that cover the encrypted files there; a rule that covers others too is not touched. Nothing is written
/// unless all files can be opened.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The public key.
    #[arg(value_name = "KEY")]
    recipient: String,
    #[command(flatten)]
    scope: ScopeArgs,
}

pub(super) fn add(args: &AddArgs, terminal: &Terminal) -> Result<(), Failure> {
    let (key, recipient) = parsed(&args.recipient)?;
    let group = usize::from(args.group) - 1;
    let covered = Covered::around(start(&args.scope))?;
    let chosen = chosen(&covered, &args.scope)?;
    let text = amended(&covered, &chosen, &key, &|readers| {
        readers.groups.get(group).filter(|it| !it.recipients.contains(&recipient)).map(|_| Amendment::Add(&key, group))
    })?;
    let batch = Batch::new(&paths(&covered, &chosen), &args.scope.keys, &|subject: &Subject, file: File| {
        let readers = file.readers();
        if readers.groups.get(group).is_none() {
            let file = subject.name.to_string();
            let groups = readers.groups.len();
            return Err(SecretsVerbError::NoGroup { file, group: args.group, groups }.into());
        }
        let readers = readers.with(&recipient, group);
        let same = readers == *file.readers();
        Ok((!same).then(|| (file.with_readers(readers), format!("+ {recipient}"))))
    })?;
    finish(&covered, &chosen, text.as_deref(), &batch, &format!("+ {recipient}"), args.scope.dry_run, terminal)
}

pub(super) fn remove(args: &RemoveArgs, terminal: &Terminal) -> Result<(), Failure> {
    let (key, recipient) = parsed(&args.recipient)?;
    let covered = Covered::around(start(&args.scope))?;
    let chosen = chosen(&covered, &args.scope)?;
    for rule in &chosen {
        if let Err(SecretsError::NoRecipient { .. }) =
            covered.rules.at(*rule, RULES)?.readers.without(&recipient, RULES)
        {
            return Err(SecretsVerbError::LastReader { key: recipient.to_string(), rule: covered.rule(*rule) }.into());
        }
    }
    let text = amended(&covered, &chosen, &key, &|readers| {
        readers.recipients().any(|it| *it == recipient).then_some(Amendment::Remove(&key))
    })?;
    let batch = Batch::new(&paths(&covered, &chosen), &args.scope.keys, &|subject: &Subject, file: File| {
        let readers = file.readers().without(&recipient, &subject.name)?;
        let same = readers == *file.readers();
        Ok((!same).then(|| (file.with_readers(readers).rekeyed(), format!("- {recipient}, new data key"))))
    })?;
    if text.is_none() && batch.is_empty() {
        return Err(SecretsVerbError::NoReader { key: recipient.to_string() }.into());
    }
    finish(&covered, &chosen, text.as_deref(), &batch, &format!("- {recipient}"), args.scope.dry_run, terminal)
}

/// The key as it was given, on one line, and as it is understood.
fn parsed(text: &str) -> Result<(String, Recipient), Failure> {
    let recipient: Recipient = text.parse()?;
    Ok((recipient.to_string(), recipient))
}

fn start(scope: &ScopeArgs) -> &Path {
    scope.paths.first().map_or(Path::new("."), PathBuf::as_path)
}

/// The rules that a scope means.
fn chosen(covered: &Covered, scope: &ScopeArgs) -> Result<BTreeSet<usize>, Failure> {
    let count = covered.rules.len();
    let all = 0..count;
    if scope.paths.is_empty() {
        if scope.all || count == 1 {
            return Ok(all.collect());
        }
        return Err(SecretsVerbError::ManyRules { rules: all.map(|at| covered.rule(at)).collect() }.into());
    }
    let within = covered.files.iter().filter(|(name, _)| covered.is_at(name, &scope.paths));
    let chosen: BTreeSet<usize> = within.map(|(_, rule)| *rule).collect();
    if chosen.is_empty() {
        return Err(SecretsVerbError::NothingFound.into());
    }
    for rule in &chosen {
        let others = covered.files.iter().filter(|(name, at)| *at == rule && !covered.is_at(name, &scope.paths));
        let files: Vec<String> = others.map(|(name, _)| name.clone()).collect();
        if !files.is_empty() {
            return Err(SecretsVerbError::RuleReaches { rule: covered.rule(*rule), files }.into());
        }
    }
    Ok(chosen)
}

/// The encrypted files that rules cover.
fn paths(covered: &Covered, rules: &BTreeSet<usize>) -> Vec<PathBuf> {
    let files = covered.files.iter().filter(|(_, rule)| rules.contains(rule));
    files.map(|(name, _)| covered.path(name)).collect()
}

/// The text of `.sops.yaml` with the change of each rule that needs one; `None` where none does.
fn amended<'k>(
    covered: &Covered,
    rules: &BTreeSet<usize>,
    key: &str,
    change: &dyn Fn(&Readers) -> Option<Amendment<'k>>,
) -> Result<Option<String>, Failure> {
    let mut text = covered.text.clone();
    for rule in rules {
        let Some(amendment) = change(&covered.rules.at(*rule, RULES)?.readers) else { continue };
        let by_hand = || SecretsVerbError::ByHand { rule: covered.rule(*rule), key: key.to_owned() };
        text = secrets::amend(&text, *rule, amendment).ok_or_else(by_hand)?;
        // What was written has to be what was meant, however the text looks.
        let read = secrets::rules(&text, &std::sync::Arc::new(RULES.to_owned()));
        let read = read.and_then(|rules| rules.at(*rule, RULES)).map_err(|_| by_hand())?;
        if change(&read.readers).is_some() {
            return Err(by_hand().into());
        }
    }
    Ok((text != covered.text).then_some(text))
}

fn finish(
    covered: &Covered,
    rules: &BTreeSet<usize>,
    text: Option<&str>,
    batch: &Batch,
    what: &str,
    dry_run: bool,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if let Some(text) = text {
        if !dry_run {
            files::replace(&covered.folder.join(RULES), text)?;
        }
        let rules: Vec<String> = rules.iter().map(|rule| covered.rule(*rule)).collect();
        terminal.say(&format!("{RULES}: {what} in {}", rules.join(", ")));
    }
    batch.finish(dry_run, terminal)
}
