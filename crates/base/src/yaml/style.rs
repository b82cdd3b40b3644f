//! How a text can be written: go-yaml's analysis of scalars.

use super::go;
use super::scalar::{Meaning, meaning};

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    /// As it is.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes, with escapes.
    Double,
    /// After a `|`, line by line.
    Literal,
}

/// Whether a text as a key needs a `?` before it: it has several lines, or is longer than 128 bytes.
pub(super) fn is_long_key(text: &str) -> bool {
    text.len() > 128 || text.contains(is_break)
}

/// The style in which Go writes a text; a short key is never a block. The key `<<` is the one exception: Go writes it
/// plain, and would read it as a merge.
pub(super) fn of(text: &str, key: bool) -> Style {
    let special = has_pair(text, Kind::Space, Kind::Break) || !text.chars().all(is_printable);
    let first = text.chars().next().map(kind);
    let last = text.chars().next_back().map(kind);
    if text.contains('\n') {
        let literal = !key && !special && last != Some(Kind::Space);
        return if literal { Style::Literal } else { Style::Double };
    }
    let bare = meaning(text) == Meaning::Text && !go::is_base60(text) && !(key && text == "<<");
    let edges = first != Some(Kind::Other) || last != Some(Kind::Other);
    if !bare || special {
        Style::Double
    } else if !(edges || text.contains(is_break) || has_indicators(text)) {
        Style::Plain
    } else if has_pair(text, Kind::Break, Kind::Space) {
        Style::Double
    } else {
        Style::Single
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Space,
    Break,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        ' ' => Kind::Space,
        _ if is_break(c) => Kind::Break,
        _ => Kind::Other,
    }
}

fn has_pair(text: &str, first: Kind, second: Kind) -> bool {
    text.chars().map(kind).zip(text.chars().skip(1).map(kind)).any(|pair| pair == (first, second))
}

/// Whether a part of the text would mean something of YAML's own.
fn has_indicators(text: &str) -> bool {
    let mut rest = text.chars();
    let followed = |rest: &std::str::Chars| rest.as_str().is_empty() || rest.as_str().starts_with([' ', '\t']);
    let leading = match rest.next() {
        Some('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`') => true,
        Some('?' | ':' | '-') => followed(&rest),
        _ => text.is_empty(),
    };
    if leading || text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let mut blank = text.starts_with([' ', '\t', '\0']) || text.starts_with(is_break);
    while let Some(c) = rest.next() {
        if c == ':' && followed(&rest) || c == '#' && blank {
            return true;
        }
        blank = matches!(c, ' ' | '\t' | '\0') || is_break(c);
    }
    false
}

/// Whether a character ends a line in YAML 1.1.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character can stand in a text without an escape.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}
