//! Lists and maps in brackets, on one line.

use super::lines::Here;
use super::{DEEPEST, Quick};
use crate::yaml::events::{Start, What};

impl Quick<'_> {
    /// What is in the brackets that begin here; gives the place behind them.
    pub(super) fn flow(&mut self, here: Here) -> Option<Here> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let start = Start { anchor: None, flow: true };
        let (what, close) = match self.lines.first(here)? {
            b'[' => (What::ListStart(start), b']'),
            _ => (What::MapStart(start), b'}'),
        };
        self.push(what, here);
        let mut at = self.lines.skip_blanks(here.after(1));
        let mut is_empty = true;
        while !(is_empty && self.lines.first(at)? == close) {
            is_empty = false;
            if close == b'}' {
                at = self.flow_scalar(at)?;
                // What `{a:b}` and `{a}` are is told by libyaml.
                if !self.lines.rest(at).starts_with(": ") {
                    return None;
                }
                at = self.lines.skip_blanks(at.after(1));
            }
            at = match self.lines.first(at)? {
                b'[' | b'{' => self.flow(at)?,
                _ => self.flow_scalar(at)?,
            };
            at = self.lines.skip_blanks(at);
            match self.lines.first(at)? {
                b',' => at = self.lines.skip_blanks(at.after(1)),
                found if found == close => break,
                _ => return None,
            }
        }
        self.push(What::End, at);
        self.depth -= 1;
        Some(at.after(1))
    }

    fn flow_scalar(&mut self, here: Here) -> Option<Here> {
        let text = self.lines.rest(here);
        if text.starts_with(['"', '\'']) {
            let (text, end) = self.lines.quoted(here)?;
            self.scalar(text, false, here);
            return Some(end);
        }
        let is_simple = |c: char| c.is_ascii_alphanumeric() || "_./-+@=$()~^ ".contains(c);
        let end = text.find(|c| !is_simple(c)).unwrap_or(text.len());
        let word = text[..end].trim_end_matches(' ');
        if !word.starts_with(|c: char| c.is_ascii_alphanumeric() || "_./".contains(c)) {
            return None;
        }
        self.scalar(word.to_owned(), true, here);
        Some(here.after(word.len()))
    }
}
