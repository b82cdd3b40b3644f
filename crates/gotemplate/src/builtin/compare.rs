//! Comparisons: only values of one kind, and whole numbers of any two.

use std::cmp::Ordering;

use crate::call::Fault;
use crate::run::Run;
use crate::value::Value;

pub(super) fn eq(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [first, others @ ..] = args else { return Err(Fault::signature()) };
    if others.is_empty() {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [a, b] = args else { return Err(Fault::signature()) };
    Ok(Value::Bool(!equal(a, b)?))
}

pub(super) fn lt(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [a, b] = args else { return Err(Fault::signature()) };
    Ok(Value::Bool(less(a, b)?))
}

pub(super) fn le(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [a, b] = args else { return Err(Fault::signature()) };
    Ok(Value::Bool(less(a, b)? || equal(a, b)?))
}

pub(super) fn gt(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [a, b] = args else { return Err(Fault::signature()) };
    Ok(Value::Bool(!(less(a, b)? || equal(a, b)?)))
}

pub(super) fn ge(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [a, b] = args else { return Err(Fault::signature()) };
    Ok(Value::Bool(!less(a, b)?))
}

/// What a value is for a comparison.
enum Basic {
    Bool(bool),
    /// Signed or unsigned: both compare.
    Whole(i128),
    Float(f64),
    Complex(f64, f64),
    Text(crate::Str),
}

fn basic(value: &Value) -> Option<Basic> {
    Some(match value.underlying() {
        Value::Bool(it) => Basic::Bool(it),
        Value::Int(it) | Value::Int64(it) => Basic::Whole(it.into()),
        Value::Uint8(it) => Basic::Whole(it.into()),
        Value::Uint64(it) => Basic::Whole(it.into()),
        Value::Float(it) => Basic::Float(it),
        Value::Complex(real, imaginary) => Basic::Complex(real, imaginary),
        Value::Str(it) => Basic::Text(it),
        Value::Nil | Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Object(_) => return None,
    })
}

fn incompatible(a: &Value, b: &Value) -> Fault {
    let a = a.type_name();
    let b = b.type_name();
    Fault::new(format!("incompatible types for comparison: {a} and {b}"))
}

#[expect(clippy::float_cmp, reason = "as Go compares")]
fn equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    match (basic(a), basic(b)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => Ok(a == b),
        (Some(Basic::Whole(a)), Some(Basic::Whole(b))) => Ok(a == b),
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => Ok(a == b),
        (Some(Basic::Complex(a, b)), Some(Basic::Complex(c, d))) => Ok(a == c && b == d),
        (Some(Basic::Text(a)), Some(Basic::Text(b))) => Ok(a == b),
        (None, None) => compound(a, b),
        _ if matches!(a, Value::Nil) || matches!(b, Value::Nil) => Ok(false),
        _ => Err(incompatible(a, b)),
    }
}

/// Lists and maps compare with nil alone, objects as their types say.
fn compound(a: &Value, b: &Value) -> Result<bool, Fault> {
    let either_nil = matches!(a, Value::Nil) || matches!(b, Value::Nil);
    if !either_nil && a.kind() != b.kind() {
        return Err(Fault::new(format!("non-comparable types {}, {}", a.type_name(), b.type_name())));
    }
    if a.is_nil() || b.is_nil() {
        return Ok(a.is_nil() == b.is_nil());
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.underlying().is_none() => Ok(a.same(&**b)),
        _ => Err(Fault::new(format!("non-comparable type {}", b.type_name()))),
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, Fault> {
    let (Some(x), Some(y)) = (basic(a), basic(b)) else {
        return Err(Fault::new("invalid type for comparison"));
    };
    let order = match (x, y) {
        (Basic::Whole(x), Basic::Whole(y)) => Some(x.cmp(&y)),
        (Basic::Float(x), Basic::Float(y)) => x.partial_cmp(&y),
        (Basic::Text(x), Basic::Text(y)) => Some(x.cmp(&y)),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            return Err(Fault::new("invalid type for comparison"));
        }
        _ => return Err(incompatible(a, b)),
    };
    Ok(order == Some(Ordering::Less))
}
