//! The comments of a YAML text, which no YAML reader keeps.
//!
//! The reader's places of keys and leaves tell where quotes and blocks begin, so that a `#` within them is no comment.
//! Values never come from here: a comment that is missed is lost, and nothing else.

use std::collections::BTreeSet;

use weft_base::value::{Data, Mark, Value};

/// One comment: what stands after its `#` up to the end of the line. It may hold a secret, so it cannot be printed.
#[derive(Clone, PartialEq)]
pub(crate) struct Comment {
    pub mark: Mark,
    /// Whether it has the line for itself.
    pub alone: bool,
    pub text: String,
}

/// The comments of the text that `root` was read from, in order.
pub(super) fn scan(text: &str, root: &Value) -> Vec<Comment> {
    let mut scanner = Scanner { keys: BTreeSet::new(), leaves: BTreeSet::new(), state: State::Free, found: Vec::new() };
    scanner.collect(root);
    for (number, line) in (1..).zip(text.lines()) {
        scanner.line(number, &line.chars().collect::<Vec<_>>());
    }
    scanner.found
}

struct Scanner {
    keys: BTreeSet<Mark>,
    leaves: BTreeSet<Mark>,
    state: State,
    found: Vec<Comment>,
}

#[derive(Clone, Copy)]
enum State {
    Free,
    /// Within quotes of this sort.
    Quoted(char),
    /// Within a block whose lines begin after this column.
    Block {
        after: u32,
        measured: bool,
    },
}

impl Scanner {
    fn collect(&mut self, value: &Value) {
        match &value.data {
            Data::List(items) => items.iter().for_each(|item| self.collect(item)),
            Data::Map(map) => map.iter().for_each(|entry| {
                self.keys.insert(entry.mark);
                self.collect(&entry.value);
            }),
            _ => {
                self.leaves.insert(value.origin.mark);
            }
        }
    }

    fn line(&mut self, number: u32, line: &[char]) {
        let blanks = line.iter().take_while(|c| **c == ' ').count();
        match self.state {
            State::Block { .. } if blanks == line.len() => return,
            State::Block { after, measured } if column(blanks) > after => {
                // The first line says how far the others are indented, unless the head of the block did.
                let after = if measured { after } else { column(blanks) - 1 };
                self.state = State::Block { after, measured: true };
                return;
            }
            State::Block { .. } => self.state = State::Free,
            State::Free | State::Quoted(_) => {}
        }
        let mut at = 0;
        while at < line.len() {
            at = match self.state {
                State::Quoted(quote) => self.close(line, at, quote),
                State::Free | State::Block { .. } => {
                    if line[at] == '#' && (at == 0 || line[at - 1].is_whitespace()) {
                        let alone = line[..at].iter().all(|c| c.is_whitespace());
                        let mark = Mark { line: number, column: column(at) };
                        self.found.push(Comment { mark, alone, text: line[at + 1..].iter().collect() });
                        return;
                    }
                    self.open(line, at, Mark { line: number, column: column(at) })
                }
            };
        }
    }

    /// Steps over one character, or into the quotes or the block of a scalar that begins here.
    fn open(&mut self, line: &[char], at: usize, mark: Mark) -> usize {
        if !self.keys.contains(&mark) && !self.leaves.contains(&mark) {
            return at + 1;
        }
        let start = after_properties(line, at);
        match line.get(start) {
            Some(quote @ ('"' | '\'')) => self.state = State::Quoted(*quote),
            Some('|' | '>') => {
                let first = Mark { column: 0, ..mark };
                let key = self.keys.range(first..mark).next_back();
                // Without a key it is an item of a list, and the dash stands before it.
                let after = key.map_or(mark.column.saturating_sub(2), |key| key.column);
                let measured = line[start..].iter().take_while(|c| **c != ' ').any(char::is_ascii_digit);
                self.state = State::Block { after, measured };
            }
            _ => {}
        }
        start + 1
    }

    /// Steps through quotes, over their end where it is on this line.
    fn close(&mut self, line: &[char], at: usize, quote: char) -> usize {
        match (line[at], line.get(at + 1)) {
            ('\\', _) if quote == '"' => at + 2,
            ('\'', Some('\'')) if quote == '\'' => at + 2,
            (c, _) if c == quote => {
                self.state = State::Free;
                at + 1
            }
            _ => at + 1,
        }
    }
}

/// The place after the tag and the anchor of a node.
fn after_properties(line: &[char], mut at: usize) -> usize {
    while matches!(line.get(at), Some('!' | '&')) {
        at += line[at..].iter().take_while(|c| !c.is_whitespace()).count();
        at += line[at..].iter().take_while(|c| c.is_whitespace()).count();
    }
    at
}

/// The column of a place, from 1.
fn column(at: usize) -> u32 {
    u32::try_from(at).map_or(u32::MAX, |at| at.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::value::{Entry, Map};

    fn entry(key: &str, mark: (u32, u32), value: (u32, u32)) -> Entry {
        let at = |(line, column)| Mark { line, column };
        let mut leaf = Value::from("x");
        leaf.origin.mark = at(value);
        Entry { key: key.into(), mark: at(mark), value: leaf }
    }

    #[test]
    fn a_hash_in_quotes_and_blocks_is_no_comment() {
        let text = "# head\na: \"x # y\" # after\nb: |\n  # text\n\n  more\n # alone\n'c # d': it's # end\nd: a#b\n";
        let root = Map::from_iter([
            entry("a", (2, 1), (2, 4)),
            entry("b", (3, 1), (3, 4)),
            entry("c # d", (8, 1), (8, 10)),
            entry("d", (9, 1), (9, 4)),
        ]);
        let found: Vec<_> = scan(text, &root.into()).into_iter().map(|c| (c.mark.line, c.alone, c.text)).collect();
        let expected = [(1, true, " head"), (2, false, " after"), (7, true, " alone"), (8, false, " end")];
        assert_eq!(found, expected.map(|(line, alone, text)| (line, alone, text.to_owned())));
    }
}
