//! Choosing between values, and refusing them.

use minijinja::value::{Rest, ValueKind};
use minijinja::{Error, Value as Dynamic};

use crate::convert::invalid;
use crate::error::ByAuthor;

/// `x | default(y)`: `y` where `x` is undefined or null; where it is also false, 0 or empty with `default(y, true)`.
pub fn default(value: &Dynamic, other: Option<Dynamic>, empty: Option<bool>) -> Dynamic {
    let missing = is_missing(value) || (empty == Some(true) && !value.is_true());
    if missing { other.unwrap_or_else(|| "".into()) } else { value.clone() }
}

/// `coalesce(a, b, ...)`: the first that is there and is not empty; null where none is.
pub fn coalesce(values: Rest<Dynamic>) -> Dynamic {
    values.0.into_iter().find(|value| !is_missing(value) && !is_empty(value)).unwrap_or_else(|| ().into())
}

/// `condition | ternary(yes, no)`.
pub fn ternary(condition: &Dynamic, yes: Dynamic, no: Dynamic) -> Dynamic {
    if condition.is_true() { yes } else { no }
}

/// `x | required("message")`: `x`, or an error with the message where it is undefined, null or an empty text.
pub fn required(value: &Dynamic, message: Option<String>) -> Result<Dynamic, Error> {
    if !is_missing(value) && value.as_str() != Some("") {
        return Ok(value.clone());
    }
    Err(refuse(message.unwrap_or_else(|| "a required value is missing".to_owned())))
}

/// `fail("message")`: an error.
pub fn fail(message: String) -> Result<Dynamic, Error> {
    Err(refuse(message))
}

fn refuse(message: String) -> Error {
    invalid(message).with_source(ByAuthor)
}

fn is_missing(value: &Dynamic) -> bool {
    value.is_undefined() || value.is_none()
}

/// Numbers and booleans are never empty.
fn is_empty(value: &Dynamic) -> bool {
    !matches!(value.kind(), ValueKind::Bool | ValueKind::Number) && !value.is_true()
}
