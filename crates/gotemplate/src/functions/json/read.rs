//! JSON as values, with the messages of Go's decoder, which charts print.

use std::borrow::Cow;

use thiserror::Error;

use crate::functions::print::quoted;
use crate::functions::runes::lossy;
use crate::{List, Map, Str, Value};

/// How deep Go's decoder follows nested lists and maps is 10,000; recursion over so many levels fits no thread.
const DEEPEST: usize = 1000;

/// Why a text is no JSON, or not the kind of value that is wanted.
#[derive(Debug, Error)]
pub(super) enum JsonError {
    /// It ends too early.
    #[error("unexpected end of JSON input")]
    End,
    /// A character does not belong where it is.
    #[error("invalid character {} {context}", quote(*.found))]
    Character {
        /// The byte.
        found: u8,
        /// What was read, such as `looking for beginning of value`.
        context: Cow<'static, str>,
    },
    /// It is nested too deeply.
    #[error("exceeded max depth")]
    Depth,
    /// A number does not fit 64 bits.
    #[error("json: cannot unmarshal number {0} into Go value of type float64")]
    Number(String),
    /// It is another kind of value.
    #[error("json: cannot unmarshal {found} into Go value of type {wanted}")]
    Kind {
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
}

/// A byte as Go quotes it in messages: as the character of that number.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        byte => {
            let quoted = quoted(char::from(byte).encode_utf8(&mut [0; 4]).as_bytes()).lossy().into_owned();
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// The value that a text says; and where a number in it does not fit, nil in its place, and what Go says of it.
pub(super) fn read(text: &[u8]) -> Result<(Value, Option<JsonError>), JsonError> {
    let mut reader = Reader { text, at: 0, depth: 0, misfit: None };
    let value = reader.value("looking for beginning of value")?;
    reader.space();
    match reader.peek() {
        None => Ok((value, reader.misfit)),
        Some(_) => Err(reader.stray("after top-level value")),
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// The first number that does not fit.
    misfit: Option<JsonError>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error at the next byte. Go ends a text with a blank, which does not belong within a word or a number.
    fn stray(&self, context: impl Into<Cow<'static, str>>) -> JsonError {
        let context = context.into();
        let within =
            context.starts_with("in ") && context != "in string literal" || context.starts_with("after decimal");
        match self.peek().or(within.then_some(b' ')) {
            Some(found) => JsonError::Character { found, context },
            None => JsonError::End,
        }
    }

    fn value(&mut self, context: &'static str) -> Result<Value, JsonError> {
        self.space();
        match self.peek() {
            Some(b'{') => self.nested(Self::map),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            _ => Err(self.stray(context)),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Value, JsonError>) -> Result<Value, JsonError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(JsonError::Depth);
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.space();
        if self.taken(b']') {
            return Ok(List::new(items).into());
        }
        loop {
            items.push(self.value("looking for beginning of value")?);
            self.space();
            if self.taken(b']') {
                return Ok(List::new(items).into());
            }
            if !self.taken(b',') {
                return Err(self.stray("after array element"));
            }
        }
    }

    fn map(&mut self) -> Result<Value, JsonError> {
        let map = Map::new();
        self.space();
        if self.taken(b'}') {
            return Ok(map.into());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.stray("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.space();
            if !self.taken(b':') {
                return Err(self.stray("after object key"));
            }
            // A new map takes every key.
            let _ = map.set(key, self.value("looking for beginning of value")?);
            self.space();
            if self.taken(b'}') {
                return Ok(map.into());
            }
            if !self.taken(b',') {
                return Err(self.stray("after object key:value pair"));
            }
        }
    }

    fn taken(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, JsonError> {
        for (at, expected) in word.bytes().enumerate() {
            if !self.taken(expected) {
                let c = char::from(word.as_bytes()[at]);
                return Err(self.stray(format!("in literal {word} (expecting '{c}')")));
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.taken(b'-');
        if !self.taken(b'0') {
            self.digits("in numeric literal")?;
        }
        if self.taken(b'.') {
            self.digits("after decimal point in numeric literal")?;
        }
        if self.taken(b'e') || self.taken(b'E') {
            let _ = self.taken(b'+') || self.taken(b'-');
            self.digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                self.misfit.get_or_insert(JsonError::Number(text.into_owned()));
                Ok(Value::Nil)
            }
        }
    }

    fn digits(&mut self, context: &'static str) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.stray(context)) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Str, JsonError> {
        self.at += 1;
        let mut out = String::new();
        let mut start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    out.push_str(&lossy(&self.text[start..self.at]));
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    out.push_str(&lossy(&self.text[start..self.at]));
                    self.at += 1;
                    out.push(self.escape()?);
                    start = self.at;
                }
                None | Some(..b' ') => return Err(self.stray("in string literal")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.stray("in string escape code")),
        };
        self.at += 1;
        Ok(c)
    }

    /// The character of `\uXXXX`, or of two of them; half a pair is U+FFFD.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hexadecimal()?;
        if !(0xd800..0xdc00).contains(&first) || !self.text[self.at..].starts_with(b"\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        self.at += 2;
        let second = self.hexadecimal()?;
        if (0xdc00..0xe000).contains(&second) {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.stray("in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }
}
