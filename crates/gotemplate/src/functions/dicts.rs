//! Maps: sprig's `dict.go`. `set`, `unset` and the merges change the map that they get.

use super::arguments::{any, map, text};
use super::merge::{self, Overwrite};
use super::print::text_of;
use crate::{DEEPEST, Fault, Function, List, Map, Run, Str, Type, Value};

const A: Type = Type::Any;
const M: Type = Type::MAP;
const S: Type = Type::Str;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("dict", &[], A, |_, args| Ok(dict(args).into())),
    Function::new("get", &[M, S], |_, args| Ok(map(args, 0)?.get(text(args, 1)?).unwrap_or_else(|| "".into()))),
    Function::new("set", &[M, S, A], |_, args| {
        map(args, 0)?.set(text(args, 1)?.clone(), any(args, 2)?.clone())?;
        Ok(map(args, 0)?.into())
    }),
    Function::new("unset", &[M, S], |_, args| {
        map(args, 0)?.remove(text(args, 1)?);
        Ok(map(args, 0)?.into())
    }),
    Function::new("hasKey", &[M, S], |_, args| Ok(map(args, 0)?.has(text(args, 1)?).into())),
    Function::variadic("pluck", &[S], M, pluck),
    Function::variadic("keys", &[], M, |_, args| Ok(List::strings(all(args)?.flat_map(|it| it.keys())).into())),
    Function::variadic("pick", &[M], S, |_, args| keep(args, |named| named)),
    Function::variadic("omit", &[M], S, |_, args| keep(args, |named| !named)),
    Function::new("values", &[M], |_, args| {
        Ok(List::new(map(args, 0)?.entries().iter().map(|(_, value)| value.clone()).collect()).into())
    }),
    Function::variadic("merge", &[M], M, |_, args| merged(args, Overwrite::Empty)),
    Function::variadic("mustMerge", &[M], M, |_, args| merged(args, Overwrite::Empty)),
    Function::variadic("mergeOverwrite", &[M], M, |_, args| merged(args, Overwrite::All)),
    Function::variadic("mustMergeOverwrite", &[M], M, |_, args| merged(args, Overwrite::All)),
    Function::new("deepCopy", &[A], |_, args| deep_copy(any(args, 0)?)),
    Function::new("mustDeepCopy", &[A], |_, args| deep_copy(any(args, 0)?)),
    Function::variadic("dig", &[], A, dig),
];

/// The maps that the arguments are.
fn all(args: &[Value]) -> Result<impl Iterator<Item = Map>, Fault> {
    Ok((0..args.len()).map(|at| map(args, at)).collect::<Result<Vec<_>, _>>()?.into_iter())
}

/// The map of keys and values in turn; a key without a value has an empty text.
fn dict(args: &[Value]) -> Map {
    args.chunks(2).map(|pair| (text_of(&pair[0]), pair.get(1).cloned().unwrap_or_else(|| "".into()))).collect()
}

fn pluck(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let key = text(args, 0)?;
    Ok(List::new(all(&args[1..])?.filter_map(|it| it.get(key)).collect()).into())
}

/// The entries whose keys are, or are not, among the further arguments.
fn keep(args: &[Value], wanted: impl Fn(bool) -> bool) -> Result<Value, Fault> {
    let whole = map(args, 0)?;
    let named = |key: &Str| args[1..].iter().any(|it| matches!(it, Value::Str(it) if it == key));
    let kept = whole.keys().into_iter().filter(|key| wanted(named(key)));
    Ok(kept.filter_map(|key| whole.get(&key).map(|value| (key, value))).collect::<Map>().into())
}

fn merged(args: &[Value], overwrite: Overwrite) -> Result<Value, Fault> {
    let mut target = map(args, 0)?;
    for source in all(&args[1..])? {
        if target.is_nil() && !source.is_nil() {
            target = Map::new();
        }
        merge::into(&target, &source, overwrite, DEEPEST)?;
    }
    Ok(target.into())
}

fn deep_copy(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => copy(value, DEEPEST),
    }
}

/// A copy that shares no list or map with the original.
fn copy(value: &Value, depth: usize) -> Result<Value, Fault> {
    let depth = depth.checked_sub(1).ok_or("the value is nested too deeply to copy")?;
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            List::typed(list.of(), list.iter().map(|it| copy(it, depth)).collect::<Result<_, _>>()?).into()
        }
        Value::Map(map) if !map.is_nil() => {
            let copied = |(key, value): (&Str, &Value)| Ok((key.clone(), copy(value, depth)?));
            let entries = map.entries().iter().map(copied).collect::<Result<Vec<_>, Fault>>()?;
            match map.map_type() {
                Some(named) => entries.into_iter().collect::<Map>().named(named).into(),
                None => Map::typed_of(map.of(), entries).into(),
            }
        }
        other => other.clone(),
    })
}

/// The value under nested keys; before the map, which is the last argument, stands what to give where a key is missing.
fn dig(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let [keys @ .., default, root] = args else { return Err("dig needs at least three arguments".into()) };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut node = root.clone();
    for key in keys {
        // A named type, such as that of `.Values`, is refused as in Go.
        let plain = matches!(&node, Value::Map(map) if map.of() == A && map.type_name().is_none());
        let (Value::Map(map), true) = (&node, plain) else { return Err(conversion(&node, "map[string]interface {}")) };
        let Value::Str(key) = key else { return Err(conversion(key, "string")) };
        match map.get(key) {
            Some(value) => node = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(node)
}

/// What Go says of a type assertion that does not hold.
fn conversion(value: &Value, wanted: &str) -> Fault {
    let found = match value {
        Value::Nil => "nil".to_owned(),
        other => other.type_name(),
    };
    Fault::new(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}
