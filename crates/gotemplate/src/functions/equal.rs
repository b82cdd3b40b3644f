//! Equality of whole values: Go's `reflect.DeepEqual`.

use crate::{DEEPEST, List, Map, Value};

/// Whether two values are of one type and the same all through. What is nested too deeply is not.
pub(super) fn equal(one: &Value, two: &Value) -> bool {
    within(one, two, DEEPEST)
}

#[allow(clippy::float_cmp, reason = "as Go compares")]
fn within(one: &Value, two: &Value, depth: usize) -> bool {
    match (one, two) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Int(one), Value::Int(two)) | (Value::Int64(one), Value::Int64(two)) => one == two,
        (Value::Uint8(one), Value::Uint8(two)) => one == two,
        (Value::Uint64(one), Value::Uint64(two)) => one == two,
        (Value::Float(one), Value::Float(two)) => one == two,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Str(one), Value::Str(two)) | (Value::Bytes(one), Value::Bytes(two)) => one == two,
        (Value::List(one), Value::List(two)) => lists(one, two, depth),
        (Value::Map(one), Value::Map(two)) => maps(one, two, depth),
        (Value::Object(one), Value::Object(two)) => one.same(&**two),
        _ => false,
    }
}

fn lists(one: &List, two: &List, depth: usize) -> bool {
    let alike = one.of() == two.of() && one.is_nil() == two.is_nil() && one.len() == two.len();
    let same = || one.iter().zip(two.iter()).all(|(one, two)| within(one, two, depth - 1));
    alike && (one.is(two) || depth > 0 && same())
}

fn maps(one: &Map, two: &Map, depth: usize) -> bool {
    let alike = one.of() == two.of()
        && one.type_name() == two.type_name()
        && one.is_nil() == two.is_nil()
        && one.len() == two.len();
    let same = || {
        let ones = one.entries();
        let twos = two.entries();
        ones.iter().zip(twos.iter()).all(|(one, two)| one.0 == two.0 && within(one.1, two.1, depth - 1))
    };
    alike && (one.is(two) || depth > 0 && same())
}
