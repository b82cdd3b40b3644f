//! Values as texts.

use crate::{Str, Value, format};

/// What sprig's `strval` makes of a value: a text as it is, of all else what `%v` prints.
pub(super) fn text_of(value: &Value) -> Str {
    match value {
        Value::Str(text) | Value::Bytes(text) => text.clone(),
        other => format::display(other),
    }
}

/// What `%v` prints.
pub(super) fn printed(value: &Value) -> Str {
    format::display(value)
}

/// A text in Go's double quotes.
pub(super) fn quoted(text: &[u8]) -> Str {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.iter().all(plain) {
        return [b"\"", text, b"\""].concat().into();
    }
    format::quoted(text)
}
