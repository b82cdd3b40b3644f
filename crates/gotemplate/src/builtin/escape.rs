//! Texts for HTML, JavaScript and queries.

use crate::call::Fault;
use crate::format;
use crate::run::Run;
use crate::text::Str;
use crate::value::Value;

/// The arguments as one text; nil is `<no value>` as in output.
fn text(args: &[Value]) -> Str {
    match args {
        [Value::Str(text)] => text.clone(),
        args => {
            let shown = |arg: &Value| if matches!(arg, Value::Nil) { "<no value>".into() } else { arg.clone() };
            format::sprint(&args.iter().map(shown).collect::<Vec<_>>())
        }
    }
}

/// `html`, with Go's choice of entities.
pub(super) fn html(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut out = Vec::new();
    for byte in text(args).iter() {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    Ok(out.into())
}

/// `js`: for a string of JavaScript.
pub(super) fn js(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut out = Vec::new();
    for chunk in text(args).utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' | '"' => out.extend_from_slice(format!("\\{c}").as_bytes()),
                '<' | '>' | '&' | '=' | '\0'..' ' => {
                    out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
                }
                c if c.is_ascii() || format::is_print(c) => {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                c => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
            }
        }
        // Go takes a wrong byte for U+FFFD, which prints, and so copies it.
        out.extend_from_slice(chunk.invalid());
    }
    Ok(out.into())
}

/// `urlquery`: for a value in a query.
pub(super) fn urlquery(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut out = Vec::new();
    for byte in text(args).iter() {
        match byte {
            b' ' => out.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) => out.push(*byte),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Ok(out.into())
}
