//! One step of a path, as fieldsV1 writes it.
//!
//! `f:<name>` is a field, `k:{...}` the item of an associative list by its keys (sorted by name), `v:<json>` a member
//! of a set, `i:<n>` a place in a list. The name after `f:` is raw: it may hold dots, slashes and quotes, or be empty.

use std::fmt::Write as _;

use super::FieldsError;
use weft_base::value::{Data, Key, Map, Step, Value};

/// The text of a step, in the one form in which the server writes it.
pub fn encode(step: &Step) -> String {
    let mut out = String::new();
    match step {
        Step::Field(name) => {
            out.push_str("f:");
            out.push_str(name);
        }
        Step::Item(keys) => {
            let mut sorted: Vec<_> = keys.iter().map(|(key, value)| (key.as_str(), value)).collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            out.push_str("k:");
            write_map(&sorted, false, &mut out);
        }
        Step::Member(value) => {
            out.push_str("v:");
            write_json(value, &mut out);
        }
        Step::Index(at) => write_all(&mut out, format_args!("i:{at}")),
    }
    out
}

/// The step of a text; `None` for a letter that is not known, which readers have to skip.
pub fn decode(text: &str) -> Result<Option<Step>, FieldsError> {
    let odd = |source| FieldsError::Element { element: text.to_owned(), source };
    let shape = || FieldsError::Shape { element: text.to_owned() };
    let json = |text: &str| serde_json::from_str(text).map(as_read).map_err(odd);
    Ok(Some(match text.split_at_checked(2).ok_or_else(shape)? {
        ("f:", name) => Step::Field(name.into()),
        ("v:", value) => Step::Member(json(value)?),
        ("k:", keys) => Step::Item(keys_of(json(keys)?).ok_or_else(shape)?),
        ("i:", at) => Step::Index(at.parse().map_err(|_| shape())?),
        (letter, _) if letter.ends_with(':') => return Ok(None),
        _ => return Err(shape()),
    }))
}

fn keys_of(keys: Value) -> Option<Vec<(Key, Value)>> {
    let Data::Map(map) = keys.data else { return None };
    let mut pairs: Vec<_> = map.into_iter().map(|e| (e.key, e.value)).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Some(pairs)
}

/// The server reads every number here as a float, which loses the last digits of large integers.
#[allow(clippy::cast_precision_loss, reason = "as the server does")]
fn as_read(value: Value) -> Value {
    const EXACT: u64 = 1 << 53;
    let data = match value.data {
        Data::Int(it) if it.unsigned_abs() > EXACT => Data::Float(it as f64),
        Data::Uint(it) => Data::Float(it as f64),
        Data::List(items) => Data::List(items.into_iter().map(as_read).collect()),
        Data::Map(map) => {
            let entries = map.into_iter().map(|mut e| {
                e.value = as_read(e.value);
                e
            });
            Data::Map(entries.collect())
        }
        data => data,
    };
    data.into()
}

/// Compact JSON as Go's libraries write it: sorted keys, `<`, `>` and `&` escaped, floats in Go's form. `1.0` and `1`
/// are the same.
fn write_json(value: &Value, out: &mut String) {
    match &value.data {
        Data::Null => out.push_str("null"),
        Data::Bool(it) => write_all(out, format_args!("{it}")),
        Data::Int(it) => write_all(out, format_args!("{it}")),
        Data::Uint(it) => write_all(out, format_args!("{it}")),
        Data::Float(it) => write_float(*it, out),
        Data::Text(text) => write_text(text, true, out),
        Data::List(items) => write_list(items, out),
        Data::Map(map) => write_map(&sorted(map), true, out),
        Data::Masked(mask) => write_text(&mask.to_string(), true, out),
    }
}

fn write_list(items: &[Value], out: &mut String) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_json(item, out);
    }
    out.push(']');
}

fn sorted(map: &Map) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = map.iter().map(|e| (e.key.as_str(), &e.value)).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

fn write_map(entries: &[(&str, &Value)], escape: bool, out: &mut String) {
    out.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(key, escape, out);
        out.push(':');
        write_json(value, out);
    }
    out.push('}');
}

fn write_text(text: &str, escape: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if escape => write_code(c, out),
            c if c < ' ' => write_code(c, out),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_code(c: char, out: &mut String) {
    write_all(out, format_args!("\\u{:04x}", u32::from(c)));
}

/// The shortest digits that read back as the float; an exponent below 1e-6 and from 1e21 on, of two digits at least.
fn write_float(number: f64, out: &mut String) {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return write_all(out, format_args!("{number}"));
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |it| ('-', it));
    write_all(out, format_args!("{digits}e{sign}{exponent:0>2}"));
}

fn write_all(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_server() {
        for text in [
            r"f:",
            r"f:example.com/a.b",
            r#"k:{"containerPort":80,"protocol":"TCP"}"#,
            r#"k:{"name":"with \"quotes\" and \u003ctags\u003e \u0026\n\u0001\u0008\u000c\u2028"}"#,
            r#"k:{"a<b":1}"#,
            "k:{}",
            r#"v:"kubernetes.io/pvc-protection""#,
            "v:7",
            "v:true",
            "v:null",
            "v:1e+21",
            "v:1e-07",
            "v:1.5e+30",
            "v:0.1",
            "v:-0",
            "v:123456789012345680000",
            r#"v:{"a":"\u003c","b":[1,null]}"#,
            "i:3",
        ] {
            assert_eq!(encode(&decode(text).unwrap().unwrap()), text);
        }
    }

    #[test]
    fn steps_have_one_spelling() {
        for (text, spelled) in [
            (r#"k:{"protocol": "TCP", "containerPort": 80.0}"#, r#"k:{"containerPort":80,"protocol":"TCP"}"#),
            ("v:9007199254740993", "v:9007199254740992"),
            (r#"v:{"b":1,"a":"\/"}"#, r#"v:{"a":"/","b":1}"#),
        ] {
            assert_eq!(encode(&decode(text).unwrap().unwrap()), spelled);
        }
    }

    #[test]
    fn unknown_letters_are_skipped_and_broken_texts_are_errors() {
        assert_eq!(decode("x:1").unwrap(), None);
        for broken in ["", "f", "é", "ff:a", "v:", "v:1 2", "k:{", "k:[]", "k:1", "i:x"] {
            assert!(decode(broken).is_err(), "{broken}");
        }
    }
}
