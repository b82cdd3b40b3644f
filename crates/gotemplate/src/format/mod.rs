//! Printing as Go's `fmt` does: verbs, flags, and the values of all kinds.

mod float;
mod integer;
mod printf;
mod quote;
mod value;

pub use self::float::shortest;
pub use self::quote::{is_print, quoted};
use self::value::Printer;
use super::text::Str;
use super::types::Kind;
use super::value::Value;

/// Printing ends about here, however much there is, since values can hold each other without end. It is above the limit
/// of a run, which so finds out.
const LONGEST: usize = super::run::LONGEST + 1;

/// `fmt.Sprint(value)`, which is also `%v`; nil is `<nil>`.
pub fn display(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        value => {
            let mut out = Vec::new();
            write_display(value, &mut out);
            out.into()
        }
    }
}

/// Writes what [`display`] gives.
pub fn write_display(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Str(text) => out.extend_from_slice(text),
        Value::Bool(it) => out.extend_from_slice(if *it { b"true" } else { b"false" }),
        Value::Float(it) => out.extend_from_slice(shortest(*it).as_bytes()),
        value => Printer::new(out, LONGEST).argument(value, 'v'),
    }
}

/// Writes a value as an action does: a pointer without a text of its own is what it points to. It ends soon after the
/// output is longer than `limit`.
pub(super) fn write_output(value: &Value, out: &mut Vec<u8>, limit: usize) {
    let start = out.len();
    match value {
        Value::List(_) | Value::Map(_) | Value::Object(_) => Printer::new(out, limit).argument(value, 'v'),
        value => write_display(value, out),
    }
    if matches!(value, Value::Object(object) if object.kind() == Kind::Pointer && object.text().is_none()) {
        out.drain(start..start + usize::from(out.get(start) == Some(&b'&')));
    }
}

/// `fmt.Sprint`: a blank between two values where neither is a string.
pub fn sprint(values: &[Value]) -> Str {
    let mut out = Vec::new();
    let is_string = |value: &Value| matches!(value, Value::Str(_));
    for (at, value) in values.iter().enumerate() {
        if at > 0 && !is_string(value) && !is_string(&values[at - 1]) {
            out.push(b' ');
        }
        write_display(value, &mut out);
    }
    out.into()
}

/// `fmt.Sprintln`: blanks between all values, and the end of a line.
pub fn sprintln(values: &[Value]) -> Str {
    let mut out = Vec::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        write_display(value, &mut out);
    }
    out.push(b'\n');
    out.into()
}

/// `fmt.Sprintf`, with Go's texts for what does not fit, such as `%!d(string=x)`.
pub fn sprintf(format: &[u8], values: &[Value]) -> Str {
    sprintf_within(format, values, LONGEST)
}

/// As [`sprintf`]; it ends soon after the text is longer than `limit`.
pub(super) fn sprintf_within(format: &[u8], values: &[Value], limit: usize) -> Str {
    let mut out = Vec::with_capacity(format.len() + 16 * values.len());
    printf::write(format, values, &mut Printer::new(&mut out, limit));
    out.into()
}
