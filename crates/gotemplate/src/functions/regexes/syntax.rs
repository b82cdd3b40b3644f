//! From RE2's syntax to that of the `regex` crate. All that both read alike is checked and written anew, so that
//! nothing slips through that means something else.

use std::fmt::Write;

use thiserror::Error;

use super::class;

/// The most repetitions that Go takes.
const MOST: u32 = 1000;

/// Why a text is no pattern: Go's message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum RegexError {
    /// It is not what patterns are.
    #[error("error parsing regexp: {what}: `{text}`")]
    Syntax {
        /// What is wrong.
        what: &'static str,
        /// The part.
        text: String,
    },
    /// It ends with a backslash.
    #[error("error parsing regexp: trailing backslash at end of expression: ``")]
    Trailing,
    /// It is not UTF-8.
    #[error("error parsing regexp: invalid UTF-8: `{0}`")]
    Utf8(String),
    /// It takes too much memory.
    #[error("error parsing regexp: expression too large")]
    Large,
}

/// The error that names a part of the pattern.
pub(super) fn wrong(what: &'static str, text: &str) -> RegexError {
    RegexError::Syntax { what, text: text.to_owned() }
}

/// The pattern as the `regex` crate reads it.
pub(super) fn translate(pattern: &str) -> Result<String, RegexError> {
    let mut translator = Translator { whole: pattern, rest: pattern, out: String::new(), open: 0, names: Vec::new() };
    while !translator.rest.is_empty() {
        translator.item()?;
    }
    if translator.open > 0 {
        return Err(wrong("missing closing )", pattern));
    }
    Ok(translator.out)
}

struct Translator<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    /// How many groups are open.
    open: usize,
    names: Vec<&'p str>,
}

impl<'p> Translator<'p> {
    /// Reads one item with its repetition.
    fn item(&mut self) -> Result<(), RegexError> {
        let repeatable = match self.rest.chars().next() {
            Some('(') => {
                self.group()?;
                false
            }
            Some(')') if self.open == 0 => return Err(wrong("unexpected )", self.whole)),
            Some(')') => {
                self.open -= 1;
                self.copy(1)
            }
            Some('|') => {
                self.copy(1);
                false
            }
            Some('^' | '$' | '.') => self.copy(1),
            Some('[') => {
                let (class, rest) = class::read(self.rest)?;
                self.out.push_str(&class);
                self.rest = rest;
                true
            }
            Some('*' | '+' | '?') => return Err(self.nothing_to_repeat(1)),
            Some('{') => match braces(self.rest) {
                Some((_, _, length)) => return Err(self.nothing_to_repeat(length)),
                None => self.literal('{'),
            },
            Some('\\') => self.escape()?,
            Some(c) => self.literal(c),
            None => return Ok(()),
        };
        if repeatable { self.repetition() } else { Ok(()) }
    }

    fn copy(&mut self, length: usize) -> bool {
        self.out.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
        true
    }

    fn literal(&mut self, c: char) -> bool {
        self.rest = &self.rest[c.len_utf8()..];
        push_literal(&mut self.out, c);
        true
    }

    fn nothing_to_repeat(&self, length: usize) -> RegexError {
        let lazy = usize::from(self.rest[length..].starts_with('?'));
        wrong("missing argument to repetition operator", &self.rest[..length + lazy])
    }

    /// `*`, `+`, `?` or `{n,m}`, which must not be repeated again.
    fn repetition(&mut self) -> Result<(), RegexError> {
        let Some(length) = self.operator()? else { return Ok(()) };
        let start = self.rest;
        self.copy(length);
        if self.rest.starts_with('?') {
            self.copy(1);
        }
        match self.operator()? {
            None => Ok(()),
            Some(again) => {
                let lazy = usize::from(self.rest[again..].starts_with('?'));
                let length = start.len() - self.rest.len() + again + lazy;
                Err(wrong("invalid nested repetition operator", &start[..length]))
            }
        }
    }

    /// The length of a repetition, if one comes next.
    fn operator(&self) -> Result<Option<usize>, RegexError> {
        if self.rest.starts_with(['*', '+', '?']) {
            return Ok(Some(1));
        }
        let Some((least, most, length)) = braces(self.rest) else { return Ok(None) };
        if least > MOST || most.is_some_and(|most| most > MOST || most < least) {
            return Err(wrong("invalid repeat count", &self.rest[..length]));
        }
        Ok(Some(length))
    }

    fn group(&mut self) -> Result<(), RegexError> {
        self.open += 1;
        let Some(rest) = self.rest.strip_prefix("(?") else {
            self.copy(1);
            return Ok(());
        };
        if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
            return self.named(named);
        }
        let end = rest.bytes().take_while(|byte| b"imsU-".contains(byte)).count();
        let (flags, after) = rest.split_at(end);
        let closes = after.starts_with(')') && !flags.is_empty();
        let twice = flags.matches('-').count() > 1;
        if twice || flags.ends_with('-') || !closes && !after.starts_with(':') {
            let next = after.chars().next().map_or(0, char::len_utf8);
            return Err(wrong("invalid or unsupported Perl syntax", &self.rest[..2 + end + next]));
        }
        if closes {
            self.open -= 1;
        }
        self.copy(2 + end + 1);
        Ok(())
    }

    fn named(&mut self, named: &'p str) -> Result<(), RegexError> {
        let start = self.rest;
        let Some(end) = named.find('>') else { return Err(wrong("invalid named capture", start)) };
        let name = &named[..end];
        let shown = &start[..=start.len() - named.len() + end];
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(wrong("invalid named capture", shown));
        }
        self.rest = &named[end + 1..];
        if self.names.contains(&name) {
            // Go takes the first group of a name; the crate takes no second one.
            self.out.push('(');
            return Ok(());
        }
        self.names.push(name);
        // The crate's names begin with no digit.
        let safe = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        let _ = write!(self.out, "(?P<{safe}{name}>");
        Ok(())
    }

    /// An escape; whether it can be repeated.
    fn escape(&mut self) -> Result<bool, RegexError> {
        let kind = self.rest[1..].chars().next().ok_or(RegexError::Trailing)?;
        match kind {
            'A' | 'z' => Ok(self.copy(2)),
            'b' | 'B' => {
                let _ = write!(self.out, "(?-u:\\{kind})");
                self.rest = &self.rest[2..];
                Ok(true)
            }
            'Q' => {
                let quoted = &self.rest[2..];
                let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                text.chars().for_each(|c| push_literal(&mut self.out, c));
                self.rest = rest;
                Ok(!text.is_empty())
            }
            _ => {
                let (class, rest) = class::escape(self.rest)?;
                match class {
                    class::Escape::Char(c) => push_literal(&mut self.out, c),
                    class::Escape::Class(class) => {
                        let _ = write!(self.out, "[{class}]");
                    }
                }
                self.rest = rest;
                Ok(true)
            }
        }
    }
}

/// A character that stands for itself.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
    }
}

/// The least and the most of `{n}`, `{n,}` or `{n,m}`, and how long it is. All else in braces is a text.
fn braces(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let inside = text.strip_prefix('{')?;
    let end = inside.find('}')?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        let fits = plain && (digits.len() == 1 || !digits.starts_with('0'));
        fits.then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (least, most) = match inside[..end].split_once(',') {
        None => (number(&inside[..end])?, Some(number(&inside[..end])?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    Some((least, most, end + 2))
}
