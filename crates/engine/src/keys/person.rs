//! Whoever runs the program: asked on the terminal, or by a variable that was set before.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use weft_base::masked::Masked;
use weft_sops::Asks;

/// The variable that holds a passphrase.
pub(super) const VARIABLE: &str = "WEFT_AGE_PASSPHRASE";

/// The terminal of the process, whatever its standard streams are.
const TERMINAL: &str = "/dev/tty";

/// The longest line that a terminal hands over, in bytes.
const LINE: usize = 4096;

/// Who is asked.
pub(super) struct Person {
    /// What the variable holds.
    pub passphrase: Option<Masked<String>>,
    /// Whether there may be a terminal.
    pub terminal: bool,
}

impl Asks for Person {
    fn passphrase(&self, what: &str, attempt: usize) -> Result<Masked<String>, String> {
        match &self.passphrase {
            Some(passphrase) if attempt == 0 => Ok(passphrase.clone()),
            Some(_) => Err(format!("the passphrase in `{VARIABLE}` is not the one of {what}")),
            None => self.secret(what, attempt).ok_or_else(|| {
                format!(
                    "there is no passphrase for {what}: `{VARIABLE}` is not set, and there is no terminal to ask on"
                )
            }),
        }
    }

    fn say(&self, message: &str) {
        if let Some(mut terminal) = self.open() {
            // Nothing can be done where a terminal that is there cannot be written.
            let _ = writeln!(terminal, "{message}");
        }
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let answer = self.line(&format!("{question} [y: {yes}, n: {}] ", no.unwrap_or("no")), true)?;
        Some(answer.trim().eq_ignore_ascii_case("y"))
    }

    fn answer(&self, question: &str) -> Option<String> {
        self.line(&format!("{question}: "), true).map(|line| line.to_string())
    }
}

impl Person {
    fn secret(&self, what: &str, attempt: usize) -> Option<Masked<String>> {
        let again = if attempt == 0 { "" } else { "That was wrong. " };
        let line = self.line(&format!("{again}Passphrase for {what}: "), false)?;
        Some(Masked::new(line.to_string()))
    }

    fn open(&self) -> Option<File> {
        self.terminal.then(|| File::options().read(true).write(true).open(TERMINAL).ok()).flatten()
    }

    /// The line that is typed after a question; `None` without a terminal, or where the input ends.
    fn line(&self, question: &str, shown: bool) -> Option<Zeroizing<String>> {
        let mut terminal = self.open()?;
        let line = if shown { read(&mut terminal, question) } else { unseen(&mut terminal, question) };
        line.ok().flatten()
    }
}

/// Asks for a secret on the terminal, which does not show what is typed; `None` without a terminal, or where the input
/// ends.
pub fn ask_unseen(question: &str) -> Option<Masked<String>> {
    let line = Person { passphrase: None, terminal: true }.line(question, false)?;
    Some(Masked::new(line.to_string()))
}

/// A line that does not show from the moment that the question does. The keys that edit and end it are read here, so
/// that the terminal is as it was however the line ends.
fn unseen(terminal: &mut File, question: &str) -> io::Result<Option<Zeroizing<String>>> {
    let before = tcgetattr(&*terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    silent.special_codes[SpecialCodeIndex::VMIN] = 1;
    silent.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(&*terminal, OptionalActions::Flush, &silent)?;
    let line = terminal.write_all(question.as_bytes()).and_then(|()| typed(&mut *terminal));
    tcsetattr(&*terminal, OptionalActions::Flush, &before)?;
    terminal.write_all(b"\n")?;
    if matches!(&line, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
        kill_process(getpid(), Signal::INT)?;
    }
    line
}

/// The line that keys make: backspace takes the last character, Ctrl-U all of them, Ctrl-C interrupts, Ctrl-D ends.
fn typed(keys: &mut dyn io::Read) -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE));
    let mut key = [0];
    loop {
        let count = keys.read(&mut key)?;
        match key[0] {
            _ if count == 0 => return Ok(None),
            0x03 | 0x1c => return Err(io::ErrorKind::Interrupted.into()),
            0x04 if line.is_empty() => return Ok(None),
            b'\n' | b'\r' | 0x04 => break,
            0x15 => line.clear(),
            0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            byte => line.push(byte),
        }
    }
    let text = std::str::from_utf8(&line).map_err(io::Error::other)?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// One line after a question; a terminal hands over no more at once, so that nothing of it stays in a buffer.
fn read(terminal: &mut File, question: &str) -> io::Result<Option<Zeroizing<String>>> {
    terminal.write_all(question.as_bytes())?;
    let mut bytes = Zeroizing::new(vec![0; LINE]);
    let length = terminal.read(&mut bytes)?;
    let text = std::str::from_utf8(&bytes[..length]).map_err(io::Error::other)?;
    Ok((length > 0).then(|| Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_make_a_line() {
        let line = |keys: &str| typed(&mut keys.as_bytes()).unwrap().map(|line| line.to_string());
        assert_eq!(line("geheim\r"), Some("geheim".to_owned()));
        assert_eq!(line("wrong\u{15}käs\u{7f}\u{7f}\u{8}x\u{4}"), Some("x".to_owned()));
        assert_eq!([line("\n"), line("\u{4}"), line("")], [Some(String::new()), None, None]);
        assert_eq!(typed(&mut "a\u{3}".as_bytes()).unwrap_err().kind(), io::ErrorKind::Interrupted);
    }
}
