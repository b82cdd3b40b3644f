//! Values as the YAML that Go's `sigs.k8s.io/yaml` writes, byte for byte.
//!
//! The layout follows libyaml's emitter, which go-yaml is a port of: what it keeps between two writes is the column,
//! and whether a line break or a space is already there.

use super::style::{self, Style, is_break};
use super::{go, order};
use crate::masked::MASK;
use crate::value::{Data, Entry, Map, Value};

/// Lines are folded at the first space after this column.
const WIDTH: usize = 80;

/// How values are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Write {
    /// The order of keys.
    pub order: Order,
    /// What becomes of masked leaves.
    pub secrets: Secrets,
    /// Where lists stand, and how long lines are.
    pub layout: Layout,
}

/// Where lists stand under their keys, and how long lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// At the key's own indentation; long lines are folded: go-yaml 2.
    #[default]
    Compact,
    /// Indented; lines are as long as their texts, and large floats keep their exponent: go-yaml 3.
    Wide,
}

/// The order in which keys are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As Go sorts them: `a2` before `a10`.
    #[default]
    Natural,
    /// As they were written.
    Written,
}

/// What becomes of masked leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// The mask is written.
    #[default]
    Masked,
    /// The secret is written. Only for `secrets`, which encrypts what it gets.
    Exposed,
}

/// Writes a value as Go does; masked leaves as the mask.
pub fn write(value: &Value) -> String {
    write_with(value, Write::default())
}

/// Writes a value as Go does, but for what the options say.
pub fn write_with(value: &Value, options: Write) -> String {
    let mut writer = Writer { out: String::new(), options, column: 0, indent: None, spaced: true, indented: true };
    writer.node(&value.data, Context::Root);
    writer.line();
    writer.out
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    /// The whole document.
    Root,
    /// An item of a list.
    Item,
    /// A key that stands on one line.
    Key,
    /// A value, or a key after `?`.
    Entry,
}

struct Writer {
    out: String,
    options: Write,
    column: usize,
    /// The indentation of the current list or map; none at the root.
    indent: Option<usize>,
    /// Whether a space, or what counts as one, was written last.
    spaced: bool,
    /// Whether the line holds nothing but indentation and `-`, `?` and `:`.
    indented: bool,
}

impl Writer {
    fn node(&mut self, data: &Data, context: Context) {
        match data {
            Data::Null => self.plain("null", false),
            Data::Bool(it) => self.plain(if *it { "true" } else { "false" }, false),
            Data::Int(it) => self.plain(&it.to_string(), false),
            Data::Uint(it) => self.plain(&it.to_string(), false),
            Data::Float(it) if self.options.layout == Layout::Wide => self.plain(&go::format_float(*it), false),
            Data::Float(it) => {
                let text = go::whole(*it).map_or_else(|| go::format_float(*it), |whole| whole.to_string());
                self.plain(&text, false);
            }
            Data::Text(text) => self.text(text, context),
            Data::List(items) if items.is_empty() => self.empty("[", "]"),
            Data::Map(map) if map.is_empty() => self.empty("{", "}"),
            Data::List(items) => self.list(items, context),
            Data::Map(map) => self.map(map),
            Data::Masked(it) if self.options.secrets == Secrets::Exposed => self.node(it.expose(), context),
            Data::Masked(_) => self.text(MASK, context),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true, false);
        self.spaced = true;
        self.indicator(close, false, false);
    }

    /// A list under a key stands at the key's own indentation, unless the layout is wide.
    fn list(&mut self, items: &[Value], context: Context) {
        let outer = self.indent;
        if context != Context::Entry || self.indented || self.options.layout == Layout::Wide {
            self.indent = Some(outer.map_or(0, |indent| indent + 2));
        }
        for item in items {
            self.line();
            self.indicator("-", true, true);
            self.node(&item.data, Context::Item);
        }
        self.indent = outer;
    }

    fn map(&mut self, map: &Map) {
        let outer = self.indent;
        self.indent = Some(outer.map_or(0, |indent| indent + 2));
        match self.options.order {
            Order::Natural => order::natural(map).into_iter().for_each(|entry| self.entry(entry)),
            Order::Written => map.iter().for_each(|entry| self.entry(entry)),
        }
        self.indent = outer;
    }

    fn entry(&mut self, entry: &Entry) {
        self.line();
        if style::is_long_key(&entry.key) {
            self.indicator("?", true, true);
            self.text(&entry.key, Context::Entry);
            self.line();
            self.indicator(":", true, true);
        } else {
            self.text(&entry.key, Context::Key);
            self.indicator(":", false, false);
        }
        self.node(&entry.value.data, Context::Entry);
    }

    fn text(&mut self, text: &str, context: Context) {
        let key = context == Context::Key;
        let outer = self.indent;
        self.indent = Some(outer.map_or(2, |indent| indent + 2));
        match style::of(text, key) {
            Style::Plain => self.plain(text, !key),
            Style::Single => self.single(text, !key),
            Style::Double => self.double(text, !key),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str, folds: bool) {
        if !self.spaced {
            self.put(' ');
        }
        self.flow(text, false, folds);
        self.spaced = false;
        self.indented = false;
    }

    fn single(&mut self, text: &str, folds: bool) {
        self.indicator("'", true, false);
        self.flow(text, true, folds);
        self.indicator("'", false, false);
    }

    /// The inside of a plain or a single-quoted text; a plain one has neither quotes at its start nor line breaks.
    fn flow(&mut self, text: &str, quoted: bool, folds: bool) {
        let mut spaces = false;
        let mut breaks = false;
        for (at, c) in text.char_indices() {
            if c == ' ' {
                let alone = at > 0 && at + 1 < text.len() && !text[at + 1..].starts_with(' ');
                if folds && !spaces && self.is_long() && alone {
                    self.line();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.break_line('\n');
                }
                self.break_line(c);
                self.indented = true;
                breaks = true;
            } else {
                if breaks {
                    self.line();
                }
                if c == '\'' && quoted {
                    self.put(c);
                }
                self.put(c);
                self.indented = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn double(&mut self, text: &str, folds: bool) {
        self.indicator("\"", true, false);
        // Go asks whether the text, not the character, begins with a byte order mark.
        let marked = text.starts_with('\u{feff}');
        let mut spaces = false;
        for (at, c) in text.char_indices() {
            if marked || !style::is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                escape(c).chars().for_each(|c| self.put(c));
                spaces = false;
            } else if c == ' ' {
                if folds && !spaces && self.is_long() && at > 0 && at + 1 < text.len() {
                    self.line();
                    if text[at + 1..].starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false);
        }
        let mut end = text.chars().rev().map(is_break);
        match (end.next(), end.next()) {
            (Some(true), Some(false)) => {}
            (Some(true), _) => self.indicator("+", false, false),
            _ => self.indicator("-", false, false),
        }
        self.break_line('\n');
        (self.spaced, self.indented) = (true, true);
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.break_line(c);
                self.indented = true;
                breaks = true;
            } else {
                if breaks {
                    self.line();
                }
                self.put(c);
                self.indented = false;
                breaks = false;
            }
        }
    }

    /// Writes a sign of YAML's own, with a space before it where one is `needed`.
    fn indicator(&mut self, sign: &str, needed: bool, indents: bool) {
        if needed && !self.spaced {
            self.put(' ');
        }
        sign.chars().for_each(|c| self.put(c));
        self.spaced = false;
        self.indented = self.indented && indents;
    }

    /// Goes to the indentation, on a new line where this one holds something already.
    fn line(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.indented || self.column > indent || self.column == indent && !self.spaced {
            self.break_line('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        (self.spaced, self.indented) = (true, true);
    }

    /// Whether the line is folded at the next space.
    fn is_long(&self) -> bool {
        self.column > WIDTH && self.options.layout == Layout::Compact
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn break_line(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            return match u32::from(c) {
                code @ ..=0xff => format!("\\x{code:02X}"),
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}
