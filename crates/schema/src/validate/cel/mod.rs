//! The rules in `x-kubernetes-validations`, evaluated as the server evaluates them.
//!
//! A rule that the server would refuse to evaluate (a missing key) is violated; one that only this evaluator cannot
//! read is unchecked, and so is one that reads a secret.

mod convert;
mod expression;
mod program;
mod rule;

use kube_cel::KubeCelExt as _;
use kube_cel::cel::extractors::This;
use kube_cel::cel::{Context, ExecutionError, Value as CelValue};

pub use self::expression::{Expression, ExpressionError, Unanswered};
pub use self::program::{Program, ProgramError, Scope, Stuck};
use self::rule::Rule;
use super::Validated;
use super::place::Place;
use weft_base::value::Value;

/// Checks the rules of a place and of all below it.
pub(super) fn check(root: &Place<'_>, found: &mut Validated) {
    if !has_rules(root.schema) {
        return;
    }
    let context = context();
    walk(root, &context, found);
}

/// The names of the types, which expressions may compare with.
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

/// What all rules see: the functions of the server, and the types that the evaluator does not name.
fn context() -> Context<'static> {
    let mut context = Context::default().with_all();
    context.add_function("type", kind);
    for name in TYPES {
        context.add_variable_from_value(name, name.to_owned());
    }
    context
}

/// The name of a value's type, where CEL has the type itself: it is only ever compared.
fn kind(This(value): This<CelValue>) -> Result<CelValue, ExecutionError> {
    let name = match value {
        CelValue::Bool(_) => "bool",
        CelValue::Bytes(_) => "bytes",
        CelValue::Float(_) => "double",
        CelValue::Int(_) => "int",
        CelValue::List(_) => "list",
        CelValue::Map(_) => "map",
        CelValue::Null => "null_type",
        CelValue::String(_) => "string",
        CelValue::UInt(_) => "uint",
        _ => return Err(ExecutionError::NoSuchOverload),
    };
    Ok(CelValue::from(name))
}

/// Whether any rule is in a schema.
fn has_rules(schema: &Value) -> bool {
    let below = ["properties", "items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
    schema.get("x-kubernetes-validations").is_some()
        || below
            .into_iter()
            .any(|it| has_rules(it) || it.as_map().is_some_and(|map| map.iter().any(|entry| has_rules(&entry.value))))
}

fn walk(place: &Place<'_>, context: &Context<'_>, found: &mut Validated) {
    let rules = place.schema.get("x-kubernetes-validations").and_then(Value::as_list).unwrap_or_default();
    let rules: Vec<Rule<'_>> = rules.iter().filter_map(Rule::of).collect();
    if !rules.is_empty() && !place.value.is_null() {
        let scope = scope(place, context);
        for rule in &rules {
            rule.check(place, &scope, found);
        }
    }
    place.children().iter().for_each(|child| walk(child, context, found));
}

/// What a rule of a place sees.
fn scope<'c>(place: &Place<'_>, context: &'c Context<'_>) -> Context<'c> {
    let mut scope = context.new_inner_scope();
    scope.add_variable_from_value("self", convert::value(place.value, Some(place.schema), None));
    if let Some(old) = place.old {
        scope.add_variable_from_value("oldSelf", convert::value(old, Some(place.schema), Some(place.value)));
    }
    scope
}
