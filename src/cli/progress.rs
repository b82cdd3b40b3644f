//! What a long work is at, while it goes on.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::report::WIDTH;

/// What a long work is at, on standard error: redrawn in place on a terminal, else lines of their own, and few of them.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Arc<Mutex<Plain>>>,
    /// The environment, where it is one of several.
    name: Option<Arc<str>>,
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
    /// On standard error, which is a terminal or not; for one environment of several, below the bars of the others.
    pub(super) fn new(is_terminal: bool, among: Option<(&Arc<str>, &MultiProgress)>) -> Self {
        let name = among.map(|(name, _)| Arc::clone(name));
        if !is_terminal {
            let now = Instant::now();
            let plain = Plain { began: now, last: None, spare: BURST, refilled: now, left_out: 0 };
            return Self { bar: ProgressBar::hidden(), plain: Some(Arc::new(plain.into())), name };
        }
        let progress = match among {
            Some((_, bars)) => {
                let progress = Self::on(ProgressDrawTarget::hidden());
                Self { bar: bars.add(progress.bar), name, ..progress }
            }
            None => Self::on(ProgressDrawTarget::stderr()),
        };
        progress.bar.enable_steady_tick(Duration::from_millis(120));
        progress
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Self { bar, plain: None, name: None }
    }

    /// Says what is being done now.
    pub fn at(&self, what: &str) {
        self.bar.set_message(self.named(what));
        self.plainly(|plain| plain.at(what, QUIET));
    }

    /// From now on shows what `view` says, in several lines that are redrawn; it gets how many characters a line has
    /// and how many lines there are.
    pub fn show(&self, view: impl Fn(usize, usize) -> Vec<String> + Clone + Send + Sync + 'static) {
        let name = self.name.clone();
        let write = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
            let size = size.map_or((WIDTH, LEAST.1), |it| (usize::from(it.ws_col), usize::from(it.ws_row)));
            // The spinner takes two characters, and the cursor a line.
            let width = size.0.max(LEAST.0) - 2;
            let most = (size.1.max(LEAST.1) - 1).min(MOST);
            let _ = match &name {
                // Others need room, too.
                Some(name) => {
                    let lines = view(width.saturating_sub(name.len() + 2), most.min(LEAST.1));
                    out.write_str(&format!("{name}: {}", lines.join("\n")))
                }
                None => out.write_str(&view(width, most).join("\n")),
            };
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
        match self.name {
            // The terminal of one among several makes room itself.
            Some(_) => say(),
            None => self.bar.suspend(say),
        }
    }

    /// Ends the line, so that the next output begins on a clean one.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn plainly(&self, say: impl FnOnce(&mut Plain) -> Option<String>) {
        let Some(mut plain) = self.plain.as_ref().and_then(|it| it.lock().ok()) else { return };
        if let Some(line) = say(&mut plain) {
            let _ = writeln!(io::stderr().lock(), "... {}", self.named(&line));
        }
    }

    fn named(&self, what: &str) -> String {
        self.name.as_ref().map_or_else(|| what.to_owned(), |name| format!("{name}: {what}"))
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
    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps what was written.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Paper {
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push_str(text);
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
            self.note(&format!("<up {lines}>"));
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.note(&format!("{text}\n"));
            Ok(())
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.note("<clear>");
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_view_is_drawn_in_its_lines_and_again_in_their_place() {
        let paper = Paper::default();
        let progress = Progress::on(ProgressDrawTarget::term_like(Box::new(paper.clone())));
        let count = Arc::new(Mutex::new(0));
        progress.show(move |_, _| {
            let mut count = count.lock().unwrap();
            *count += 1;
            vec![format!("look {count}"), "waits for a".to_owned()]
        });
        progress.bar.tick();
        let first = std::mem::take(&mut *paper.0.lock().unwrap());
        // A line is filled up with blanks, so that the next one begins where it should.
        assert!(first.contains(&format!("look 1{}waits for a", " ".repeat(80 - "- look 1".len()))), "{first:?}");
        progress.bar.tick();
        let second = paper.0.lock().unwrap().clone();
        assert!(second.contains("<up 1>") && second.contains("look 2"), "{second:?}");
    }

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
