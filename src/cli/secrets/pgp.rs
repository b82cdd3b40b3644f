//! Files that are encrypted for PGP keys, opened with the program `gpg`.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use zeroize::Zeroizing;

use super::error::SecretsVerbError;
use super::subject::Subject;
use crate::diagnostic::Failure;
use crate::masked::Masked;
use crate::secrets::{self, File, Identities};

/// gpg asks for one passphrase at a time.
static ASKING: Mutex<()> = Mutex::new(());

/// Opens a file with the first of its PGP keys whose private half gpg has. One whose age keys fit needs no gpg.
pub(super) fn open(subject: &Subject, bytes: &[u8], identities: &Identities) -> Result<File, Failure> {
    let messages = secrets::pgp_messages(bytes, &subject.name)?;
    match File::open(bytes, &subject.name, identities) {
        Ok(file) => return Ok(file),
        Err(error) if messages.is_empty() => return Err(error.into()),
        // An age key that is missing is why gpg is asked; whatever else is wrong, it is so with gpg's key too.
        Err(_) => {}
    }
    let program = std::env::var("SOPS_GPG_EXEC").ok().filter(|it| !it.is_empty()).unwrap_or_else(|| "gpg".to_owned());
    let _asking = ASKING.lock();
    let mut problem = String::new();
    for (_, message) in &messages {
        let output = decrypted(&program, message);
        let output = output.map_err(|source| SecretsVerbError::Gpg { program: program.clone(), source })?;
        let printed = Zeroizing::new(output.stdout);
        if output.status.success() {
            return Ok(File::open_with(bytes, &subject.name, &Masked::new(printed.to_vec()))?);
        }
        problem = last_line(&output.stderr);
    }
    let keys = messages.into_iter().map(|(key, _)| key).collect();
    Err(SecretsVerbError::GpgFailed { program, file: subject.name.to_string(), keys, problem }.into())
}

/// What gpg makes of a message. Both go through pipes: arguments would be seen by others.
fn decrypted(program: &str, message: &str) -> io::Result<Output> {
    let mut command = Command::new(program);
    command.args(["--quiet", "--no-tty", "--decrypt"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A program that ends before it has read all says more by its status.
        let _ = input.write_all(message.as_bytes());
    }
    child.wait_with_output()
}

fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines().last().unwrap_or("gpg says nothing").trim().to_owned()
}
