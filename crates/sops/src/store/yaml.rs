//! Writes a tree with its comments in the written order, in the style of the Go program, so that a file keeps its lines
//! whichever of the two programs changes it.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use super::comments::Comment;
use crate::SecretsError;
use crate::metadata::SECTION;
use weft_base::value::{Data, Entry, Map, Mark, Path, Step, Value};
use weft_base::yaml::{self, Rules, Secrets, Write};

/// The place of a comment.
pub(crate) struct Around<'a> {
    /// The list or map that it stands in.
    pub container: &'a Path,
    /// The list or map of the leaf that stands before it.
    pub before: &'a Path,
    /// What it stands before or beside; a place behind all where nothing follows it.
    pub of: Path,
}

/// What becomes of a comment.
pub(crate) type Change<'a> = dyn FnMut(&Comment, &Around<'_>) -> Result<String, SecretsError> + 'a;

/// Reads a text whose documents are maps: its only one, or a list of them.
pub(super) fn read(text: &str, file: &Arc<String>) -> Result<Value, SecretsError> {
    let documents = yaml::documents(text, file, Rules::Strict).map_err(|error| SecretsError::yaml(&error, file))?;
    if let Some(other) = documents.iter().find(|it| it.as_map().is_none()) {
        return Err(SecretsError::NotMap { kind: other.kind(), origin: other.origin.clone() });
    }
    let mut documents = documents;
    match documents.len() {
        0 => Ok(Value::from(Map::new()).at(weft_base::value::Origin::new(file, Mark::default()))),
        1 => Ok(documents.remove(0)),
        _ => {
            let origin = documents[0].origin.clone();
            documents.iter_mut().skip(1).for_each(|document| begin(document, text));
            Ok(Value::from(documents).at(origin))
        }
    }
}

/// Gives a document the place of the line above it that separates it from the one before.
fn begin(document: &mut Value, text: &str) {
    let first = document.origin.mark.line;
    let lines = (1..=first).zip(text.lines()).filter(|(_, line)| line.starts_with("---"));
    if let Some((line, _)) = lines.last() {
        document.origin.mark = Mark { line, column: 1 };
    }
}

/// Writes a map as a document, or a list of maps as several. Comments stay before the key or item that they stood
/// before, or after the value that they stood after; `section` is written last in each document, after all comments.
pub(super) fn write(
    root: &Value,
    section: Option<Map>,
    comments: Vec<Comment>,
    step: usize,
    change: &mut Change<'_>,
) -> Result<String, SecretsError> {
    let comments = comments.into_iter().peekable();
    let path = Path::root();
    let before = Path::root();
    let mut writer = Writer { out: String::new(), comments, change, path, before, step };
    let (documents, several) = match &root.data {
        Data::List(documents) => (&documents[..], true),
        _ => (std::slice::from_ref(root), false),
    };
    let last = section.map(|section| Map::from_iter([(SECTION, Value::from(section))]));
    for (at, document) in documents.iter().enumerate() {
        let next = documents.get(at + 1).map(|next| next.origin.mark.line).filter(|line| *line > 0);
        let until = next.unwrap_or(u32::MAX);
        if at > 0 {
            writer.out.push_str("---\n");
        }
        if several {
            writer.path = Path::root().index(at);
        }
        writer.document(document, last.as_ref(), until)?;
    }
    Ok(writer.out)
}

struct Writer<'a, 'c> {
    out: String,
    comments: Peekable<IntoIter<Comment>>,
    change: &'a mut Change<'c>,
    /// The list or map that is being written.
    path: Path,
    /// The list or map of the leaf that was written last.
    before: Path,
    /// The spaces of a level.
    step: usize,
}

impl Writer<'_, '_> {
    fn document(&mut self, document: &Value, last: Option<&Map>, until: u32) -> Result<(), SecretsError> {
        let empty = Map::new();
        let root = document.as_map().unwrap_or(&empty);
        self.map(root, 0, until, false)?;
        self.comments(0, &Step::Index(usize::MAX), |it| it.mark.line < until)?;
        match last {
            Some(last) => self.map(last, 0, 0, false)?,
            None if root.is_empty() => self.out.push_str("{}\n"),
            None => {}
        }
        Ok(())
    }

    /// Writes the entries of a map; `until` is the line of what follows the map. The first entry of an item of a list
    /// stands `after_dash`, on the same line.
    fn map(&mut self, map: &Map, indent: usize, until: u32, after_dash: bool) -> Result<(), SecretsError> {
        let lines: Vec<u32> = map.iter().map(|e| e.mark.line).collect();
        for (at, Entry { key, mark, value }) in map.iter().enumerate() {
            if at > 0 || !after_dash {
                self.heads(mark.line, indent, &Step::Field(key.clone()))?;
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
                self.heads(line, indent, &Step::Index(at))?;
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
                self.map(map, self.deeper(indent), until, false)
            }
            Data::List(items) if !items.is_empty() => {
                self.after(line)?;
                self.list(items, self.deeper(indent), until, false)
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
        let (cut, margin) = if free { ("  ", self.deeper(indent)) } else { ("", indent) };
        for line in lines {
            if !line.is_empty() {
                self.spaces(margin);
            }
            self.out.push_str(line.strip_prefix(cut).unwrap_or(line));
            self.out.push('\n');
        }
    }

    /// Writes the comments that stood before a line.
    fn heads(&mut self, line: u32, indent: usize, of: &Step) -> Result<(), SecretsError> {
        self.comments(indent, of, |comment| comment.mark.line < line)
    }

    /// Writes the comments that stood below the last entry of a list or map, and no further left than its entries.
    fn feet(&mut self, column: u32, until: u32, indent: usize) -> Result<(), SecretsError> {
        let end = Step::Index(usize::MAX);
        self.comments(indent, &end, |it| column > 0 && it.alone && it.mark.line < until && it.mark.column >= column)
    }

    /// Writes the comment that stood at the end of a line, and ends the line.
    fn after(&mut self, line: u32) -> Result<(), SecretsError> {
        if let Some(comment) = self.comments.next_if(|it| !it.alone && it.mark.line == line) {
            let mut container = self.path.clone();
            container.0.pop();
            let around = Around { container: &container, before: &self.before, of: self.path.clone() };
            let text = (self.change)(&comment, &around)?;
            self.out.push_str(" #");
            self.out.push_str(&text);
        }
        self.out.push('\n');
        Ok(())
    }

    fn comments(&mut self, indent: usize, of: &Step, which: impl Fn(&Comment) -> bool) -> Result<(), SecretsError> {
        while let Some(comment) = self.comments.next_if(|it| which(it)) {
            let around = Around { container: &self.path, before: &self.before, of: self.path.then(of.clone()) };
            let text = (self.change)(&comment, &around)?;
            self.spaces(indent);
            self.out.push('#');
            self.out.push_str(&text);
            self.out.push('\n');
        }
        Ok(())
    }

    /// The next level.
    fn deeper(&self, indent: usize) -> usize {
        indent / self.step * self.step + self.step
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }
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
