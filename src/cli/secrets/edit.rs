//! `weft secrets edit`.

use super::editor::edited;
use super::subject::{FileArgs, Subject};
use super::{now, random};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::masked::Masked;
use crate::secrets::File;

pub(super) fn run(args: &FileArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(args);
    let there = subject.path.exists();
    let mut file = opened(&subject, args, there)?;
    let before = if there { file.plain()? } else { Masked::new(String::new()) };
    let mut after = edited(&subject.path, &before)?;
    while after != before {
        match save(&subject, &mut file, &after, there) {
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

/// The file, or one that is still to be made. Nobody should write a secret that then cannot be encrypted, so its rule is
/// looked up before.
fn opened(subject: &Subject, args: &FileArgs, there: bool) -> Result<File, Failure> {
    if !there {
        return subject.blank();
    }
    let bytes = files::bytes(&subject.path)?;
    Ok(File::open(&bytes, &subject.name, &subject.identities(&args.keys)?)?)
}

fn save(subject: &Subject, file: &mut File, plain: &Masked<String>, there: bool) -> Result<(), Failure> {
    file.rewrite(plain.expose().as_bytes())?;
    let bytes = file.write(&mut random, &now())?;
    Ok(if there { files::replace(&subject.path, bytes) } else { files::create(&subject.path, bytes, false) }?)
}

/// Says what is wrong with the text, and asks whether to go on with it.
fn again(failure: &Failure, terminal: &Terminal) -> Result<bool, Failure> {
    if !terminal.can_ask() {
        return Ok(false);
    }
    failure.diagnostics.iter().for_each(|diagnostic| terminal.diagnose(diagnostic));
    Ok(terminal.ask("Open the editor again?")? == Some(true))
}
