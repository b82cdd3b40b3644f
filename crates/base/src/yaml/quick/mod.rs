//! The events of block YAML as nearly all manifests are written, many times as fast as libyaml tells them.
//!
//! It knows maps and lists by indentation, plain and quoted scalars, literal blocks and brackets on one line. Of whatever
//! else it meets, and of all that is wrong, it gives up the document, and libyaml reads it: errors are libyaml's alone,
//! and what is accepted here is told exactly as there. The tests hold both against each other.

mod flow;
mod lines;
mod scalars;

use self::lines::{Here, Line, Lines, Next};
use super::events::{Event, Scalar, Start, What};

/// How deep maps and lists may be nested.
const DEEPEST: usize = 100;

/// A reader of one text.
pub(super) struct Quick<'t> {
    lines: Lines<'t>,
    events: Vec<Event>,
    depth: usize,
}

impl<'t> Quick<'t> {
    /// A reader of `text`; `None` where it holds characters that are told to libyaml at once.
    pub fn new(text: &'t str) -> Option<Self> {
        Some(Self { lines: Lines::new(text)?, events: Vec::new(), depth: 0 })
    }

    /// The events of the next document, none behind the last; `None` where it is given up.
    pub fn document(&mut self) -> Option<Vec<Event>> {
        match self.lines.peek()? {
            Next::End(_) => return Some(Vec::new()),
            Next::Marker(_) => self.lines.take(),
            Next::Line(_) => {}
        }
        let start = self.lines.peek()?;
        self.push(What::DocumentStart, start.here());
        match start {
            Next::Line(line) => {
                self.lines.take();
                self.block(line.here())?;
                if matches!(self.lines.peek()?, Next::Line(_)) {
                    return None;
                }
            }
            Next::Marker(line) | Next::End(line) => self.nothing(line.here()),
        }
        self.push(What::DocumentEnd, start.here());
        Some(std::mem::take(&mut self.events))
    }

    fn push(&mut self, what: What, here: Here) {
        let mark = self.lines.mark(here);
        self.events.push(Event { what, mark });
    }

    fn scalar(&mut self, text: String, plain: bool, here: Here) {
        self.push(What::Scalar(Scalar { text, tag: None, anchor: None, plain, bare: plain }), here);
    }

    /// A value that is not written.
    fn nothing(&mut self, here: Here) {
        self.scalar(String::new(), true, here);
    }

    /// The list or the map whose first line, which is taken, goes on here.
    fn block(&mut self, here: Here) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        if self.lines.is_item(here) {
            self.list(here)?;
        } else {
            self.map(here)?;
        }
        self.depth -= 1;
        Some(())
    }

    fn map(&mut self, first: Here) -> Option<()> {
        let start = What::MapStart(Start { anchor: None, flow: false });
        self.collection(start, first, Self::entry, |_, _| true)
    }

    fn list(&mut self, first: Here) -> Option<()> {
        let start = What::ListStart(Start { anchor: None, flow: false });
        self.collection(start, first, Self::item, |lines, line| lines.is_item(line.here()))
    }

    /// What begins here, and on the lines at the same column: entries, or only those lines that are items.
    fn collection(
        &mut self,
        start: What,
        first: Here,
        one: fn(&mut Self, Here, usize) -> Option<()>,
        is_one: fn(&Lines<'_>, Line) -> bool,
    ) -> Option<()> {
        let column = first.column();
        self.push(start, first);
        let mut here = first;
        loop {
            one(self, here, column)?;
            match self.lines.peek()? {
                Next::Line(line) if line.indent == column && is_one(&self.lines, line) => here = line.here(),
                Next::Line(line) if line.indent > column => return None,
                _ => break,
            }
            self.lines.take();
        }
        self.push(What::End, here);
        Some(())
    }

    fn entry(&mut self, here: Here, column: usize) -> Option<()> {
        let behind = self.key(here)?;
        let value = self.lines.skip_blanks(behind);
        // The dashes of a list in a map may stand below its key.
        if self.lines.is_written(value) { self.inline(value, column) } else { self.below(behind, column, true) }
    }

    fn item(&mut self, here: Here, column: usize) -> Option<()> {
        let behind = here.after(1);
        let value = self.lines.skip_blanks(behind);
        if self.lines.is_written(value) { self.node(value, column) } else { self.below(behind, column, false) }
    }

    /// What is below a key or dash at `column`, if the next line is of it: a key may have its dashes right below.
    fn below(&mut self, behind: Here, column: usize, is_key: bool) -> Option<()> {
        let is_dash = |it: &Self, line: Line| is_key && line.indent == column && it.lines.is_item(line.here());
        match self.lines.peek()? {
            Next::Line(line) if line.indent > column || is_dash(self, line) => {
                self.lines.take();
                self.node(line.here(), column)
            }
            _ => {
                self.nothing(behind);
                Some(())
            }
        }
    }

    /// A list, a map or a scalar of what is at `column`.
    fn node(&mut self, here: Here, column: usize) -> Option<()> {
        if self.lines.is_item(here) || self.is_key(here) { self.block(here) } else { self.inline(here, column) }
    }

    /// A value on the line of its key or dash, in a map or a list at `column`.
    fn inline(&mut self, here: Here, column: usize) -> Option<()> {
        match self.lines.first(here)? {
            b'|' => self.literal(here, column),
            b'[' | b'{' => {
                let end = self.flow(here)?;
                self.lines.is_end(end).then_some(())
            }
            b'"' | b'\'' => {
                let (text, end) = self.lines.quoted_lines(here)?;
                self.scalar(text, false, here);
                self.lines.is_end(end).then_some(())
            }
            _ => self.plain(here, column),
        }
    }
}

#[cfg(test)]
mod tests;
