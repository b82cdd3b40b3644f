//! `weft secrets decrypt`.

use super::subject::{FileArgs, Subject};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets;

pub(super) fn run(args: &FileArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(args);
    let text = files::read(&subject.path)?;
    let plain = secrets::plain(&text, &subject.name, &subject.identities(&args.keys)?)?;
    Ok(terminal.print(plain.expose())?)
}
