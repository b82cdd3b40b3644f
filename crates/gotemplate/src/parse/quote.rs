//! String and character constants, as Go's `strconv` reads them.

use crate::text::Str;

/// What a string constant stands for, its quotes included in `quoted`; `None` where an escape is wrong.
pub(super) fn unquote(quoted: &[u8]) -> Option<Str> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if quoted[0] == b'`' {
        return Some(inner.iter().copied().filter(|byte| *byte != b'\r').collect::<Vec<u8>>().into());
    }
    if !inner.contains(&b'\\') && std::str::from_utf8(inner).is_ok() {
        return Some(inner.into());
    }
    let text = String::from_utf8_lossy(inner);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &*text;
    while !rest.is_empty() {
        let (piece, tail) = character(rest, '"')?;
        piece.write(&mut out);
        rest = tail;
    }
    Some(out.into())
}

/// The code point of a character constant.
pub(super) fn unquote_char(quoted: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(quoted);
    let (piece, tail) = character(text.strip_prefix('\'')?, '\'')?;
    (tail == "'").then_some(match piece {
        Piece::Byte(byte) => u32::from(byte),
        Piece::Char(c) => u32::from(c),
    })
}

enum Piece {
    Byte(u8),
    Char(char),
}

impl Piece {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => out.push(*byte),
            Self::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// The first character of a text between quotes, and what comes after it.
fn character(text: &str, quote: char) -> Option<(Piece, &str)> {
    let mut chars = text.chars();
    let first = chars.next().filter(|c| *c != quote)?;
    if first != '\\' {
        return Some((Piece::Char(first), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let simple = |byte| Some((Piece::Byte(byte), rest));
    match escape {
        'a' => simple(7),
        'b' => simple(8),
        'f' => simple(12),
        'n' => simple(b'\n'),
        'r' => simple(b'\r'),
        't' => simple(b'\t'),
        'v' => simple(11),
        '\\' => simple(b'\\'),
        c if c == quote => Some((Piece::Char(c), rest)),
        'x' => coded(rest, 2, 16).and_then(|(code, rest)| Some((Piece::Byte(u8::try_from(code).ok()?), rest))),
        'u' => coded(rest, 4, 16).and_then(|(code, rest)| Some((Piece::Char(char::from_u32(code)?), rest))),
        'U' => coded(rest, 8, 16).and_then(|(code, rest)| Some((Piece::Char(char::from_u32(code)?), rest))),
        '0'..='7' => {
            coded(&text[1..], 3, 8).and_then(|(code, rest)| Some((Piece::Byte(u8::try_from(code).ok()?), rest)))
        }
        _ => None,
    }
}

fn coded(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let code = text.get(..digits).filter(|it| it.chars().all(|c| c.is_digit(radix)))?;
    Some((u32::from_str_radix(code, radix).ok()?, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        let text = |quoted: &str| unquote(quoted.as_bytes()).map(|it| it.to_vec());
        assert_eq!(text(r#""a\x41\101\u00e9\n\"""#), Some("aAA\u{e9}\n\"".into()));
        assert_eq!(text(r#""\xff""#), Some(vec![0xff]));
        assert_eq!([text(r#""\'""#), text(r#""\400""#), text(r#""\ud800""#), text(r#""\q""#)], [const { None }; 4]);
        assert_eq!(text("`a\\n\r\n`"), Some(b"a\\n\n".to_vec()));
        assert_eq!([unquote_char(b"'\\n'"), unquote_char(b"'ab'"), unquote_char(b"''")], [Some(10), None, None]);
    }
}
