//! Keys and scalars.

use std::borrow::Cow;

use super::Quick;
use super::lines::{Here, Lines, blanks};

/// How long a key may be, in bytes; libyaml knows one from other texts within 1,024 characters.
const LONGEST_KEY: usize = 1000;

/// libyaml has to read it.
struct GivenUp;

impl Quick<'_> {
    /// Tells the key that begins here, and gives the place behind its colon.
    pub(super) fn key(&mut self, here: Here) -> Option<Here> {
        let (key, plain, behind) = self.lines.key(here)?;
        self.scalar(key.into_owned(), plain, here);
        Some(behind)
    }

    /// Whether a key begins here.
    pub(super) fn is_key(&self, here: Here) -> bool {
        self.lines.key(here).is_some()
    }

    /// A text without quotes, with the lines that go on with it: those further in than `column`.
    pub(super) fn plain(&mut self, here: Here, column: usize) -> Option<()> {
        let first = self.lines.rest(here);
        if !begins_plain(first) {
            return None;
        }
        let (mut text, mut ends) = plain(first).map(|(text, ends)| (text.to_owned(), ends))?;
        while !ends {
            let Some((more, breaks, last)) = self.further(column).ok()? else { break };
            fold(&mut text, breaks);
            text.push_str(more);
            ends = last;
        }
        self.scalar(text, true, here);
        Some(())
    }

    /// The next line of a text without quotes, how many empty lines are before it, and whether a comment ends it;
    /// `None` where the text does not go on.
    fn further(&mut self, column: usize) -> Result<Option<(&str, usize, bool)>, GivenUp> {
        let mut next = self.lines.raw();
        let mut breaks = 0;
        while let Some(line) = next.filter(|it| it.is_blank()) {
            breaks += 1;
            next = self.lines.behind(line);
        }
        let Some(line) = next.filter(|it| it.indent > column) else { return Ok(None) };
        let text = self.lines.rest(line.here());
        if text.starts_with('#') {
            return Ok(None);
        }
        let (text, ends) = plain(text).filter(|(text, _)| !text.contains('\t')).ok_or(GivenUp)?;
        self.lines.take_raw(line);
        Ok(Some((text, breaks, ends)))
    }

    /// `|` and the lines below it that are further in than `column`.
    pub(super) fn literal(&mut self, here: Here, column: usize) -> Option<()> {
        let mut chomp = None;
        let mut indent = None;
        let mut end = here.after(1);
        while let Some(sign) = self.lines.first(end).filter(|it| *it != b' ') {
            match sign {
                b'-' | b'+' if chomp.is_none() => chomp = Some(sign),
                b'1'..=b'9' if indent.is_none() => indent = Some(column + usize::from(sign - b'0')),
                _ => return None,
            }
            end = end.after(1);
        }
        if !self.lines.is_end(end) {
            return None;
        }
        let text = self.lines.literal(chomp, indent, column)?;
        self.scalar(text, false, here);
        Some(())
    }
}

impl<'t> Lines<'t> {
    /// The key that begins here, whether it is one without quotes, and the place behind its colon.
    fn key(&self, here: Here) -> Option<(Cow<'t, str>, bool, Here)> {
        let text = self.rest(here);
        let (key, plain, colon) = if text.starts_with(['"', '\'']) {
            let (key, end) = self.quoted(here)?;
            (Cow::Owned(key), false, Some(end).filter(|it| is_colon(self.rest(*it), 0))?)
        } else {
            let colon = colon(text).filter(|_| begins_plain(text))?;
            (Cow::Borrowed(text[..colon].trim_end_matches(' ')), true, here.after(colon))
        };
        (colon.at - here.at <= LONGEST_KEY).then(|| (key, plain, colon.after(1)))
    }

    /// The text in the quotes that begin here, and the place behind them, on the same line.
    pub(super) fn quoted(&self, here: Here) -> Option<(String, Here)> {
        let rest = self.rest(here);
        let mut text = String::new();
        match unquote(rest.as_bytes()[0], &rest[1..], &mut text)? {
            Quoted::Ends(length) => Some((text, here.after(1 + length))),
            Quoted::GoesOn | Quoted::Joins => None,
        }
    }

    /// The same, on as many lines as it takes.
    pub(super) fn quoted_lines(&mut self, here: Here) -> Option<(String, Here)> {
        let mut text = String::new();
        let mut at = here.after(1);
        let quote = self.first(here)?;
        loop {
            let joins = match unquote(quote, self.rest(at), &mut text)? {
                Quoted::Ends(length) => return Some((text, at.after(length))),
                Quoted::GoesOn => false,
                Quoted::Joins if self.whole(at.line).ends_with('\\') => true,
                // A blank is escaped at the end of the line.
                Quoted::Joins => return None,
            };
            let (next, breaks) = self.written()?;
            if breaks > 0 || !joins {
                fold(&mut text, breaks);
            }
            at = next;
        }
    }

    /// Takes the next line that is not empty, of a text in quotes; with it, how many empty lines were before it.
    fn written(&mut self) -> Option<(Here, usize)> {
        let mut breaks = 0;
        loop {
            let line = self.raw()?;
            let whole = self.whole(line);
            if whole.contains('\t') || whole.starts_with("---") || whole.starts_with("...") {
                return None;
            }
            self.take_raw(line);
            if !line.is_blank() {
                return Some((line.here(), breaks));
            }
            breaks += 1;
        }
    }

    /// The lines of a literal block below the line that was taken last.
    fn literal(&mut self, chomp: Option<u8>, indent: Option<usize>, column: usize) -> Option<String> {
        let indent = if indent.is_none() { self.literal_indent(column).ok()? } else { indent };
        let mut text = String::new();
        let mut kept = 0;
        while let Some((indent, line)) = indent.zip(self.raw()) {
            let whole = self.whole(line);
            let blanks = blanks(whole);
            if blanks < indent && blanks < whole.len() {
                if whole.as_bytes()[blanks] == b'\t' {
                    return None;
                }
                break;
            }
            if let Some(content) = whole.get(indent..).filter(|it| !it.is_empty()) {
                text.push_str(content);
                kept = text.len();
            } else if !self.is_ended(line) {
                return None;
            }
            if self.is_ended(line) {
                text.push('\n');
            }
            self.take_raw(line);
        }
        match chomp {
            Some(b'+') if kept == 0 => return None,
            Some(b'+') => {}
            Some(_) => text.truncate(kept),
            None if kept == 0 => text.clear(),
            None => text.truncate(kept + 1),
        }
        Some(text)
    }

    /// How far in the lines of a literal block are; `None` where there are none.
    fn literal_indent(&self, column: usize) -> Result<Option<usize>, GivenUp> {
        let mut next = self.raw();
        let mut widest = 0;
        while let Some(line) = next {
            let whole = self.whole(line);
            let blanks = blanks(whole);
            match whole.as_bytes().get(blanks) {
                None => widest = widest.max(blanks),
                Some(b'\t') => return Err(GivenUp),
                // Of empty lines above the first the widest decides in libyaml.
                Some(_) if blanks > column => return (widest <= blanks).then_some(Some(blanks)).ok_or(GivenUp),
                Some(_) => break,
            }
            next = self.behind(line);
        }
        (widest == 0).then_some(None).ok_or(GivenUp)
    }
}

/// Adds what a line break means within a text: a blank, or the empty lines behind it.
fn fold(text: &mut String, empty: usize) {
    match empty {
        0 => text.push(' '),
        _ => text.extend(std::iter::repeat_n('\n', empty)),
    }
}

/// Whether the colon of a key is there: with a blank or nothing behind it.
fn is_colon(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    bytes.get(at) == Some(&b':') && matches!(bytes.get(at + 1), None | Some(b' '))
}

/// Where the blank is before a comment.
fn comment(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    memchr::memchr_iter(b'#', bytes).filter_map(|at| at.checked_sub(1)).find(|at| bytes[*at] == b' ')
}

/// Where the colon of a key is in a text without quotes.
fn colon(text: &str) -> Option<usize> {
    let at = memchr::memchr_iter(b':', text.as_bytes()).find(|at| is_colon(text, *at))?;
    comment(&text[..at]).is_none().then_some(at)
}

/// Whether a text without quotes may begin so.
fn begins_plain(text: &str) -> bool {
    match text.as_bytes() {
        [b'-' | b'?' | b':', second, ..] => *second != b' ',
        [first, ..] => !b"-?:,[]{}#&*!|>'\"%@`".contains(first),
        [] => false,
    }
}

/// What of a line is of a text without quotes, and whether a comment ends it; `None` where a colon is, as of a key.
fn plain(line: &str) -> Option<(&str, bool)> {
    let (text, ends) = match comment(line) {
        Some(at) => (line[..at].trim_end_matches(' '), true),
        None => (line, false),
    };
    let is_key = memchr::memchr_iter(b':', text.as_bytes()).any(|at| is_colon(text, at));
    (!is_key).then_some((text, ends))
}

/// How a line of a text in quotes ends.
enum Quoted {
    /// With the quote, behind so many bytes.
    Ends(usize),
    /// With a break that is a blank.
    GoesOn,
    /// With a `\` before the break.
    Joins,
}

/// Adds what is in quotes from here to the end of the line, or to the quote that ends it.
fn unquote(quote: u8, line: &str, text: &mut String) -> Option<Quoted> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(quote, if quote == b'"' { b'\\' } else { quote }, &bytes[at..]) {
        let found = at + found;
        text.push_str(&line[at..found]);
        text.push(match (bytes[found], bytes.get(found + 1)) {
            (b'\'', Some(b'\'')) => '\'',
            (b'\'' | b'"', _) => return Some(Quoted::Ends(found + 1)),
            (_, Some(b'n')) => '\n',
            (_, Some(b'r')) => '\r',
            (_, Some(b't')) => '\t',
            (_, Some(&sign @ (b'"' | b'\\' | b'/' | b' '))) => char::from(sign),
            (_, Some(_)) => return None,
            (_, None) => return Some(Quoted::Joins),
        });
        at = found + 2;
    }
    text.push_str(&line[at..]);
    Some(Quoted::GoesOn)
}
