//! Which line of a template made a line of output.
//!
//! The engine keeps no trace. So a failing template is rendered once more with a mark before the first character that
//! each of its lines prints: two private characters, which name the file and the line. In the output the last mark
//! before the end of a line tells where the line came from.

use super::engine::Template;
use weft_base::diagnostic::Trace;
use weft_base::value::{Mark, Origin};

/// Files are counted from here in plane 15, lines in plane 16; both planes are private.
const FILES: u32 = 0xF_0000;
const LINES: u32 = 0x10_0000;
const PLANE: u32 = 0xFFFD;

/// The template with its lines marked, `file` being its number. Tags and white space stay as they are.
pub fn mark(text: &str, file: usize) -> String {
    let mut marker = Marker { rest: text, out: String::with_capacity(text.len() * 2), line: 1, marked: false, file };
    while !marker.rest.is_empty() {
        marker.step();
    }
    marker.out
}

/// Reads the marks of an output.
pub fn read(output: &str, files: &[&Template]) -> Trace {
    let mut last = None;
    let mut lines = Vec::new();
    for line in output.lines() {
        let mut pieces: Vec<(u32, Origin)> = last.clone().map(|origin| (1, origin)).into_iter().collect();
        let mut column = 1;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let Some(file) = number(c, FILES, LINES) else {
                column += 1;
                continue;
            };
            let number = chars.next_if(|c| number(*c, LINES, u32::MAX).is_some());
            last = number.and_then(|c| origin(files, file, u32::from(c) - LINES));
            pieces.extend(last.clone().map(|origin| (column, origin)));
        }
        lines.push(pieces);
    }
    Trace::new(lines)
}

fn origin(files: &[&Template], file: u32, line: u32) -> Option<Origin> {
    let template = files.get(usize::try_from(file).ok()?)?;
    Some(Origin::new(&template.path, Mark { line, column: 0 }))
}

/// A text without marks, for functions that look at what a text is.
pub fn unmarked(text: &str) -> std::borrow::Cow<'_, str> {
    let is_mark = |c: char| u32::from(c) >= FILES;
    if text.contains(is_mark) { text.replace(is_mark, "").into() } else { text.into() }
}

/// What a private character counts, of those from `plane` up to `end`.
fn number(c: char, plane: u32, end: u32) -> Option<u32> {
    Some(u32::from(c)).filter(|c| *c < end)?.checked_sub(plane)
}

struct Marker<'t> {
    rest: &'t str,
    out: String,
    line: u32,
    /// Whether this line has its mark.
    marked: bool,
    file: usize,
}

impl Marker<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("{#") {
            self.copy(rest.find("#}").map_or(rest.len(), |at| at + 2));
        } else if let Some(inner) = rest.strip_prefix("{%") {
            let tag = tag_end(rest);
            let raw = inner.trim_start_matches(['-', '+']).trim_start().starts_with("raw");
            self.copy(if raw { rest.find("endraw").unwrap_or(tag) } else { tag });
        } else if rest.starts_with("{{") {
            if rest.starts_with("{{-") && !self.marked {
                let mark = self.mark();
                self.out.extend(["{{- \"", mark.as_str(), "\" }}{{"]);
                self.rest = &rest[3..];
                self.copy(tag_end(self.rest));
            } else {
                self.ensure_mark();
                self.copy(tag_end(rest));
            }
        } else {
            let width = rest.chars().next().map_or(0, char::len_utf8);
            if !rest.starts_with(char::is_whitespace) {
                self.ensure_mark();
            }
            self.copy(width);
        }
    }

    fn ensure_mark(&mut self) {
        if !self.marked {
            let mark = self.mark();
            self.out.push_str(&mark);
        }
    }

    fn mark(&mut self) -> String {
        self.marked = true;
        let file = u32::try_from(self.file).ok().filter(|it| *it < PLANE).map(|it| it + FILES);
        let line = Some(self.line).filter(|it| *it < PLANE).map(|it| it + LINES);
        [file, line].into_iter().flatten().filter_map(char::from_u32).collect()
    }

    fn copy(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at(bytes);
        let lines = taken.matches('\n').count();
        if lines > 0 {
            self.marked = false;
            self.line += u32::try_from(lines).unwrap_or(u32::MAX);
        }
        self.out.push_str(taken);
        self.rest = rest;
    }
}

/// Where the tag ends that a text begins with; quoted texts in it may hold anything.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices().skip(2) {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '}' && (before == '}' || before == '%') => return at + 1,
            _ => {}
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn template(text: &str) -> Template {
        Template { name: "t".to_owned(), path: Arc::new("t.j2".to_owned()), text: text.to_owned() }
    }

    #[test]
    fn every_printed_line_has_a_mark_and_tags_stay_whole() {
        let text = "a: 1\n  {% if x %}\n  b: {{ \"}}\" }}\n  {%- endif %}\n  {{- c }}\n";
        let marked = mark(text, 0);
        assert_eq!(unmarked(&marked).replace("{{- \"\" }}{{ c", "{{- c"), text);
        assert_eq!(marked.chars().filter(|c| u32::from(*c) >= LINES).count(), 3);
    }

    #[test]
    fn a_place_has_the_mark_before_it() {
        let template = template("a\n\nb{{- c }}");
        let marked = mark(&template.text, 0);
        let trace = read(&marked.replacen("\n\n", "\n ", 1), &[&template]);
        let line = |line, column| trace.at(Mark { line, column }).map(|origin| origin.mark.line);
        assert_eq!(
            [line(1, 1), line(2, 1), line(2, 2), line(2, 0), line(3, 1)],
            [Some(1), Some(1), Some(3), Some(3), None]
        );
    }
}
