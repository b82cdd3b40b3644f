//! Writes a tree with its comments in the written order, in the style of the Go program, so that a file keeps its lines
//! whichever of the two programs changes it.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::SecretsError;
use super::comments::Comment;
use crate::value::{Data, Entry, Map, Path, Step, Value};
use crate::yaml::{self, Secrets, Write};

/// What becomes of a comment: it gets the comment, the path of the list or map it stands in, and the path before.
pub(super) type Change<'a> = dyn FnMut(&Comment, &Path, &Path) -> Result<String, SecretsError> + 'a;

/// Writes a map as a document. Comments stay before the key or item that they stood before, or after the value that
/// they stood after; `section` is written last, after all comments.
pub(super) fn write(
    root: &Map,
    section: Option<Map>,
    comments: Vec<Comment>,
    change: &mut Change<'_>,
) -> Result<String, SecretsError> {
    let comments = comments.into_iter().peekable();
    let mut writer = Writer { out: String::new(), comments, change, path: Path::root(), before: Path::root() };
    writer.map(root, 0, u32::MAX, false)?;
    writer.comments(0, |_| true)?;
    if let Some(section) = section {
        let last = Map::from_iter([(super::metadata::SECTION, Value::from(section))]);
        writer.map(&last, 0, u32::MAX, false)?;
    } else if root.is_empty() {
        writer.out.push_str("{}\n");
    }
    Ok(writer.out)
}

struct Writer<'a> {
    out: String,
    comments: Peekable<IntoIter<Comment>>,
    change: &'a mut Change<'a>,
    /// The list or map that is being written.
    path: Path,
    /// The list or map of the leaf that was written last.
    before: Path,
}

impl Writer<'_> {
    /// Writes the entries of a map; `until` is the line of what follows the map. The first entry of an item of a list
    /// stands `after_dash`, on the same line.
    fn map(&mut self, map: &Map, indent: usize, until: u32, after_dash: bool) -> Result<(), SecretsError> {
        let lines: Vec<u32> = map.iter().map(|e| e.mark.line).collect();
        for (at, Entry { key, mark, value }) in map.iter().enumerate() {
            if at > 0 || !after_dash {
                self.heads(mark.line, indent)?;
                self.spaces(indent);
            }
            self.out.push_str(&key_text(key));
            self.out.push(':');
            self.path.0.push(Step::Field(key.clone()));
            let following = lines.get(at + 1).copied().unwrap_or(until);
            self.node(value, indent, mark.line, following)?;
            self.path.0.pop();
        }
        self.feet(map.iter().next().map_or(0, |e| e.mark.column), until, indent)
    }

    fn list(&mut self, items: &[Value], indent: usize, until: u32, after_dash: bool) -> Result<(), SecretsError> {
        for (at, item) in items.iter().enumerate() {
            let line = item.origin.mark.line;
            if at > 0 || !after_dash {
                self.heads(line, indent)?;
                self.spaces(indent);
            }
            self.out.push('-');
            self.path.0.push(Step::Index(at));
            let following = items.get(at + 1).map_or(until, |next| next.origin.mark.line);
            match &item.data {
                Data::Map(map) if !map.is_empty() => {
                    self.out.push(' ');
                    self.map(map, indent + 2, following, true)?;
                }
                Data::List(inner) if !inner.is_empty() => {
                    self.out.push(' ');
                    self.list(inner, indent + 2, following, true)?;
                }
                _ => self.node(item, indent, line, following)?,
            }
            self.path.0.pop();
        }
        // The mark of an item is the place after its dash.
        self.feet(items.first().map_or(0, |i| i.origin.mark.column.saturating_sub(2)), until, indent)
    }

    /// Writes what stands after a key, or a leaf after a dash.
    fn node(&mut self, value: &Value, indent: usize, line: u32, until: u32) -> Result<(), SecretsError> {
        match &value.data {
            Data::Map(map) if !map.is_empty() => {
                self.after(line)?;
                self.map(map, deeper(indent), until, false)
            }
            Data::List(items) if !items.is_empty() => {
                self.after(line)?;
                self.list(items, deeper(indent), until, false)
            }
            leaf => {
                let text = leaf_text(leaf);
                let mut lines = text.lines();
                let head = lines.next().unwrap_or_default();
                self.out.push(' ');
                self.out.push_str(head);
                self.after(line)?;
                self.rest(head, lines, indent);
                self.before.clone_from(&self.path);
                self.before.0.pop();
                Ok(())
            }
        }
    }

    /// Writes the lines of a leaf after its first, which come with the two spaces of a map at the margin.
    fn rest<'t>(&mut self, head: &str, lines: impl Iterator<Item = &'t str>, indent: usize) {
        // A digit in the head of a block says how far its lines are indented; they stay so.
        let free = head.starts_with(['|', '>']) && !head.contains(|c: char| c.is_ascii_digit());
        let (cut, margin) = if free { ("  ", deeper(indent)) } else { ("", indent) };
        for line in lines {
            if !line.is_empty() {
                self.spaces(margin);
            }
            self.out.push_str(line.strip_prefix(cut).unwrap_or(line));
            self.out.push('\n');
        }
    }

    /// Writes the comments that stood before a line.
    fn heads(&mut self, line: u32, indent: usize) -> Result<(), SecretsError> {
        self.comments(indent, |comment| comment.mark.line < line)
    }

    /// Writes the comments that stood below the last entry of a list or map, and no further left than its entries.
    fn feet(&mut self, column: u32, until: u32, indent: usize) -> Result<(), SecretsError> {
        self.comments(indent, |it| column > 0 && it.alone && it.mark.line < until && it.mark.column >= column)
    }

    /// Writes the comment that stood at the end of a line, and ends the line.
    fn after(&mut self, line: u32) -> Result<(), SecretsError> {
        if let Some(comment) = self.comments.next_if(|it| !it.alone && it.mark.line == line) {
            let mut container = self.path.clone();
            container.0.pop();
            let text = (self.change)(&comment, &container, &self.before)?;
            self.out.push_str(" #");
            self.out.push_str(&text);
        }
        self.out.push('\n');
        Ok(())
    }

    fn comments(&mut self, indent: usize, which: impl Fn(&Comment) -> bool) -> Result<(), SecretsError> {
        while let Some(comment) = self.comments.next_if(|it| which(it)) {
            let text = (self.change)(&comment, &self.path, &self.before)?;
            self.spaces(indent);
            self.out.push('#');
            self.out.push_str(&text);
            self.out.push('\n');
        }
        Ok(())
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }
}

/// The next multiple of four.
fn deeper(indent: usize) -> usize {
    indent / 4 * 4 + 4
}

/// A leaf as YAML, behind `k:` at the margin, with its secret.
fn leaf_text(leaf: &Data) -> String {
    let options = Write { secrets: Secrets::Exposed, ..Write::default() };
    let text = yaml::write_with(&Map::from_iter([("k", Value::from(leaf.clone()))]).into(), options);
    text.strip_prefix("k:").unwrap_or(&text).trim_start_matches(' ').to_owned()
}

/// A key as YAML. Keys that are too long for the short form are quoted.
fn key_text(key: &str) -> String {
    let text = yaml::write(&Map::from_iter([(key, Value::default())]).into());
    text.strip_suffix(": null\n").filter(|k| !k.starts_with("? ")).map_or_else(|| format!("{key:?}"), str::to_owned)
}
