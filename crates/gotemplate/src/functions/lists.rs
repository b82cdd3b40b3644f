//! Lists: sprig's `list.go`. Each function makes a new list and leaves its arguments alone.

use super::arguments::{any, int, length};
use super::equal::equal;
use super::numbers::to_int;
use super::print::text_of;
use super::reflect::empty;
use super::strings::texts;
use crate::{Fault, Function, List, Run, Type, Value};

const A: Type = Type::Any;

/// The functions of this module. The `must` forms say in Go what the others panic with, which templates cannot tell.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("list", &[], A, |_, args| Ok(List::new(args.to_vec()).into())),
    Function::variadic("tuple", &[], A, |_, args| Ok(List::new(args.to_vec()).into())),
    Function::new("append", &[A, A], append),
    Function::new("push", &[A, A], append),
    Function::new("mustAppend", &[A, A], append),
    Function::new("mustPush", &[A, A], append),
    Function::new("prepend", &[A, A], prepend),
    Function::new("mustPrepend", &[A, A], prepend),
    Function::new("first", &[A], first),
    Function::new("mustFirst", &[A], first),
    Function::new("last", &[A], last),
    Function::new("mustLast", &[A], last),
    Function::new("rest", &[A], rest),
    Function::new("mustRest", &[A], rest),
    Function::new("initial", &[A], initial),
    Function::new("mustInitial", &[A], initial),
    Function::new("reverse", &[A], reverse),
    Function::new("mustReverse", &[A], reverse),
    Function::new("compact", &[A], compact),
    Function::new("mustCompact", &[A], compact),
    Function::new("uniq", &[A], uniq),
    Function::new("mustUniq", &[A], uniq),
    Function::variadic("without", &[A], A, without),
    Function::variadic("mustWithout", &[A], A, without),
    Function::new("has", &[A, A], has),
    Function::new("mustHas", &[A, A], has),
    Function::variadic("slice", &[A], A, slice),
    Function::variadic("mustSlice", &[A], A, slice),
    Function::variadic("concat", &[], A, concat),
    Function::new("chunk", &[Type::Int, A], chunk),
    Function::new("mustChunk", &[Type::Int, A], chunk),
    Function::new("sortAlpha", &[A], sort_alpha),
    Function::new("until", &[Type::Int], |run, args| {
        let count = int(args, 0)?;
        Ok(integers(steps(run, 0, count, if count < 0 { -1 } else { 1 })?))
    }),
    Function::new("untilStep", &[Type::Int, Type::Int, Type::Int], |run, args| {
        Ok(integers(steps(run, int(args, 0)?, int(args, 1)?, int(args, 2)?)?))
    }),
    Function::variadic("seq", &[], Type::Int, seq),
];

/// What Go says where a value has no type at all.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The items of a list; what the function `verb` says of anything else.
fn items(value: &Value, refusal: impl FnOnce(&str) -> String) -> Result<Vec<Value>, Fault> {
    match value.underlying() {
        Value::Nil => Err(NIL.into()),
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.iter().map(|byte| Value::Uint8(*byte)).collect()),
        _ => Err(refusal(value.kind().name()).into()),
    }
}

/// The items of the list at the head of the arguments.
fn items_for(verb: &str, args: &[Value], at: usize) -> Result<Vec<Value>, Fault> {
    items(any(args, at)?, |kind| format!("Cannot {verb} type {kind}"))
}

fn append(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut items = items_for("push on", args, 0)?;
    items.push(any(args, 1)?.clone());
    Ok(List::new(items).into())
}

fn prepend(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut items = items_for("prepend on", args, 0)?;
    items.insert(0, any(args, 1)?.clone());
    Ok(List::new(items).into())
}

fn first(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(items_for("find first on", args, 0)?.into_iter().next().unwrap_or_default())
}

fn last(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(items_for("find last on", args, 0)?.pop().unwrap_or_default())
}

fn rest(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let items = items_for("find rest on", args, 0)?;
    Ok(items.get(1..).map_or_else(|| List::nil(A), |rest| List::new(rest.to_vec())).into())
}

fn initial(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut items = items_for("find initial on", args, 0)?;
    Ok(items.pop().map_or_else(|| List::nil(A), |_| List::new(items)).into())
}

fn reverse(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut items = items_for("find reverse on", args, 0)?;
    items.reverse();
    Ok(List::new(items).into())
}

fn compact(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut items = items_for("compact on", args, 0)?;
    items.retain(|it| !empty(it));
    Ok(List::new(items).into())
}

fn uniq(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items_for("find uniq on", args, 0)? {
        if !kept.iter().any(|it| equal(it, &item)) {
            kept.push(item);
        }
    }
    Ok(List::new(kept).into())
}

fn without(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut items = items_for("find without on", args, 0)?;
    items.retain(|it| !args[1..].iter().any(|omitted| equal(omitted, it)));
    Ok(List::new(items).into())
}

fn has(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let needle = any(args, 0)?;
    if matches!(any(args, 1)?, Value::Nil) {
        return Ok(false.into());
    }
    Ok(items_for("find has on", args, 1)?.iter().any(|it| equal(needle, it)).into())
}

/// A part of a list, which keeps its type.
fn slice(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let whole = any(args, 0)?;
    let items = items(whole, |kind| format!("list should be type of slice or array but {kind}"))?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_int);
    let end = args.get(2).map_or(length(items.len()), to_int);
    let range = usize::try_from(start).and_then(|start| Ok(start..usize::try_from(end)?)).ok();
    let part = range.and_then(|range| items.get(range));
    let part = part.ok_or("reflect.Value.Slice: slice index out of bounds")?.to_vec();
    Ok(match whole.underlying() {
        Value::List(list) => List::typed(list.of(), part).into(),
        _ => Value::Bytes(
            part.iter()
                .filter_map(|it| if let Value::Uint8(it) = it { Some(*it) } else { None })
                .collect::<Vec<_>>()
                .into(),
        ),
    })
}

fn concat(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for list in args {
        all.extend(items(list, |kind| format!("Cannot concat type {kind} as list"))?);
    }
    Ok(if all.is_empty() { List::nil(A) } else { List::new(all) }.into())
}

fn chunk(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let items = items_for("chunk", args, 1)?;
    let size = usize::try_from(int(args, 0)?).ok().filter(|size| *size > 0);
    let size = size.ok_or("runtime error: makeslice: len out of range")?;
    let chunks = items.chunks(size).map(|chunk| List::new(chunk.to_vec()).into()).collect();
    Ok(List::typed(Type::LIST, chunks).into())
}

fn sort_alpha(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let value = any(args, 0)?;
    if !matches!(value.underlying(), Value::List(_) | Value::Bytes(_)) {
        return Ok(List::strings([text_of(value)]).into());
    }
    let mut texts = texts(value);
    texts.sort();
    Ok(List::strings(texts).into())
}

/// The numbers from `start` on, before `end`.
fn steps(run: &mut Run<'_>, start: i64, end: i64, by: i64) -> Result<Vec<i64>, Fault> {
    let up = end >= start;
    if up && by <= 0 || !up && by >= 0 {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(end).div_ceil(by.unsigned_abs());
    run.spend(count)?;
    let numbers = (0..count).map(|at| start.wrapping_add(by.wrapping_mul(at.cast_signed())));
    Ok(numbers.collect())
}

fn integers(numbers: Vec<i64>) -> Value {
    List::typed(Type::Int, numbers.into_iter().map(Value::Int).collect()).into()
}

/// The numbers of `seq`, as one text.
fn seq(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let one = |at| int(args, at);
    let (start, step, end) = match args.len() {
        1 => (1, None, one(0)?),
        2 => (one(0)?, None, one(1)?),
        3 => (one(0)?, Some(one(1)?), one(2)?),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    let step = step.unwrap_or(direction);
    if end < start && step > 0 {
        return Ok("".into());
    }
    let numbers = steps(run, start, end.saturating_add(direction), step)?;
    Ok(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ").into())
}
