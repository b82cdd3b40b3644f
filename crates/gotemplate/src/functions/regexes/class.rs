//! Classes of characters, and the escapes that stand for characters or classes.

use std::fmt::Write;

use super::syntax::{RegexError, push_literal, wrong};

/// What an escape stands for.
pub(super) enum Escape {
    /// One character.
    Char(char),
    /// A class, without its brackets.
    Class(String),
}

/// Reads an escape; gives what follows it, too.
pub(super) fn escape(text: &str) -> Result<(Escape, &str), RegexError> {
    let kind = text[1..].chars().next().ok_or(RegexError::Trailing)?;
    let rest = &text[1 + kind.len_utf8()..];
    let class = |class: &str| Ok((Escape::Class(class.to_owned()), rest));
    match kind {
        'd' => class("0-9"),
        'D' => class("^0-9"),
        's' => class(r"\t\n\x0c\r\x20"),
        'S' => class(r"^\t\n\x0c\r\x20"),
        'w' => class("0-9A-Za-z_"),
        'W' => class("^0-9A-Za-z_"),
        'p' | 'P' => property(text),
        _ => character(text).map(|(c, rest)| (Escape::Char(c), rest)),
    }
}

/// `\pL`, `\p{Greek}`, `\P{^L}`.
fn property(text: &str) -> Result<(Escape, &str), RegexError> {
    let after = &text[2..];
    let invalid = |text: &str| wrong("invalid character class range", text);
    let (name, length) = if let Some(inside) = after.strip_prefix('{') {
        let end = inside.find('}').ok_or_else(|| invalid(text))?;
        (&inside[..end], end + 2)
    } else {
        let c = after.chars().next().ok_or_else(|| invalid(text))?;
        (&after[..c.len_utf8()], c.len_utf8())
    };
    let (bare, negated) = name.strip_prefix('^').map_or((name, false), |bare| (bare, true));
    let upper = text.starts_with("\\P") != negated;
    let class = match bare {
        "Any" => "\\p{Any}".to_owned(),
        bare => format!("\\p{{{bare}}}"),
    };
    let shown = &text[..2 + length];
    if bare.contains(['=', ':', ' ', '_', '-']) || regex::Regex::new(&class).is_err() {
        return Err(invalid(shown));
    }
    let class = if upper { class.replacen("\\p", "\\P", 1) } else { class };
    Ok((Escape::Class(class), &after[length..]))
}

/// The character that an escape stands for.
fn character(text: &str) -> Result<(char, &str), RegexError> {
    let kind = text[1..].chars().next().ok_or(RegexError::Trailing)?;
    let rest = &text[1 + kind.len_utf8()..];
    let invalid = |length: usize| wrong("invalid escape sequence", &text[..length.min(text.len())]);
    let c = match kind {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => return hexadecimal(text),
        '1'..='7' if !rest.starts_with(|c: char| ('0'..='7').contains(&c)) => return Err(invalid(2)),
        '0'..='7' => {
            let digits = text[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let code = u32::from_str_radix(&text[1..=digits], 8).unwrap_or_default();
            return Ok((char::from_u32(code).unwrap_or_default(), &text[1 + digits..]));
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        c => return Err(invalid(1 + c.len_utf8())),
    };
    Ok((c, rest))
}

/// `\x7f` or `\x{10ffff}`.
fn hexadecimal(text: &str) -> Result<(char, &str), RegexError> {
    let after = &text[2..];
    let (digits, length) = match after.strip_prefix('{') {
        Some(inside) => match inside.find('}') {
            Some(end) => (&inside[..end], end + 2),
            None => return Err(wrong("invalid escape sequence", text)),
        },
        None => (after.get(..2).unwrap_or_default(), 2),
    };
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| valid).and_then(char::from_u32);
    let shown = text.get(..2 + length).unwrap_or(text);
    code.map(|c| (c, &after[length..])).ok_or_else(|| wrong("invalid escape sequence", shown))
}

/// Reads a class in brackets; gives what follows it, too.
pub(super) fn read(text: &str) -> Result<(String, &str), RegexError> {
    let unclosed = || wrong("missing closing ]", text);
    let mut out = "[".to_owned();
    let mut rest = &text[1..];
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if rest.is_empty() {
            return Err(unclosed());
        }
        if let Some((class, after)) = posix(rest)? {
            out.push_str(class);
            rest = after;
            continue;
        }
        let start = rest;
        let low = match single(rest)? {
            (Escape::Class(class), after) => {
                let _ = write!(out, "{}", nested(&class));
                rest = after;
                continue;
            }
            (Escape::Char(c), after) => {
                rest = after;
                c
            }
        };
        push_literal(&mut out, low);
        // A line at the end stands for itself.
        let Some(after) = rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']')) else {
            continue;
        };
        let (high, after) = match single(after)? {
            (Escape::Char(high), after) if high >= low => (high, after),
            (_, after) => {
                return Err(wrong("invalid character class range", &start[..start.len() - after.len()]));
            }
        };
        out.push('-');
        push_literal(&mut out, high);
        rest = after;
    }
    out.push(']');
    Ok((out, &rest[1..]))
}

/// A class within another one.
fn nested(class: &str) -> String {
    format!("[{class}]")
}

/// A character of a class, or a class within it.
fn single(text: &str) -> Result<(Escape, &str), RegexError> {
    if text.starts_with('\\') {
        return escape(text);
    }
    let c = text.chars().next().ok_or_else(|| wrong("missing closing ]", text))?;
    Ok((Escape::Char(c), &text[c.len_utf8()..]))
}

/// `[:alpha:]`, if one comes next.
fn posix(text: &str) -> Result<Option<(&str, &str)>, RegexError> {
    const NAMES: &[&str] = &[
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ];
    let Some(end) = text.strip_prefix("[:").and_then(|inside| inside.find(":]")) else { return Ok(None) };
    let (class, rest) = text.split_at(end + 4);
    let name = class[2..class.len() - 2].trim_start_matches('^');
    if NAMES.contains(&name) { Ok(Some((class, rest))) } else { Err(wrong("invalid character class range", class)) }
}
