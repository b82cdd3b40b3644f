//! Printing as Go's `fmt` does.

use super::text::Str;
use super::value::Value;

/// `fmt.Sprint(value)`, which is also `%v`; nil is `<nil>`.
pub fn display(_value: &Value) -> Str {
    Str::default()
}

/// `fmt.Sprint`: a blank between two values where neither is a string.
pub fn sprint(_values: &[Value]) -> Str {
    Str::default()
}

/// `fmt.Sprintf`.
pub fn sprintf(_format: &[u8], _values: &[Value]) -> Str {
    Str::default()
}
