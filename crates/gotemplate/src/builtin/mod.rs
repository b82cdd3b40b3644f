//! Go's own functions.

#![expect(clippy::unnecessary_wraps, reason = "all functions of a table have one type")]

mod compare;
mod escape;
mod index;

use super::call::{Fault, Function};
use super::format;
use super::run::Run;
use super::types::Type;
use super::value::Value;

/// All of them but `and` and `or`, which are the evaluator's, since they may leave arguments alone.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::variadic("call", &[Type::Value], Type::Value, call),
    Function::variadic("eq", &[Type::Value], Type::Value, compare::eq),
    Function::new("ge", &[Type::Value, Type::Value], compare::ge),
    Function::new("gt", &[Type::Value, Type::Value], compare::gt),
    Function::variadic("html", &[], Type::Any, escape::html),
    Function::variadic("index", &[Type::Value], Type::Value, index::index),
    Function::variadic("js", &[], Type::Any, escape::js),
    Function::new("le", &[Type::Value, Type::Value], compare::le),
    Function::new("len", &[Type::Value], index::len),
    Function::new("lt", &[Type::Value, Type::Value], compare::lt),
    Function::new("ne", &[Type::Value, Type::Value], compare::ne),
    Function::new("not", &[Type::Value], not),
    Function::variadic("print", &[], Type::Any, |_, args| Ok(format::sprint(args).into())),
    Function::variadic("printf", &[Type::Str], Type::Any, printf),
    Function::variadic("println", &[], Type::Any, |_, args| Ok(format::sprintln(args).into())),
    Function::variadic("slice", &[Type::Value], Type::Value, index::slice),
    Function::variadic("urlquery", &[], Type::Any, escape::urlquery),
];

fn not(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Bool(!args.first().is_some_and(Value::truth)))
}

fn printf(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    match args {
        [Value::Str(format), values @ ..] => Ok(format::sprintf_within(format, values, run.limits.output).into()),
        _ => Err(Fault::signature()),
    }
}

/// No value of a template is a function.
fn call(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    match args.first() {
        None | Some(Value::Nil) => Err(Fault::new("call of nil")),
        Some(value) => Err(Fault::new(format!("non-function of type {}", value.type_name()))),
    }
}
