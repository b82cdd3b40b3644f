//! Parts of lists, maps and strings.

use crate::call::Fault;
use crate::list::List;
use crate::run::Run;
use crate::text::Str;
use crate::value::Value;

/// `index x 1 "a"` is `x[1]["a"]`.
pub(super) fn index(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [item, indexes @ ..] = args else { return Err(Fault::signature()) };
    if matches!(item, Value::Nil) {
        return Err(Fault::new("index of untyped nil"));
    }
    indexes.iter().try_fold(item.clone(), |item, index| at(&item, index))
}

fn at(item: &Value, index: &Value) -> Result<Value, Fault> {
    match item.underlying() {
        Value::Nil => Err(Fault::new("index of nil pointer")),
        Value::Str(text) | Value::Bytes(text) => {
            let at = position(index, text.len())?;
            text.get(at).map(|byte| Value::Uint8(*byte)).ok_or_else(|| out_of_range(at))
        }
        Value::List(list) => {
            let at = position(index, list.len())?;
            list.items().get(at).cloned().ok_or_else(|| out_of_range(at))
        }
        Value::Map(map) => match index {
            Value::Str(key) => Ok(map.get(key).unwrap_or_else(|| Value::zero(map.of()))),
            Value::Nil => Err(Fault::new("value is nil; should be of type string")),
            other => Err(Fault::new(format!("value has type {}; should be string", other.type_name()))),
        },
        _ => Err(Fault::new(format!("can't index item of type {}", item.type_name()))),
    }
}

fn out_of_range(at: usize) -> Fault {
    Fault::new(format!("index out of range: {at}"))
}

fn position(index: &Value, most: usize) -> Result<usize, Fault> {
    let at = match index.underlying() {
        Value::Int(it) | Value::Int64(it) => i128::from(it),
        Value::Uint8(it) => i128::from(it),
        Value::Uint64(it) => i128::from(it),
        Value::Nil => return Err(Fault::new("cannot index slice/array with nil")),
        other => return Err(Fault::new(format!("cannot index slice/array with type {}", other.type_name()))),
    };
    let fits = usize::try_from(at).ok().filter(|at| *at <= most);
    fits.ok_or_else(|| Fault::new(format!("index out of range: {at}")))
}

/// `slice x 1 2` is `x[1:2]`.
pub(super) fn slice(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [item, indexes @ ..] = args else { return Err(Fault::signature()) };
    let below = item.underlying();
    let length = match &below {
        Value::Nil => return Err(Fault::new("slice of untyped nil")),
        _ if indexes.len() > 3 => return Err(Fault::new(format!("too many slice indexes: {}", indexes.len()))),
        Value::Str(_) if indexes.len() == 3 => return Err(Fault::new("cannot 3-index slice a string")),
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        _ => return Err(Fault::new(format!("can't slice item of type {}", item.type_name()))),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [from, to, most] = bounds;
    if from > to {
        return Err(Fault::new(format!("invalid slice index: {from} > {to}")));
    }
    if to > most {
        return Err(Fault::new(format!("invalid slice index: {to} > {most}")));
    }
    Ok(match below {
        Value::Str(text) => Value::Str(Str::from(&text[from..to])),
        Value::Bytes(bytes) => Value::Bytes(Str::from(&bytes[from..to])),
        Value::List(list) => List::typed(list.of(), list.items()[from..to].to_vec()).into(),
        other => other,
    })
}

/// `len`: bytes, items or entries.
pub(super) fn len(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [item] = args else { return Err(Fault::signature()) };
    let length = match item.underlying() {
        Value::Nil => return Err(Fault::new("len of nil pointer")),
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return Err(Fault::new(format!("len of type {}", item.type_name()))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}
