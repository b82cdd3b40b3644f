//! What people see: standard output for what can be piped, standard error for everything else.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use indicatif::MultiProgress;
use thiserror::Error;

use super::progress::Progress;
use crate::diagnostic::{Diagnose, Diagnostic, Kind, harmless};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The terminal, or the files and pipes in its place.
#[derive(Clone)]
pub struct Terminal {
    color: bool,
    color_errors: bool,
    among: Option<Among>,
}

/// The part of a terminal that one environment of several has: its lines carry its name, and what it prints is kept.
#[derive(Clone)]
struct Among {
    name: Arc<str>,
    bars: MultiProgress,
    kept: Arc<Mutex<String>>,
}

/// The process's own machinery failed.
#[derive(Debug, Error)]
pub enum TerminalError {
    /// Standard output cannot be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// Standard input cannot be read.
    #[error("cannot read from standard input")]
    Input(#[source] io::Error),
    /// No threads are to be had.
    #[error("cannot start the threads that talk to servers")]
    Runtime(#[source] io::Error),
}

impl Diagnose for TerminalError {
    fn kind(&self) -> Kind {
        Kind::Machine
    }
}

#[expect(clippy::unused_self, reason = "who prints has to hold the terminal")]
impl Terminal {
    /// The terminal of this process.
    pub fn new(choice: ColorChoice) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        let colored = |is_terminal: bool| match choice {
            ColorChoice::Auto => is_terminal && !plain,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        Self {
            color: colored(io::stdout().is_terminal()),
            color_errors: colored(io::stderr().is_terminal()),
            among: None,
        }
    }

    /// The same terminal for one environment of several, which draw their progress below each other. What it prints is
    /// kept for [`Terminal::kept`].
    pub(super) fn among(&self, name: &str, bars: &MultiProgress) -> Self {
        let among = Among { name: name.into(), bars: bars.clone(), kept: Arc::default() };
        Self { among: Some(among), ..self.clone() }
    }

    /// How a line about an environment begins: with its name, where this terminal does not say it anyway.
    pub(super) fn heads(&self, environment: &str) -> String {
        if self.among.is_some() { String::new() } else { format!("{environment}: ") }
    }

    /// What was printed by one of several.
    pub(super) fn kept(&self) -> String {
        let kept = self.among.as_ref().map(|it| it.kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.map(|kept| kept.clone()).unwrap_or_default()
    }

    /// Whether what goes to standard output is coloured.
    pub fn color(&self) -> bool {
        self.color
    }

    /// How many characters a line of standard output has; `None` where it is no terminal and `COLUMNS` does not say it.
    pub fn width(&self) -> Option<usize> {
        let said = || std::env::var("COLUMNS").ok()?.parse().ok();
        let found = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        found.or_else(said).filter(|width| *width > 0)
    }

    /// Writes to standard output. A reader that went away (`| head`) is no error.
    pub fn print(&self, text: &str) -> Result<(), TerminalError> {
        if let Some(among) = &self.among {
            among.kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
            return Ok(());
        }
        self.print_bytes(text.as_bytes())
    }

    /// Writes bytes to standard output, as [`Terminal::print`] does.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), TerminalError> {
        let mut out = io::stdout().lock();
        printed(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Copies what is read to standard output, as [`Terminal::print_bytes`] does.
    pub(super) fn copy(&self, from: &mut impl io::Read) -> Result<(), TerminalError> {
        let mut out = io::stdout().lock();
        printed(io::copy(from, &mut out).and_then(|_| out.flush()))
    }

    /// Writes a line to standard error. Nothing can be done where that fails.
    pub fn say(&self, line: &str) {
        self.write(&self.named(&harmless(line)));
    }

    fn write(&self, line: &str) {
        let write = || writeln!(io::stderr().lock(), "{line}");
        // Lines of others must not tear the progress of this one apart.
        let _ = match &self.among {
            Some(among) if io::stderr().is_terminal() => among.bars.suspend(write),
            _ => write(),
        };
    }

    fn named(&self, line: &str) -> String {
        self.among.as_ref().map_or_else(|| line.to_owned(), |among| format!("{}: {line}", among.name))
    }

    /// Writes a warning to standard error.
    pub fn warn(&self, text: &str) {
        self.write(&self.paint("warning:", "33;1", &self.named(&harmless(text))));
    }

    /// Writes an error to standard error.
    pub fn diagnose(&self, diagnostic: &Diagnostic) {
        let text = diagnostic.to_string();
        let rest = text.strip_prefix("error:").unwrap_or(&text);
        self.write(self.paint("error:", "31;1", &self.named(rest.trim_start_matches(' '))).trim_end());
    }

    fn paint(&self, head: &str, color: &str, rest: &str) -> String {
        if self.color_errors { format!("\u{1b}[{color}m{head}\u{1b}[0m {rest}") } else { format!("{head} {rest}") }
    }

    /// Whether there is somebody to ask.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question that only `yes` answers with yes; `None` where nobody can be asked.
    pub fn ask(&self, question: &str) -> Result<Option<bool>, TerminalError> {
        if !self.can_ask() {
            return Ok(None);
        }
        let _ = write!(io::stderr().lock(), "{question} Only `yes` goes on: ");
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(TerminalError::Input)?;
        Ok(Some(answer.trim() == "yes"))
    }

    /// A line that tells what a long work is at. It shows nothing for work of less than a second.
    pub fn progress(&self) -> Progress {
        let among = self.among.as_ref().map(|among| (&among.name, &among.bars));
        Progress::new(io::stderr().is_terminal(), among)
    }
}

/// How writing went, for which a reader that went away is no error.
fn printed(written: io::Result<()>) -> Result<(), TerminalError> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(TerminalError::Output),
    }
}
