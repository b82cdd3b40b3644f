//! The arguments of a call, by position: the engine has held them against the signature before.

use crate::{Fault, List, Map, Run, Str, Value};

/// The text at a position.
pub(super) fn text(args: &[Value], at: usize) -> Result<&Str, Fault> {
    match args.get(at) {
        Some(Value::Str(it)) => Ok(it),
        _ => Err(Fault::signature()),
    }
}

/// The `int` at a position.
pub(super) fn int(args: &[Value], at: usize) -> Result<i64, Fault> {
    match args.get(at) {
        Some(Value::Int(it)) => Ok(*it),
        _ => Err(Fault::signature()),
    }
}

/// The truth value at a position.
pub(super) fn bool(args: &[Value], at: usize) -> Result<bool, Fault> {
    match args.get(at) {
        Some(Value::Bool(it)) => Ok(*it),
        _ => Err(Fault::signature()),
    }
}

/// The map at a position.
pub(super) fn map(args: &[Value], at: usize) -> Result<Map, Fault> {
    match args.get(at).map(Value::underlying) {
        Some(Value::Map(it)) => Ok(it),
        _ => Err(Fault::signature()),
    }
}

/// The list at a position, whose parameter is of a list type.
pub(super) fn list(args: &[Value], at: usize) -> Result<List, Fault> {
    match args.get(at).map(Value::underlying) {
        Some(Value::List(it)) => Ok(it),
        _ => Err(Fault::signature()),
    }
}

/// Whatever stands at a position.
pub(super) fn any(args: &[Value], at: usize) -> Result<&Value, Fault> {
    args.get(at).ok_or_else(Fault::signature)
}

/// A length or a count, which no list or text exceeds.
pub(super) fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Counts the steps of a function that makes more than it was given.
pub(super) fn spend(run: &mut Run<'_>, steps: usize) -> Result<(), Fault> {
    run.spend(u64::try_from(steps).unwrap_or(u64::MAX))
}
