//! `weft secrets edit`.

use super::editor::edited;
use super::subject::{FileArgs, Subject};
use super::{now, random};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::masked::Masked;
use crate::secrets::{self, Identities, Rule};

/// What an edit begins with.
enum Old {
    Encrypted(String),
    /// Nothing. Nobody should write a secret that then cannot be encrypted, so the rule is looked up before.
    New(Rule),
}

pub(super) fn run(args: &FileArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(args);
    let identities = subject.identities(args)?;
    let there = subject.path.exists();
    let old = if there { Old::Encrypted(files::read(&subject.path)?) } else { Old::New(subject.rule()?) };
    let before = match &old {
        Old::Encrypted(text) => secrets::plain(text, &subject.name, &identities)?,
        Old::New(_) => Masked::new(String::new()),
    };
    let mut after = edited(&subject.path, &before)?;
    while after != before {
        match save(&subject, &old, &after, &identities) {
            Ok(()) => {
                terminal.say(&format!("{}: encrypted", subject.name));
                return Ok(());
            }
            // A slip in a long text must not cost the text.
            Err(failure) if again(&failure, terminal)? => after = edited(&subject.path, &after)?,
            Err(failure) => return Err(failure),
        }
    }
    terminal.say(&format!("{}: unchanged", subject.name));
    Ok(())
}

fn save(subject: &Subject, old: &Old, plain: &Masked<String>, identities: &Identities) -> Result<(), Failure> {
    let (name, plain) = (&subject.name, plain.expose());
    match old {
        Old::Encrypted(text) => {
            let text = secrets::edit(text, plain, name, identities, &mut random, &now())?;
            files::replace(&subject.path, &text)?;
        }
        Old::New(rule) => {
            files::create(&subject.path, &secrets::encrypt(plain, name, rule, &mut random, &now())?, false)?;
        }
    }
    Ok(())
}

/// Says what is wrong with the text, and asks whether to go on with it.
fn again(failure: &Failure, terminal: &Terminal) -> Result<bool, Failure> {
    if !terminal.can_ask() {
        return Ok(false);
    }
    failure.diagnostics.iter().for_each(|diagnostic| terminal.diagnose(diagnostic));
    Ok(terminal.ask("Open the editor again?")? == Some(true))
}
