//! Which line of a template made a line of output.

use std::sync::Arc;

use super::source::{Source, Span};
use super::text::Str;
use weft_base::diagnostic::Trace;
use weft_base::value::{Mark, Origin};

/// A piece of output: where it begins, and what made it.
#[derive(Clone, Debug)]
struct Piece {
    start: usize,
    source: Arc<Source>,
    offset: u32,
}

/// Remembers the pieces while a template is executed.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pieces: Vec<Piece>,
    /// What was written for a function, such as `include`, since the last value was.
    captured: Vec<(Str, Vec<Piece>)>,
}

impl Recorder {
    /// A text of a template is about to be written; each of its lines is a piece.
    pub(super) fn wrote_text(&mut self, start: usize, source: &Arc<Source>, span: Span) {
        let text = source.slice(span);
        let mut offset = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let at = Span::new(offset, 0).start.saturating_add(span.start);
            self.pieces.push(Piece { start: start + offset, source: Arc::clone(source), offset: at });
            offset += line.len();
        }
    }

    /// A value was written. A line of it that is one of a template that it called came from there.
    pub(super) fn wrote_value(&mut self, start: usize, out: &[u8], source: &Arc<Source>, span: Span) {
        let own = Piece { start, source: Arc::clone(source), offset: span.start };
        let captured = std::mem::take(&mut self.captured);
        let Some((text, pieces)) = captured.last() else {
            self.pieces.push(own);
            return;
        };
        let mut made = lines(text).peekable();
        for (at, line) in lines(&out[start..]) {
            let wanted = line.trim_ascii();
            while made.peek().is_some_and(|(_, line)| line.trim_ascii().is_empty()) && !wanted.is_empty() {
                made.next();
            }
            let found = made.next_if(|(_, line)| line.trim_ascii() == wanted);
            let piece = found.and_then(|(from, line)| {
                let blanks = line.len() - line.trim_ascii_start().len();
                pieces.iter().rfind(|piece| piece.start <= from + blanks)
            });
            let piece = piece.unwrap_or(&own).clone();
            self.pieces.push(Piece { start: start + at, ..piece });
        }
    }

    /// What was written from `start` on became a value of its own.
    pub(super) fn captured(&mut self, start: usize, text: &Str) {
        let from = self.pieces.partition_point(|piece| piece.start < start);
        let pieces = self.pieces.drain(from..).map(|piece| Piece { start: piece.start - start, ..piece }).collect();
        self.captured.push((text.clone(), pieces));
    }

    /// The lines of the output with the columns where pieces begin.
    pub(super) fn finish(self, out: &[u8]) -> Trace {
        let mut pieces = self.pieces.into_iter().peekable();
        let mut last: Option<Origin> = None;
        let mut all = Vec::new();
        for (start, line) in lines(out) {
            let mut found: Vec<(u32, Origin)> = last.clone().map(|origin| (1, origin)).into_iter().collect();
            while let Some(piece) = pieces.next_if(|piece| piece.start < start + line.len() + 1) {
                let before = out.get(start..piece.start).unwrap_or_default();
                let column = u32::try_from(String::from_utf8_lossy(before).chars().count() + 1).unwrap_or(u32::MAX);
                let mark = Mark { column: 0, ..piece.source.mark(piece.offset) };
                let origin = Origin::new(&piece.source.path, mark);
                last = Some(origin.clone());
                found.push((column, origin));
            }
            all.push(found);
        }
        Trace::new(all)
    }
}

/// The lines of a text without their ends, by the offset of each.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut offset = 0;
    text.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line.strip_suffix(b"\n").unwrap_or(line))
    })
}
