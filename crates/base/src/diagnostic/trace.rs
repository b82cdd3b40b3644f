//! Which line of a template made a line of output.

use crate::value::{Mark, Origin};

/// Where the pieces of an output came from: for each of its lines, by the column where a piece begins.
#[derive(Debug, Default)]
pub struct Trace(Vec<Vec<(u32, Origin)>>);

impl Trace {
    /// Of the pieces of each line, in the order of their columns, which count from 1.
    pub fn new(lines: Vec<Vec<(u32, Origin)>>) -> Self {
        Self(lines)
    }

    /// How many lines the output has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known: the output has no lines.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The template's line that made the character at a place of the output; in column 0 the one that made the end of
    /// the line. `None` where that is not known.
    pub fn at(&self, mark: Mark) -> Option<&Origin> {
        let pieces = self.0.get(usize::try_from(mark.line).ok()?.checked_sub(1)?)?;
        pieces.iter().rfind(|(from, _)| mark.column == 0 || *from <= mark.column).map(|(_, origin)| origin)
    }

    /// The template's line that made the last character.
    pub fn end(&self) -> Option<&Origin> {
        self.0.last()?.last().map(|(_, origin)| origin)
    }
}
