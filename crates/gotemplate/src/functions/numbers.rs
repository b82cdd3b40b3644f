//! Numbers: sprig's `numeric.go` over spf13/cast, which makes a number of nearly anything, and 0 of the rest.

use super::arguments::{any, int, text};
use super::decimal::Decimal;
use super::print::printed;
use super::strconv;
use crate::{Fault, Function, Kind, Run, Type, Value};

const A: Type = Type::Any;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("int", &[A], |_, args| Ok(Value::Int(to_int(any(args, 0)?)))),
    Function::new("int64", &[A], |_, args| Ok(Value::Int64(to_int(any(args, 0)?)))),
    Function::new("float64", &[A], |_, args| Ok(to_float(any(args, 0)?).into())),
    Function::new("atoi", &[Type::Str], |_, args| Ok(Value::Int(atoi(text(args, 0)?)))),
    Function::new("toDecimal", &[A], |_, args| Ok(Value::Int64(octal(any(args, 0)?)))),
    Function::new("add1", &[A], |_, args| Ok(Value::Int64(to_int(any(args, 0)?).wrapping_add(1)))),
    Function::variadic("add", &[], A, |_, args| Ok(fold(Some(0), args, i64::wrapping_add))),
    Function::variadic("mul", &[A], A, |_, args| Ok(fold(None, args, i64::wrapping_mul))),
    Function::new("sub", &[A, A], |_, args| Ok(fold(None, args, i64::wrapping_sub))),
    Function::new("div", &[A, A], |_, args| divide(args, i64::wrapping_div)),
    Function::new("mod", &[A, A], |_, args| divide(args, i64::wrapping_rem)),
    Function::variadic("max", &[A], A, |_, args| Ok(fold(None, args, Ord::max))),
    Function::variadic("biggest", &[A], A, |_, args| Ok(fold(None, args, Ord::max))),
    Function::variadic("min", &[A], A, |_, args| Ok(fold(None, args, Ord::min))),
    Function::variadic("maxf", &[A], A, |_, args| Ok(fold_floats(args, maximum))),
    Function::variadic("minf", &[A], A, |_, args| Ok(fold_floats(args, |a, b| -maximum(-a, -b)))),
    Function::new("floor", &[A], |_, args| Ok(to_float(any(args, 0)?).floor().into())),
    Function::new("ceil", &[A], |_, args| Ok(to_float(any(args, 0)?).ceil().into())),
    Function::variadic("round", &[A, Type::Int], Type::Float, round),
    Function::new("add1f", &[A], |_, args| decimals(&[any(args, 0)?.clone(), Value::Int(1)], sum)),
    Function::variadic("addf", &[], A, |_, args| decimals(&[&[Value::Float(0.0)], args].concat(), sum)),
    Function::variadic("subf", &[A], A, |_, args| decimals(args, |a, b| Ok(a.minus(b)))),
    Function::variadic("mulf", &[A], A, |_, args| decimals(args, |a, b| Ok(a.times(b)))),
    Function::variadic("divf", &[A], A, |_, args| {
        decimals(args, |a, b| a.over(b).ok_or("decimal division by 0".into()))
    }),
];

/// The whole number that cast makes of a value (`cast.ToInt64`): texts as literals of Go, so that `010` is eight.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(it) => i64::from(*it),
        Value::Int(it) | Value::Int64(it) => *it,
        Value::Uint8(it) => i64::from(*it),
        Value::Uint64(it) => it.cast_signed(),
        Value::Float(it) => truncated(*it),
        Value::Str(it) => it.as_str().and_then(|it| strconv::parse_int(without_zero_decimals(it), 0)).unwrap_or(0),
        // A month or a day of the week; a duration is none of cast's kinds.
        Value::Object(it) if it.kind() == Kind::Int => it.underlying().map_or(0, |it| to_int(&it)),
        Value::Nil | Value::Complex(..) | Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Object(_) => 0,
    }
}

/// The float that cast makes of a value (`cast.ToFloat64`).
#[allow(clippy::cast_precision_loss, reason = "as Go converts")]
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(it) => *it,
        Value::Uint64(it) => *it as f64,
        Value::Str(it) => it.as_str().and_then(strconv::parse_float).unwrap_or(0.0),
        other => to_int(other) as f64,
    }
}

/// A float without its fraction; what fits no integer is the smallest one, as on Go's usual machines.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// `1.00` as `1`.
fn without_zero_decimals(text: &str) -> &str {
    match text.trim_end_matches('0').strip_suffix('.') {
        Some(whole) if text.ends_with('0') => whole,
        _ => text,
    }
}

/// A text of decimal digits; of a number that is too large, the nearest one (Go: `strconv.Atoi`).
fn atoi(text: &[u8]) -> i64 {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn octal(value: &Value) -> i64 {
    printed(value).as_str().and_then(|it| strconv::parse_int(it, 8)).unwrap_or(0)
}

fn fold(start: Option<i64>, args: &[Value], op: impl Fn(i64, i64) -> i64) -> Value {
    let numbers = start.into_iter().chain(args.iter().map(to_int));
    Value::Int64(numbers.reduce(op).unwrap_or_default())
}

fn fold_floats(args: &[Value], op: impl Fn(f64, f64) -> f64) -> Value {
    args.iter().map(to_float).reduce(op).unwrap_or_default().into()
}

/// The greater one; what is not a number makes the result not one either (Go: `math.Max`).
fn maximum(one: f64, two: f64) -> f64 {
    if one == f64::INFINITY || two == f64::INFINITY {
        f64::INFINITY
    } else if one.is_nan() || two.is_nan() {
        f64::NAN
    } else if one == 0.0 && two == 0.0 {
        if one.is_sign_negative() { two } else { one }
    } else {
        one.max(two)
    }
}

fn divide(args: &[Value], op: impl Fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match to_int(any(args, 1)?) {
        0 => Err("runtime error: integer divide by zero".into()),
        by => Ok(Value::Int64(op(to_int(any(args, 0)?), by))),
    }
}

/// To so many places; up from `.5` on, or from a third argument.
#[allow(clippy::cast_precision_loss, reason = "as Go converts")]
fn round(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let from = if let Some(Value::Float(from)) = args.get(2) { *from } else { 0.5 };
    let power = 10f64.powf(int(args, 1)? as f64);
    let digits = power * to_float(any(args, 0)?);
    let rounded = if digits.fract() >= from { digits.ceil() } else { digits.floor() };
    Ok((rounded / power).into())
}

#[allow(clippy::unnecessary_wraps, reason = "beside a division")]
fn sum(one: &Decimal, two: &Decimal) -> Result<Decimal, Fault> {
    Ok(one.plus(two))
}

/// What an operation makes of all arguments, in exact decimal numbers.
fn decimals(args: &[Value], op: impl Fn(&Decimal, &Decimal) -> Result<Decimal, Fault>) -> Result<Value, Fault> {
    let exact = |value: &Value| {
        let number = to_float(value);
        let refusal = || format!("Cannot create a Decimal from {}", printed(&Value::Float(number)).lossy());
        Decimal::of(number).ok_or_else(|| Fault::new(refusal()))
    };
    let mut numbers = args.iter().map(exact);
    let first = numbers.next().ok_or_else(Fault::signature)??;
    let result = numbers.try_fold(first, |one, two| op(&one, &two?))?;
    Ok(result.to_float().into())
}
