//! What people see: standard output for what can be piped, standard error for everything else.

use std::fmt;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use thiserror::Error;

use crate::diagnostic::{Diagnose, Diagnostic, Kind};
use crate::report::WIDTH;

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
        Self { color: colored(io::stdout().is_terminal()), color_errors: colored(io::stderr().is_terminal()) }
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
        self.print_bytes(text.as_bytes())
    }

    /// Writes bytes to standard output, as [`Terminal::print`] does.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), TerminalError> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(TerminalError::Output),
        }
    }

    /// Writes a line to standard error. Nothing can be done where that fails.
    pub fn say(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Writes a warning to standard error.
    pub fn warn(&self, text: &str) {
        self.say(&self.paint("warning:", "33;1", text.trim_end()));
    }

    /// Writes an error to standard error.
    pub fn diagnose(&self, diagnostic: &Diagnostic) {
        let text = diagnostic.to_string();
        let rest = text.strip_prefix("error:").unwrap_or(&text);
        self.say(self.paint("error:", "31;1", rest.trim_start_matches(' ')).trim_end());
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
        Progress::new(io::stderr().is_terminal())
    }
}

/// What a long work is at, on standard error: redrawn in place on a terminal, else lines of their own, and few of them.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Arc<Mutex<Plain>>>,
}

/// What was written where nothing can be redrawn.
struct Plain {
    began: Instant,
    last: Option<Instant>,
    /// How many more changes may be told now.
    spare: usize,
    /// Since when there is one more each [`SPARE`].
    refilled: Instant,
    /// Changes that were not told.
    left_out: usize,
}

/// Work of less than this needs no progress, and steps within it are one.
const QUIET: Duration = Duration::from_secs(1);
/// The time between two lines that only count.
const COUNTING: Duration = Duration::from_secs(10);
/// So many changes are told at once, and then one each of this time.
const BURST: usize = 20;
const SPARE: Duration = Duration::from_secs(1);
/// The least room for a view.
const LEAST: (usize, usize) = (20, 4);
/// A view of more lines is in the way of what stands above it.
const MOST: usize = 16;

impl Progress {
    fn new(is_terminal: bool) -> Self {
        if !is_terminal {
            let now = Instant::now();
            let plain = Plain { began: now, last: None, spare: BURST, refilled: now, left_out: 0 };
            return Self { bar: ProgressBar::hidden(), plain: Some(Arc::new(plain.into())) };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, plain: None }
    }

    /// Says what is being done now.
    pub fn at(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.plainly(|plain| plain.at(what, QUIET));
    }

    /// From now on shows what `view` says, in several lines that are redrawn; it gets how many characters a line has
    /// and how many lines there are.
    pub fn show(&self, view: impl Fn(usize, usize) -> Vec<String> + Clone + Send + Sync + 'static) {
        let write = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
            let size = size.map_or((WIDTH, LEAST.1), |it| (usize::from(it.ws_col), usize::from(it.ws_row)));
            // The spinner takes two characters, and the cursor a line.
            let lines = view(size.0.max(LEAST.0) - 2, (size.1.max(LEAST.1) - 1).min(MOST));
            let _ = out.write_str(&lines.join("\n"));
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {view}") {
            self.bar.set_style(style.with_key("view", write));
        }
    }

    /// Says that something changed, which a view would show: a line where there is none.
    pub fn changed(&self, what: &str) {
        self.plainly(|plain| plain.changed(what));
    }

    /// Says how far it is, now and then, where there is no view.
    pub fn counted(&self, what: &str) {
        self.plainly(|plain| plain.at(what, COUNTING));
    }

    /// Says something that stays, above the line.
    pub fn above(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Ends the line, so that the next output begins on a clean one.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn plainly(&self, say: impl FnOnce(&mut Plain) -> Option<String>) {
        let Some(mut plain) = self.plain.as_ref().and_then(|it| it.lock().ok()) else { return };
        if let Some(line) = say(&mut plain) {
            let _ = writeln!(io::stderr().lock(), "... {line}");
        }
    }
}

impl Plain {
    fn at(&mut self, what: &str, every: Duration) -> Option<String> {
        let now = Instant::now();
        let due = self.last.is_none_or(|last| now - last >= every) && now - self.began >= QUIET;
        due.then(|| {
            self.last = Some(now);
            what.to_owned()
        })
    }

    fn changed(&mut self, what: &str) -> Option<String> {
        while self.spare < BURST && self.refilled.elapsed() >= SPARE {
            self.refilled += SPARE;
            self.spare += 1;
        }
        if self.spare == 0 {
            self.left_out += 1;
            return None;
        }
        if self.spare == BURST {
            self.refilled = Instant::now();
        }
        self.spare -= 1;
        match std::mem::take(&mut self.left_out) {
            0 => Some(what.to_owned()),
            more => Some(format!("{what}\n... (and {more} more changes)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_changes_are_told_in_few_lines() {
        let now = Instant::now();
        let mut plain = Plain { began: now, last: None, spare: BURST, refilled: now, left_out: 0 };
        let told = (0..BURST + 5).filter(|_| plain.changed("a").is_some()).count();
        assert_eq!((told, plain.left_out), (BURST, 5));
        plain.refilled -= SPARE;
        assert_eq!(plain.changed("b").as_deref(), Some("b\n... (and 5 more changes)"));
        assert_eq!(plain.changed("c"), None);
    }
}
