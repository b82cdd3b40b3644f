//! `weft secrets edit`.

use std::path::Path;
use std::process::Command;

use super::error::SecretsVerbError;
use super::subject::{FileArgs, Subject};
use super::{now, random};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::masked::Masked;
use crate::secrets::File;

pub(super) fn run(args: &FileArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(args);
    let mut file = opened(&subject, args)?;
    let before = if subject.path.exists() { file.plain()? } else { Masked::new(String::new()) };
    let mut after = edited(&subject, &before)?;
    while after != before {
        match save(&subject, &mut file, &after) {
            Ok(()) => {
                terminal.say(&format!("{}: encrypted", subject.name));
                return Ok(());
            }
            // A slip in a long text must not cost the text.
            Err(failure) if again(&failure, terminal)? => after = edited(&subject, &after)?,
            Err(failure) => return Err(failure),
        }
    }
    terminal.say(&format!("{}: unchanged", subject.name));
    Ok(())
}

/// The file, or one that is still to be made. Nobody should write a secret that then cannot be encrypted, so its rule is
/// looked up before.
fn opened(subject: &Subject, args: &FileArgs) -> Result<File, Failure> {
    if !subject.path.exists() {
        return Ok(File::new(b"", &subject.name, &subject.rule()?)?);
    }
    let bytes = files::bytes(&subject.path)?;
    Ok(File::open(&bytes, &subject.name, &subject.identities(&args.keys)?)?)
}

fn save(subject: &Subject, file: &mut File, plain: &Masked<String>) -> Result<(), Failure> {
    file.rewrite(plain.expose().as_bytes())?;
    let bytes = file.write(&mut random, &now())?;
    let there = subject.path.exists();
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

/// Opens the plain text in the editor, in a folder of its own that only its owner can enter; what it is then.
fn edited(subject: &Subject, before: &Masked<String>) -> Result<Masked<String>, Failure> {
    let folder =
        tempfile::tempdir().map_err(|source| files::FileError::Write { path: std::env::temp_dir(), source })?;
    let place = folder.path().join(subject.path.file_name().unwrap_or_default());
    files::create(&place, before.expose(), true)?;
    let opened = open_editor(&place);
    let after = opened.and_then(|()| Ok(Masked::new(files::read(&place)?)));
    // Whatever happened, the plain text does not stay on the disk.
    let wiped = files::wipe(&place);
    let after = after?;
    wiped?;
    Ok(after)
}

fn open_editor(place: &Path) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("vi"));
    let status = command.args(words).arg(place).status();
    let status = status.map_err(|source| SecretsVerbError::Editor { editor: editor.clone(), source })?;
    if status.success() { Ok(()) } else { Err(SecretsVerbError::EditorFailed { editor, status }.into()) }
}
