//! Values as JSON.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::functions::convert::{Unwritable, cycle, no_json, plain, unsupported};
use crate::functions::runes::spans;
use crate::{DEEPEST, Value};

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::functions) enum Style {
    /// On one line, with `<`, `>` and `&` escaped.
    Html,
    /// The same with nothing escaped that need not be.
    Raw,
    /// On lines of their own, indented by two spaces, escaped as `Html`.
    Pretty,
}

/// The JSON of a value.
pub(in crate::functions) fn write(value: &Value, style: Style) -> Result<String, Unwritable> {
    let mut writer = Writer { out: String::new(), style, level: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    style: Style,
    level: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), Unwritable> {
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(it) => self.out.push_str(if *it { "true" } else { "false" }),
            Value::Int(it) | Value::Int64(it) => self.put(it),
            Value::Uint8(it) => self.put(it),
            Value::Uint64(it) => self.put(it),
            Value::Float(it) if it.is_finite() => self.put(float(*it)),
            Value::Float(it) => return Err(unsupported(*it)),
            Value::Complex(..) => return Err(no_json(value)),
            Value::Str(it) => self.text(it),
            Value::Bytes(it) => self.text(STANDARD.encode(it.as_bytes()).as_bytes()),
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::List(list) => self.nested(value, '[', ']', list.iter(), Self::value)?,
            Value::Map(map) => self.nested(value, '{', '}', map.entries().iter(), |writer, (key, value)| {
                writer.text(key);
                writer.out.push_str(if writer.style == Style::Pretty { ": " } else { ":" });
                writer.value(value)
            })?,
            Value::Object(object) => self.value(&plain(value, &**object))?,
        }
        Ok(())
    }

    fn nested<I>(
        &mut self,
        whole: &Value,
        open: char,
        close: char,
        items: impl ExactSizeIterator<Item = I>,
        write: impl Fn(&mut Self, I) -> Result<(), Unwritable>,
    ) -> Result<(), Unwritable> {
        if self.level >= DEEPEST {
            return Err(cycle(whole));
        }
        let empty = items.len() == 0;
        self.out.push(open);
        self.level += 1;
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.line();
            write(self, item)?;
        }
        self.level -= 1;
        if !empty {
            self.line();
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self) {
        if self.style == Style::Pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", self.level));
        }
    }

    fn put(&mut self, it: impl std::fmt::Display) {
        let _ = write!(self.out, "{it}");
    }

    fn text(&mut self, text: &[u8]) {
        let html = self.style != Style::Raw;
        self.out.push('"');
        for (c, size) in spans(text) {
            match c {
                char::REPLACEMENT_CHARACTER if size == 1 => self.escape(c),
                '"' | '\\' => self.out.extend(['\\', c]),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0'..=' ' if c != ' ' => self.escape(c),
                '<' | '>' | '&' if html => self.escape(c),
                '\u{2028}' | '\u{2029}' => self.escape(c),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, c: char) {
        let _ = write!(self.out, "\\u{:04x}", u32::from(c));
    }
}

/// A float: with an exponent below a millionth and from 10^21 on.
pub(in crate::functions) fn float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    if size < 1.0 { text } else { text.replace('e', "e+") }
}
