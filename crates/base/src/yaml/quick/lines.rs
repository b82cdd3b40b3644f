//! The lines of a text, and places in them.

use crate::value::Mark;

/// One line that holds something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Its number, from 1.
    pub number: u32,
    /// The offset where it begins.
    pub start: usize,
    /// How many blanks are before its text.
    pub indent: usize,
    /// The offset behind its text, without the blanks at its end.
    pub end: usize,
    /// The offset of the line after it.
    pub next: usize,
}

/// A place in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    pub line: Line,
    /// The offset in the text.
    pub at: usize,
}

impl Line {
    /// Where its text begins.
    pub fn here(self) -> Here {
        Here { line: self, at: self.start + self.indent }
    }

    /// Whether it is empty.
    pub fn is_blank(self) -> bool {
        self.start + self.indent >= self.end
    }
}

impl Here {
    /// How many characters are before it; only asked for where those are blanks and dashes.
    pub fn column(self) -> usize {
        self.at - self.line.start
    }

    /// So many bytes further.
    pub fn after(self, bytes: usize) -> Self {
        Self { at: self.at + bytes, ..self }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// A line that holds something.
    Line(Line),
    /// `---`
    Marker(Line),
    /// The end of the text.
    End(Line),
}

impl Next {
    pub fn here(self) -> Here {
        let (Self::Line(line) | Self::Marker(line) | Self::End(line)) = self;
        line.here()
    }
}

/// The lines of a text, one after the other.
pub(super) struct Lines<'t> {
    text: &'t str,
    is_ascii: bool,
    /// The offset of the next line, and its number.
    at: usize,
    number: u32,
    peeked: Option<Next>,
}

impl<'t> Lines<'t> {
    /// The lines of `text`; `None` where it holds a character that YAML refuses, or that ends lines to libyaml.
    pub fn new(text: &'t str) -> Option<Self> {
        let is_usual = |c: char| match c {
            '\n' | '\t' | ' '..='~' => true,
            _ => matches!(
                c,
                '\u{a0}'..='\u{2027}'
                    | '\u{202a}'..='\u{d7ff}'
                    | '\u{e000}'..='\u{fefe}'
                    | '\u{ff00}'..='\u{fffd}'
                    | '\u{10000}'..
            ),
        };
        let is_ascii = text.is_ascii();
        let usual = if is_ascii {
            // Without an end at the first, many bytes are looked at in one step.
            let is_usual = |all: bool, it: &u8| all & matches!(it, b'\n' | b'\t' | b' '..=b'~');
            text.as_bytes().chunks(256).all(|it| it.iter().fold(true, is_usual))
        } else {
            text.chars().all(is_usual)
        };
        usual.then_some(Self { text, is_ascii, at: 0, number: 1, peeked: None })
    }

    /// The place of a reader of people's.
    pub fn mark(&self, here: Here) -> Mark {
        let before = &self.text[here.line.start..here.at];
        let column = if self.is_ascii { before.len() } else { before.chars().count() };
        Mark { line: here.line.number, column: u32::try_from(column + 1).unwrap_or(u32::MAX) }
    }

    /// The next line, empty or not; `None` behind the last.
    pub fn raw(&self) -> Option<Line> {
        self.line(self.at, self.number)
    }

    /// The line behind another.
    pub fn behind(&self, line: Line) -> Option<Line> {
        self.line(line.next, line.number + 1)
    }

    fn line(&self, start: usize, number: u32) -> Option<Line> {
        let rest = self.text.get(start..).filter(|it| !it.is_empty())?;
        let length = memchr::memchr(b'\n', rest.as_bytes());
        let line = &rest[..length.unwrap_or(rest.len())];
        let trimmed = line.trim_end_matches(' ');
        let indent = blanks(trimmed);
        let next = start + length.map_or(rest.len(), |it| it + 1);
        Some(Line { number, start, indent, end: start + trimmed.len(), next })
    }

    /// Takes a line, of which [`Lines::raw`] told.
    pub fn take_raw(&mut self, line: Line) {
        self.at = line.next;
        self.number = line.number + 1;
        self.peeked = None;
    }

    /// What comes next behind empty lines and comments; `None` where that is not known here.
    pub fn peek(&mut self) -> Option<Next> {
        if self.peeked.is_none() {
            self.peeked = Some(self.look()?);
        }
        self.peeked
    }

    fn look(&mut self) -> Option<Next> {
        while let Some(line) = self.raw() {
            let text = self.rest(line.here());
            if text.is_empty() || text.starts_with('#') {
                self.take_raw(line);
                continue;
            }
            if memchr::memchr(b'\t', text.as_bytes()).is_some() || text.starts_with('%') {
                return None;
            }
            return match text.strip_prefix("---") {
                _ if line.indent > 0 => Some(Next::Line(line)),
                None if text.starts_with("...") => None,
                None => Some(Next::Line(line)),
                Some(rest)
                    if rest.is_empty() || rest.trim_start_matches(' ').starts_with('#') && rest.starts_with(' ') =>
                {
                    Some(Next::Marker(line))
                }
                Some(_) => None,
            };
        }
        Some(Next::End(self.end()))
    }

    /// The place behind the last line, which to libyaml is one more.
    fn end(&self) -> Line {
        let end = self.text.len();
        Line { number: self.number, start: end, indent: 0, end, next: end }
    }

    /// Takes what was peeked at.
    pub fn take(&mut self) {
        if let Some(Next::Line(line) | Next::Marker(line)) = self.peeked {
            self.take_raw(line);
        }
    }

    /// What is in the line from here on.
    pub fn rest(&self, here: Here) -> &'t str {
        self.text.get(here.at..here.line.end).unwrap_or_default()
    }

    /// A line with the blanks at its end.
    pub fn whole(&self, line: Line) -> &'t str {
        let whole = &self.text[line.start..line.next];
        whole.strip_suffix('\n').unwrap_or(whole)
    }

    /// Whether a line ends with a line break.
    pub fn is_ended(&self, line: Line) -> bool {
        self.text[..line.next].ends_with('\n')
    }

    /// The first byte from here on.
    pub fn first(&self, here: Here) -> Option<u8> {
        self.rest(here).bytes().next()
    }

    pub fn skip_blanks(&self, here: Here) -> Here {
        here.after(blanks(self.rest(here)))
    }

    /// Whether something but a comment is here, behind a blank.
    pub fn is_written(&self, here: Here) -> bool {
        !matches!(self.first(here), None | Some(b'#'))
    }

    /// Whether nothing but a comment follows.
    pub fn is_end(&self, here: Here) -> bool {
        let rest = self.rest(here);
        rest.is_empty() || rest.starts_with(' ') && rest.trim_start_matches(' ').starts_with('#')
    }

    /// Whether an item of a list begins here.
    pub fn is_item(&self, here: Here) -> bool {
        matches!(self.rest(here).as_bytes(), [b'-'] | [b'-', b' ', ..])
    }
}

/// How many blanks a text begins with.
pub(super) fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}
