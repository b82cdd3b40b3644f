//! Values as TOML: of each table first what it holds itself, then the tables within.

use std::fmt::Write;

use crate::functions::convert::plain;
use crate::functions::dates::Time;
use crate::functions::runes::lossy;
use crate::{DEEPEST, Map, Str, Value, downcast, format};

const NIL_ITEM: &str = "toml: cannot encode array with nil element";
const NO_KEY: &str = "toml: top-level values must be Go maps or structs";
const TOO_DEEP: &str = "toml: nested too deeply";

/// The TOML of a value.
pub(super) fn write(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new() };
    writer.entry(&mut Vec::new(), value)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
}

impl Writer {
    /// A value under its keys.
    fn entry(&mut self, keys: &mut Vec<Str>, value: &Value) -> Result<(), String> {
        if keys.len() > DEEPEST {
            return Err(TOO_DEEP.to_owned());
        }
        match value {
            Value::Nil => Ok(()),
            Value::Map(map) if map.is_nil() => Ok(()),
            Value::Map(map) => self.table(keys, map),
            Value::List(_) if is_tables(value)? => self.tables(keys, value),
            Value::Complex(..) if keys.is_empty() => Err(format!("unsupported type for key '': {}", value.type_name())),
            value => {
                if let Some(key) = keys.last() {
                    let key = quoted_key(key);
                    self.indent(keys);
                    let _ = write!(self.out, "{key} = ");
                }
                self.value(value, DEEPEST)?;
                if !keys.is_empty() {
                    self.line();
                }
                Ok(())
            }
        }
    }

    fn table(&mut self, keys: &mut Vec<Str>, map: &Map) -> Result<(), String> {
        if keys.len() == 1 {
            self.line();
        }
        if !keys.is_empty() {
            self.indent(keys);
            let _ = write!(self.out, "[{}]", path(keys));
            self.line();
        }
        self.map(keys, map)
    }

    fn tables(&mut self, keys: &mut Vec<Str>, list: &Value) -> Result<(), String> {
        if keys.is_empty() {
            return Err(NO_KEY.to_owned());
        }
        let Value::List(items) = list else { return Ok(()) };
        for item in items.iter() {
            let Value::Map(map) = item else { continue };
            self.line();
            self.indent(keys);
            let _ = write!(self.out, "[[{}]]", path(keys));
            self.line();
            self.map(keys, map)?;
        }
        Ok(())
    }

    fn map(&mut self, keys: &mut Vec<Str>, map: &Map) -> Result<(), String> {
        for (key, value) in in_order(map)? {
            keys.push(key);
            self.entry(keys, &value)?;
            keys.pop();
        }
        Ok(())
    }

    /// A value on one line.
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
        match value {
            Value::Nil => return Err(NIL_ITEM.to_owned()),
            Value::Bool(_) | Value::Int(_) | Value::Int64(_) | Value::Uint8(_) | Value::Uint64(_) => {
                self.out.push_str(&format::display(value).lossy());
            }
            Value::Float(number) => self.out.push_str(&float(*number)),
            Value::Complex(..) => return Err(format!("unsupported type: {}", value.type_name())),
            Value::Str(text) => self.out.push_str(&quoted(text)),
            Value::Bytes(bytes) => {
                let items: Vec<String> = bytes.iter().map(u8::to_string).collect();
                let _ = write!(self.out, "[{}]", items.join(", "));
            }
            Value::List(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.value(item, depth)?;
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                self.out.push('{');
                for (at, (key, item)) in in_order(map)?.into_iter().enumerate() {
                    let _ = write!(self.out, "{}{} = ", if at > 0 { ", " } else { "" }, quoted_key(&key));
                    self.value(&item, depth)?;
                }
                self.out.push('}');
            }
            Value::Object(object) => match (downcast::<Time>(value), object.text()) {
                (Some(time), _) => self.out.push_str(&time.rfc3339()),
                (None, Some(text)) => self.out.push_str(&quoted(&text)),
                (None, None) => self.value(&plain(value, &**object), depth)?,
            },
        }
        Ok(())
    }

    /// Ends a line, unless nothing was written.
    fn line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, keys: &[Str]) {
        self.out.extend(std::iter::repeat_n("  ", keys.len().saturating_sub(1)));
    }
}

/// The entries that are not nil: tables and lists of tables behind all others.
fn in_order(map: &Map) -> Result<Vec<(Str, Value)>, String> {
    let mut own = Vec::new();
    let mut tables = Vec::new();
    for (key, value) in map.entries().iter() {
        let table = matches!(value, Value::Map(_)) || is_tables(value)?;
        match value {
            Value::Nil => {}
            value if value.is_nil() => {}
            value if table => tables.push((key.clone(), value.clone())),
            value => own.push((key.clone(), value.clone())),
        }
    }
    own.append(&mut tables);
    Ok(own)
}

/// Whether a value is a list of tables alone; a list with nil in it is refused.
fn is_tables(value: &Value) -> Result<bool, String> {
    let Value::List(items) = value else { return Ok(false) };
    if items.iter().any(Value::is_nil) {
        return Err(NIL_ITEM.to_owned());
    }
    Ok(!items.is_empty() && items.iter().all(|item| matches!(item, Value::Map(_))))
}

fn path(keys: &[Str]) -> String {
    keys.iter().map(|key| quoted_key(key)).collect::<Vec<_>>().join(".")
}

fn quoted_key(key: &[u8]) -> String {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.iter().all(bare) { lossy(key) } else { quoted(key) }
}

fn quoted(text: &[u8]) -> String {
    let mut out = "\"".to_owned();
    for c in lossy(text).chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}

fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let text = format::shortest(number);
    if text.contains(['e', '.']) { text } else { text + ".0" }
}
