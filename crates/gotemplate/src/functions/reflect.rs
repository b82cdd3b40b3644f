//! What values are, and what stands in for those that are empty: sprig's `reflect.go` and `defaults.go`.

use super::arguments::{any, bool, text};
use super::equal::equal;
use crate::{Fault, Function, Kind, Type, Value};

const A: Type = Type::Any;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("typeOf", &[A], |_, args| Ok(any(args, 0)?.type_name().into())),
    Function::new("kindOf", &[A], |_, args| Ok(any(args, 0)?.kind().name().into())),
    Function::new("typeIs", &[Type::Str, A], |_, args| Ok((*text(args, 0)? == *any(args, 1)?.type_name()).into())),
    Function::new("typeIsLike", &[Type::Str, A], |_, args| {
        let target = text(args, 0)?;
        let name = any(args, 1)?.type_name();
        Ok((*target == *name || *target == *name.trim_start_matches('*')).into())
    }),
    Function::new("kindIs", &[Type::Str, A], |_, args| Ok((*text(args, 0)? == *any(args, 1)?.kind().name()).into())),
    Function::new("deepEqual", &[A, A], |_, args| Ok(equal(any(args, 0)?, any(args, 1)?).into())),
    Function::variadic("default", &[A], A, |_, args| {
        let given = args.get(1).filter(|it| !empty(it));
        Ok(given.unwrap_or(any(args, 0)?).clone())
    }),
    Function::new("empty", &[A], |_, args| Ok(empty(any(args, 0)?).into())),
    Function::variadic("coalesce", &[], A, |_, args| {
        Ok(args.iter().find(|it| !empty(it)).cloned().unwrap_or_default())
    }),
    Function::variadic("all", &[], A, |_, args| Ok((!args.iter().any(empty)).into())),
    Function::variadic("any", &[], A, |_, args| Ok((!args.iter().all(empty)).into())),
    Function::new("ternary", &[A, A, Type::Bool], |_, args| Ok(any(args, usize::from(!bool(args, 2)?))?.clone())),
    Function::new("fail", &[Type::Str], |_, args| Err(Fault::refused(text(args, 0)?.lossy()))),
    Function::new("required", &[Type::Str, A], |_, args| match any(args, 1)? {
        Value::Nil => Err(Fault::refused(text(args, 0)?.lossy())),
        Value::Str(it) if it.is_empty() => Err(Fault::refused(text(args, 0)?.lossy())),
        present => Ok(present.clone()),
    }),
    Function::new("hello", &[], |_, _| Ok("Hello!".into())),
];

/// Whether a value is nil, false, zero or has nothing in it. A struct never is.
pub(super) fn empty(value: &Value) -> bool {
    match value {
        Value::Object(it) if matches!(it.kind(), Kind::Struct | Kind::Pointer | Kind::Func) => false,
        it => !it.truth(),
    }
}
