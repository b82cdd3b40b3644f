//! Lines around a place, with a caret under it.

use std::fmt;

use super::harmless;
use crate::value::Mark;

/// Longer lines are cut, so that a minified file does not flood the terminal.
const WIDEST: usize = 160;

/// A few lines of a text with the failing place marked. It holds no more text than it prints.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    first: u32,
    lines: Vec<String>,
    mark: Mark,
    width: usize,
}

impl Excerpt {
    /// The lines around a mark, with the word there underlined.
    pub fn of_word(text: &str, mark: Mark, context: u32) -> Option<Self> {
        let before = |n: u32| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
        let line = text.lines().nth(before(mark.line))?;
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '[' | ']' | '{' | '}');
        let width = line.chars().skip(before(mark.column)).take_while(|c| !ends(*c)).count();
        Self::new(text, mark, width, context)
    }

    /// The line of `mark` and up to `context` lines before it; `width` characters from the mark on are underlined.
    /// `None` where the mark lies outside the text.
    pub fn new(text: &str, mark: Mark, width: usize, context: u32) -> Option<Self> {
        let first = mark.line.saturating_sub(context).max(1);
        let wanted = usize::try_from(mark.line.checked_sub(first)? + 1).ok()?;
        let skipped = usize::try_from(first - 1).ok()?;
        let lines: Vec<String> = text.lines().skip(skipped).take(wanted).map(cut).collect();
        (mark.line > 0 && lines.len() == wanted).then_some(Self { first, lines, mark, width: width.max(1) })
    }
}

/// A line as it can be shown: without control characters, and not endless.
pub fn cut(line: &str) -> String {
    // Each character stays one, so that the caret stands under the right one.
    let clean: String = line.chars().map(|c| if c != '\t' && harmless::steers(c) { '\u{fffd}' } else { c }).collect();
    match clean.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
    .replace('\t', " ")
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.mark.line.to_string().len();
        writeln!(f, "{:gutter$} |", "")?;
        for (number, line) in (self.first..).zip(&self.lines) {
            writeln!(f, "{number:gutter$} | {line}")?;
        }
        if self.mark.column > 0 {
            let before = usize::try_from(self.mark.column - 1).unwrap_or(0);
            let shown = self.lines.last().map_or(0, |l| l.chars().count());
            let width = self.width.min(shown.saturating_sub(before)).max(1);
            let before = before.min(shown);
            writeln!(f, "{:gutter$} | {:before$}{}", "", "", "^".repeat(width))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let text = "a: 1\nreleases:\n- nam: x\n";
        let excerpt = Excerpt::new(text, Mark { line: 3, column: 3 }, 3, 1).unwrap();
        assert_eq!(excerpt.to_string(), "  |\n2 | releases:\n3 | - nam: x\n  |   ^^^\n");
        assert_eq!(Excerpt::new(text, Mark { line: 9, column: 1 }, 1, 1), None);
    }
}
