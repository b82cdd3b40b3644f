//! The text of a template's file, and places in it.

use std::sync::Arc;

use super::text::Str;
use weft_base::value::{Mark, Origin};

/// A range of bytes in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The range between two offsets.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    /// From the start of this to the end of another.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }
}

/// A text with its name.
#[derive(Debug)]
pub struct Source {
    /// The file that errors name.
    pub path: Arc<String>,
    /// The text.
    pub text: Str,
}

impl Source {
    /// Line and column of an offset.
    pub fn mark(&self, offset: u32) -> Mark {
        let before = self.text.get(..offset as usize).unwrap_or(&self.text);
        let line = before.split(|byte| *byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Mark { line: narrow(line), column: narrow(column) }
    }

    /// The place of an offset.
    pub fn origin(&self, offset: u32) -> Origin {
        Origin::new(&self.path, self.mark(offset))
    }

    /// What stands in a range.
    pub fn slice(&self, span: Span) -> &[u8] {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}
