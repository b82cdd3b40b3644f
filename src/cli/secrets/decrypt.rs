//! `weft secrets decrypt`.

use super::subject::{FileArgs, Subject};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Failure;
use crate::secrets;

pub(super) fn run(args: &FileArgs, terminal: &Terminal) -> Result<(), Failure> {
    let subject = Subject::new(args);
    let bytes = files::bytes(&subject.path)?;
    let plain = secrets::plain_bytes(&bytes, &subject.name, &subject.identities(&args.keys)?)?;
    Ok(terminal.print_bytes(plain.expose())?)
}
