//! Texts: sprig's `strings.go`.

use super::arguments::{any, int, length, text};
use super::print::{printed, quoted, text_of};
use super::runes::{map, to_lower, to_upper};
use super::{words, wrap};
use crate::{Fault, Function, List, Map, Run, Str, Type, Value};

const S: Type = Type::Str;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("trim", &[S], |_, args| Ok(Str::from(trimmed(text(args, 0)?)).into())),
    Function::new("upper", &[S], |_, args| Ok(cased(text(args, 0)?, <[u8]>::to_ascii_uppercase, to_upper))),
    Function::new("lower", &[S], |_, args| Ok(cased(text(args, 0)?, <[u8]>::to_ascii_lowercase, to_lower))),
    Function::new("title", &[S], |_, args| Ok(words::title(text(args, 0)?).into())),
    Function::new("untitle", &[S], |_, args| Ok(words::untitle(text(args, 0)?).into())),
    Function::new("swapcase", &[S], |_, args| Ok(words::swap(text(args, 0)?).into())),
    Function::new("snakecase", &[S], |_, args| Ok(words::separated(text(args, 0)?, '_').into())),
    Function::new("kebabcase", &[S], |_, args| Ok(words::separated(text(args, 0)?, '-').into())),
    Function::new("camelcase", &[S], |_, args| Ok(words::pascal(text(args, 0)?).into())),
    Function::new("initials", &[S], |_, args| Ok(words::initials(text(args, 0)?).into())),
    Function::new("nospace", &[S], |_, args| Ok(words::without_space(text(args, 0)?).into())),
    Function::new("trunc", &[Type::Int, S], |_, args| Ok(trunc(int(args, 0)?, text(args, 1)?).into())),
    Function::new("substr", &[Type::Int, Type::Int, S], substr),
    Function::new("repeat", &[Type::Int, S], repeat),
    Function::new("trimAll", &[S, S], trim_all),
    Function::new("trimall", &[S, S], trim_all),
    Function::new("trimPrefix", &[S, S], |_, args| {
        let whole = text(args, 1)?;
        Ok(whole.strip_prefix(text(args, 0)?.as_bytes()).map_or_else(|| whole.clone(), Str::from).into())
    }),
    Function::new("trimSuffix", &[S, S], |_, args| {
        let whole = text(args, 1)?;
        Ok(whole.strip_suffix(text(args, 0)?.as_bytes()).map_or_else(|| whole.clone(), Str::from).into())
    }),
    Function::new("hasPrefix", &[S, S], |_, args| Ok(text(args, 1)?.starts_with(text(args, 0)?).into())),
    Function::new("hasSuffix", &[S, S], |_, args| Ok(text(args, 1)?.ends_with(text(args, 0)?).into())),
    Function::new("contains", &[S, S], |_, args| Ok(find(text(args, 1)?, text(args, 0)?).is_some().into())),
    Function::new("replace", &[S, S, S], |_, args| {
        let old = text(args, 0)?;
        let new = text(args, 1)?;
        let whole = text(args, 2)?;
        Ok(replace(whole, old, new).into())
    }),
    Function::new("indent", &[Type::Int, S], |_, args| Ok(indent(b"", int(args, 0)?, text(args, 1)?)?.into())),
    Function::new("nindent", &[Type::Int, S], |_, args| Ok(indent(b"\n", int(args, 0)?, text(args, 1)?)?.into())),
    Function::variadic("quote", &[], Type::Any, |_, args| Ok(each(args, |it| quoted(&text_of(it)).to_vec()).into())),
    Function::variadic("squote", &[], Type::Any, |_, args| {
        Ok(each(args, |it| [b"'", &*printed(it), b"'"].concat()).into())
    }),
    Function::variadic("cat", &[], Type::Any, |_, args| Ok(each(args, |it| printed(it).to_vec()).into())),
    Function::new("plural", &[S, S, Type::Int], |_, args| Ok(any(args, usize::from(int(args, 2)? != 1))?.clone())),
    Function::new("toString", &[Type::Any], |_, args| Ok(text_of(any(args, 0)?).into())),
    Function::new("toStrings", &[Type::Any], |_, args| Ok(List::strings(texts(any(args, 0)?)).into())),
    Function::new("join", &[S, Type::Any], |_, args| Ok(texts(any(args, 1)?).join(&text(args, 0)?[..]).into())),
    Function::new("splitList", &[S, S], |_, args| Ok(List::strings(split(text(args, 1)?, text(args, 0)?, -1)).into())),
    Function::new("split", &[S, S], |_, args| Ok(numbered(split(text(args, 1)?, text(args, 0)?, -1)))),
    Function::new("splitn", &[S, Type::Int, S], |_, args| {
        Ok(numbered(split(text(args, 2)?, text(args, 0)?, int(args, 1)?)))
    }),
    Function::new("abbrev", &[Type::Int, S], |_, args| Ok(wrap::abbreviated(text(args, 1)?, 0, int(args, 0)?).into())),
    Function::new("abbrevboth", &[Type::Int, Type::Int, S], |_, args| {
        Ok(wrap::abbreviated(text(args, 2)?, int(args, 0)?, int(args, 1)?).into())
    }),
    Function::new("wrap", &[Type::Int, S], |_, args| {
        Ok(wrap::wrapped(text(args, 1)?, int(args, 0)?, b"", false).into())
    }),
    Function::new("wrapWith", &[Type::Int, S, S], |_, args| {
        Ok(wrap::wrapped(text(args, 2)?, int(args, 0)?, text(args, 1)?, true).into())
    }),
];

/// The text without white space around it (Go: `strings.TrimSpace`).
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => text.trim_ascii(),
    }
}

fn cased(text: &Str, ascii: fn(&[u8]) -> Vec<u8>, other: fn(char) -> char) -> Value {
    if text.is_ascii() { ascii(text).into() } else { map(text, other).into() }
}

/// The first so many bytes, or the last where the number is negative.
fn trunc(count: i64, text: &Str) -> Str {
    let size = length(text.len());
    let cut = |at: i64| usize::try_from(at).unwrap_or_default();
    match count {
        ..0 if size + count > 0 => text[cut(size + count)..].into(),
        0.. if size > count => text[..cut(count)].into(),
        _ => text.clone(),
    }
}

fn substr(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let start = int(args, 0)?;
    let end = int(args, 1)?;
    let text = text(args, 2)?;
    let size = length(text.len());
    let (from, to) = match (start, end) {
        (..0, end) => (0, end),
        (start, end) if end < 0 || end > size => (start, size),
        both => both,
    };
    let range = usize::try_from(from).and_then(|from| Ok(from..usize::try_from(to)?));
    let part = range.ok().and_then(|range| text.get(range));
    part.map(|part| Str::from(part).into()).ok_or_else(|| out_of_range(from, to, size).into())
}

/// What Go says of a slice that is none.
fn out_of_range(from: i64, to: i64, size: i64) -> String {
    if to < 0 {
        format!("runtime error: slice bounds out of range [:{to}]")
    } else if to > size {
        format!("runtime error: slice bounds out of range [:{to}] with length {size}")
    } else {
        format!("runtime error: slice bounds out of range [{from}:{to}]")
    }
}

fn repeat(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let count = int(args, 0)?;
    let text = text(args, 1)?;
    let count = usize::try_from(count).map_err(|_| Fault::new("strings: negative Repeat count"))?;
    run.room(text.len().saturating_mul(count))?;
    Ok(text.repeat(count).into())
}

/// The text without characters of a set around it (Go: `strings.Trim`).
fn trim_all(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let set = text(args, 0)?;
    let text = text(args, 1)?;
    let set: Vec<char> = super::runes::runes(set).collect();
    let outside: usize = super::runes::spans(text).take_while(|(c, _)| set.contains(c)).map(|(_, size)| size).sum();
    let rest = &text[outside..];
    let behind = super::runes::spans(rest).collect::<Vec<_>>();
    let cut: usize = behind.iter().rev().take_while(|(c, _)| set.contains(c)).map(|(_, size)| size).sum();
    Ok(Str::from(&rest[..rest.len() - cut]).into())
}

/// Where a text is in another one.
pub(super) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    match (std::str::from_utf8(text), std::str::from_utf8(what)) {
        (Ok(text), Ok(what)) => text.find(what),
        _ if what.is_empty() => Some(0),
        _ => text.windows(what.len()).position(|window| window == what),
    }
}

/// The text with all of `old` replaced; an empty `old` is there before each character and at the end.
pub(super) fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    if old.is_empty() {
        let mut out = new.to_vec();
        let mut at = 0;
        for (_, size) in super::runes::spans(text) {
            out.extend_from_slice(&text[at..at + size]);
            out.extend_from_slice(new);
            at += size;
        }
        return out;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// The text with so many spaces at the head of each line.
fn indent(before: &[u8], spaces: i64, text: &[u8]) -> Result<Vec<u8>, Fault> {
    let spaces = usize::try_from(spaces).map_err(|_| Fault::new("strings: negative Repeat count"))?;
    let pad = " ".repeat(spaces);
    let mut out = Vec::with_capacity(before.len() + text.len() + text.len() / 16 + pad.len());
    out.extend_from_slice(before);
    out.extend_from_slice(pad.as_bytes());
    for part in text.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(part);
        if part.ends_with(b"\n") {
            out.extend_from_slice(pad.as_bytes());
        }
    }
    Ok(out)
}

/// What is made of each argument that is not nil, with spaces between.
fn each(args: &[Value], make: impl Fn(&Value) -> Vec<u8>) -> Vec<u8> {
    let present = args.iter().filter(|it| !matches!(it, Value::Nil));
    present.map(make).collect::<Vec<_>>().join(&b' ')
}

/// The items of a list as texts, without those that are nil; of anything else its own text.
pub(super) fn texts(value: &Value) -> Vec<Str> {
    match value.underlying() {
        Value::Nil => Vec::new(),
        Value::List(items) => items.iter().filter(|it| !matches!(it, Value::Nil)).map(text_of).collect(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| byte.to_string().into()).collect(),
        _ => vec![text_of(value)],
    }
}

/// The parts of a text between separators, at most so many; all of them where the number is negative.
fn split(text: &[u8], separator: &[u8], most: i64) -> Vec<Str> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 {
        return Vec::new();
    }
    if separator.is_empty() {
        return characters(text, most);
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < most
        && let Some(at) = find(rest, separator)
    {
        parts.push(rest[..at].into());
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest.into());
    parts
}

/// The characters of a text, the last of `most` with all that is left.
fn characters(text: &[u8], most: usize) -> Vec<Str> {
    let mut parts = Vec::new();
    let mut at = 0;
    for (_, size) in super::runes::spans(text) {
        if parts.len() + 1 == most {
            break;
        }
        parts.push(text[at..at + size].into());
        at += size;
    }
    if at < text.len() {
        parts.push(text[at..].into());
    }
    parts
}

/// `{_0: first, _1: second}`.
fn numbered(parts: Vec<Str>) -> Value {
    let entries = parts.into_iter().enumerate().map(|(at, part)| (Str::from(format!("_{at}")), Value::Str(part)));
    Map::typed_of(Type::Str, entries).into()
}
