//! Regular expressions: Go's RE2, by the `regex` crate, which reads nearly the same syntax; `syntax` translates.

mod class;
mod syntax;

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, bytes};

use self::syntax::RegexError;
use super::arguments::{int, text};
use crate::{Fault, Function, List, Run, Str, Type, Value};

const S: Type = Type::Str;
const I: Type = Type::Int;

/// How many patterns a thread remembers.
const REMEMBERED: usize = 256;

/// The functions of this module. Those without `must` panic in Go, which templates cannot tell from an error.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", &[S, S], |_, args| Ok(matches(args).unwrap_or_default().into())),
    Function::new("mustRegexMatch", &[S, S], |_, args| Ok(matches(args)?.into())),
    Function::new("regexFind", &[S, S], |_, args| Ok(find(&panicking(args)?, text(args, 1)?))),
    Function::new("mustRegexFind", &[S, S], |_, args| Ok(find(&compiled(args)?, text(args, 1)?))),
    Function::new("regexFindAll", &[S, S, I], |_, args| find_all(&panicking(args)?, args)),
    Function::new("mustRegexFindAll", &[S, S, I], |_, args| find_all(&compiled(args)?, args)),
    Function::new("regexReplaceAll", &[S, S, S], |_, args| replace(&panicking(args)?, args)),
    Function::new("mustRegexReplaceAll", &[S, S, S], |_, args| replace(&compiled(args)?, args)),
    Function::new("regexReplaceAllLiteral", &[S, S, S], |_, args| replace_literal(&panicking(args)?, args)),
    Function::new("mustRegexReplaceAllLiteral", &[S, S, S], |_, args| replace_literal(&compiled(args)?, args)),
    Function::new("regexSplit", &[S, S, I], |_, args| split(&panicking(args)?, args)),
    Function::new("mustRegexSplit", &[S, S, I], |_, args| split(&compiled(args)?, args)),
    Function::new("regexQuoteMeta", &[S], quote_meta),
];

/// A pattern for texts, and for bytes that are none.
#[derive(Clone)]
struct Pattern {
    text: Regex,
    bytes: bytes::Regex,
}

thread_local! {
    static KNOWN: RefCell<HashMap<Str, Pattern>> = RefCell::default();
}

/// The pattern at the head of the arguments.
fn compiled(args: &[Value]) -> Result<Pattern, RegexError> {
    let Ok(source) = text(args, 0) else { return Err(RegexError::Utf8(String::new())) };
    if let Some(known) = KNOWN.with_borrow(|known| known.get(source).cloned()) {
        return Ok(known);
    }
    let pattern = compile(source)?;
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(source.clone(), pattern.clone());
    });
    Ok(pattern)
}

fn compile(source: &[u8]) -> Result<Pattern, RegexError> {
    let Ok(source) = std::str::from_utf8(source) else {
        return Err(RegexError::Utf8(super::runes::lossy(source)));
    };
    let translated = syntax::translate(source)?;
    let too_large = |_| RegexError::Large;
    Ok(Pattern {
        text: Regex::new(&translated).map_err(too_large)?,
        bytes: bytes::Regex::new(&translated).map_err(too_large)?,
    })
}

impl From<RegexError> for Fault {
    fn from(error: RegexError) -> Self {
        Self::new(error.to_string())
    }
}

/// The pattern; what is wrong with it in the words of Go's `MustCompile`.
fn panicking(args: &[Value]) -> Result<Pattern, Fault> {
    compiled(args).map_err(|error| {
        let source = args.first().map(super::print::text_of).unwrap_or_default();
        let shown = if source.contains(&b'`') {
            super::print::quoted(&source).lossy().into_owned()
        } else {
            format!("`{}`", source.lossy())
        };
        Fault::new(format!("regexp: Compile({shown}): {error}"))
    })
}

fn matches(args: &[Value]) -> Result<bool, Fault> {
    let pattern = compiled(args)?;
    let whole = text(args, 1)?;
    Ok(whole.as_str().map_or_else(|| pattern.bytes.is_match(whole), |whole| pattern.text.is_match(whole)))
}

fn find(pattern: &Pattern, whole: &Str) -> Value {
    spans(pattern, whole, 1).first().map_or_else(Str::default, |(start, end)| whole[*start..*end].into()).into()
}

/// Where the pattern matches, at most so often.
fn spans(pattern: &Pattern, whole: &Str, most: usize) -> Vec<(usize, usize)> {
    match whole.as_str() {
        Some(whole) => pattern.text.find_iter(whole).take(most).map(|it| (it.start(), it.end())).collect(),
        None => pattern.bytes.find_iter(whole).take(most).map(|it| (it.start(), it.end())).collect(),
    }
}

fn find_all(pattern: &Pattern, args: &[Value]) -> Result<Value, Fault> {
    let whole = text(args, 1)?;
    let most = usize::try_from(int(args, 2)?).unwrap_or(usize::MAX);
    let found: Vec<Str> =
        spans(pattern, whole, most).into_iter().map(|(start, end)| whole[start..end].into()).collect();
    // Go has no list of nothing.
    Ok(if found.is_empty() { List::nil(Type::Str) } else { List::strings(found) }.into())
}

fn replace(pattern: &Pattern, args: &[Value]) -> Result<Value, Fault> {
    let whole = text(args, 1)?;
    let with = text(args, 2)?;
    Ok(match (whole.as_str(), with.as_str()) {
        (Some(whole), Some(with)) => pattern.text.replace_all(whole, with).into_owned().into(),
        _ => pattern.bytes.replace_all(whole, with.as_bytes()).into_owned().into(),
    })
}

fn replace_literal(pattern: &Pattern, args: &[Value]) -> Result<Value, Fault> {
    let whole = text(args, 1)?;
    let with = text(args, 2)?;
    Ok(match (whole.as_str(), with.as_str()) {
        (Some(whole), Some(with)) => pattern.text.replace_all(whole, regex::NoExpand(with)).into_owned().into(),
        _ => pattern.bytes.replace_all(whole, bytes::NoExpand(with)).into_owned().into(),
    })
}

/// The parts between matches, at most so many.
fn split(pattern: &Pattern, args: &[Value]) -> Result<Value, Fault> {
    let whole = text(args, 1)?;
    let most = int(args, 2)?;
    if most == 0 {
        return Ok(List::nil(Type::Str).into());
    }
    if whole.is_empty() && !text(args, 0)?.is_empty() {
        return Ok(List::strings([""]).into());
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut parts = Vec::<Str>::new();
    let mut begin = 0;
    let mut end = 0;
    for (from, to) in spans(pattern, whole, most) {
        if parts.len() + 1 == most {
            break;
        }
        end = from;
        if to != 0 {
            parts.push(whole[begin..end].into());
        }
        begin = to;
    }
    if end != whole.len() {
        parts.push(whole[begin..].into());
    }
    Ok(List::strings(parts).into())
}

fn quote_meta(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut out = Vec::new();
    for byte in text(args, 0)?.iter() {
        if b"\\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Ok(out.into())
}
