//! The verbs of a format with their flags, widths and precisions.

use super::value::{Flags, Printer};
use crate::value::Value;

/// Widths and precisions above this are no numbers.
const LARGEST: i64 = 1_000_000;

struct Format<'a> {
    text: &'a [u8],
    at: usize,
    values: &'a [Value],
    next: usize,
    /// Whether an index such as `[2]` was just read.
    indexed: bool,
    /// Whether any index was read, so that leftovers are not told.
    reordered: bool,
    good: bool,
}

/// Prints `values` by the verbs of `format`.
pub(super) fn write(format: &[u8], values: &[Value], printer: &mut Printer<'_>) {
    let mut state = Format { text: format, at: 0, values, next: 0, indexed: false, reordered: false, good: true };
    while state.at < format.len() && !printer.is_full() {
        let rest = &format[state.at..];
        let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        printer.raw(&rest[..plain]);
        state.at += plain;
        if state.at < format.len() {
            state.at += 1;
            state.good = true;
            state.verb(printer);
        }
    }
    state.extra(printer);
}

impl Format<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn verb(&mut self, printer: &mut Printer<'_>) {
        printer.flags = Flags::default();
        while let Some(flag) = self.peek() {
            match flag {
                b'#' => printer.flags.sharp = true,
                b'0' => printer.flags.zero = true,
                b'+' => printer.flags.plus = true,
                b'-' => printer.flags.minus = true,
                b' ' => printer.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        if let Some(verb) = self.peek().filter(|verb| verb.is_ascii_lowercase() && self.next < self.values.len()) {
            self.at += 1;
            self.print(printer, char::from(verb));
            return;
        }
        self.index();
        self.width(printer);
        self.precision(printer);
        if !self.indexed {
            self.index();
        }
        let Some(verb) = self.character() else {
            printer.raw(b"%!(NOVERB)");
            return;
        };
        if verb == '%' {
            printer.raw(b"%");
        } else if !self.good {
            printer.raw(format!("%!{verb}(BADINDEX)").as_bytes());
        } else if self.next >= self.values.len() {
            printer.raw(format!("%!{verb}(MISSING)").as_bytes());
        } else {
            self.print(printer, verb);
        }
    }

    fn print(&mut self, printer: &mut Printer<'_>, verb: char) {
        if matches!(verb, 'v' | 'w') {
            let flags = &mut printer.flags;
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        printer.argument(&self.values[self.next], verb);
        self.next += 1;
    }

    fn width(&mut self, printer: &mut Printer<'_>) {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.number_from_values();
            match width {
                Some(width) => {
                    printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
                    if width < 0 {
                        printer.flags.minus = true;
                        printer.flags.zero = false;
                    }
                }
                None => printer.raw(b"%!(BADWIDTH)"),
            }
            self.indexed = false;
        } else {
            printer.flags.width = self.number();
            if self.indexed && printer.flags.width.is_some() {
                self.good = false;
            }
        }
    }

    fn precision(&mut self, printer: &mut Printer<'_>) {
        if self.peek() != Some(b'.') || self.at + 1 >= self.text.len() {
            return;
        }
        self.at += 1;
        if self.indexed {
            self.good = false;
        }
        self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let precision = self.number_from_values().and_then(|it| usize::try_from(it).ok());
            printer.flags.precision = precision;
            if precision.is_none() {
                printer.raw(b"%!(BADPREC)");
            }
            self.indexed = false;
        } else {
            printer.flags.precision = Some(self.number().unwrap_or(0));
        }
    }

    /// A number in the format; what is too large is none, and ends the format.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0i64;
        let mut found = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if number > LARGEST {
                self.at = self.text.len();
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
            found = usize::try_from(number).ok();
            self.at += 1;
        }
        found
    }

    fn number_from_values(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let number = match value.underlying() {
            Value::Int(it) | Value::Int64(it) => it,
            Value::Uint8(it) => i64::from(it),
            Value::Uint64(it) => i64::try_from(it).ok()?,
            _ => return None,
        };
        (-LARGEST..=LARGEST).contains(&number).then_some(number)
    }

    /// An index such as `[2]`.
    fn index(&mut self) {
        self.indexed = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.text[self.at..];
        let Some(close) = rest.iter().position(|byte| *byte == b']').filter(|_| rest.len() >= 3) else {
            self.at += 1;
            self.good = false;
            return;
        };
        let number = std::str::from_utf8(&rest[1..close]).ok().filter(|it| it.bytes().all(|c| c.is_ascii_digit()));
        let index = number.and_then(|it| it.parse::<usize>().ok());
        self.at += close + 1;
        match index {
            Some(index @ 1..) if index <= self.values.len() => {
                self.next = index - 1;
                self.indexed = true;
            }
            found => {
                self.good = false;
                self.indexed = found.is_some();
            }
        }
    }

    /// The next character of the format, U+FFFD for a wrong byte.
    fn character(&mut self) -> Option<char> {
        let rest = &self.text[self.at.min(self.text.len())..];
        let chunk = rest.utf8_chunks().next()?;
        let c = chunk.valid().chars().next();
        self.at += c.map_or(1, char::len_utf8);
        Some(c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn extra(&self, printer: &mut Printer<'_>) {
        if self.reordered || self.next >= self.values.len() {
            return;
        }
        printer.flags = Flags::default();
        printer.raw(b"%!(EXTRA ");
        for (at, value) in self.values[self.next..].iter().enumerate() {
            if at > 0 {
                printer.raw(b", ");
            }
            if !matches!(value, Value::Nil) {
                printer.raw(value.type_name().as_bytes());
                printer.raw(b"=");
            }
            printer.argument(value, 'v');
        }
        printer.raw(b")");
    }
}
