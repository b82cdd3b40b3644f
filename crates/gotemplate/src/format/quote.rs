//! Quoted strings as Go's `strconv` writes them, and characters of texts that may be no UTF-8.

use crate::text::Str;

/// `strconv.Quote`: between double quotes, with Go's escapes.
pub fn quoted(text: &[u8]) -> Str {
    quote(text, b'"', false).into()
}

/// A text between quotes; with `ascii`, all beyond ASCII is escaped too.
pub(super) fn quote(text: &[u8], mark: u8, ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(mark);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(c, mark, ascii, &mut out);
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    }
    out.push(mark);
    out
}

fn escape(c: char, mark: u8, ascii: bool, out: &mut Vec<u8>) {
    if c == char::from(mark) || c == '\\' {
        out.push(b'\\');
        out.push(if c == '\\' { b'\\' } else { mark });
    } else if is_print(c) && (c.is_ascii() || !ascii) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let code = u32::from(c);
        let escaped = match c {
            '\u{7}' => "\\a".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\u{b}' => "\\v".to_owned(),
            '\0'..' ' | '\u{7f}' => format!("\\x{code:02x}"),
            '\0'..='\u{ffff}' => format!("\\u{code:04x}"),
            _ => format!("\\U{code:08x}"),
        };
        out.extend_from_slice(escaped.as_bytes());
    }
}

/// `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the blank.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // After another character, a mark that extends it is not escaped.
    let mut text = String::from("a");
    text.push(c);
    !text.escape_debug().any(|it| it == '\\')
}

/// Whether a text can stand between backquotes.
pub(super) fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| !text.chars().any(|c| c != '\t' && c < ' ' || matches!(c, '`' | '\u{7f}' | '\u{feff}')))
}

/// How many characters a text has; each wrong byte counts as one.
pub(super) fn count(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// Where the character number `n` of a text begins.
pub(super) fn offset(text: &[u8], n: usize) -> usize {
    let mut offset = 0;
    let mut left = n;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return offset;
            }
            left -= 1;
            offset += c.len_utf8();
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return offset;
            }
            left -= 1;
            offset += 1;
        }
    }
    offset
}
