//! The rules in `x-kubernetes-validations`, evaluated as the server evaluates them.
//!
//! A rule that the server would refuse to evaluate (a missing key) is violated; one that only this evaluator cannot
//! read is unchecked, and so is one that reads a secret.

mod convert;
mod rule;

use kube_cel::KubeCelExt as _;
use kube_cel::cel::Context;

use self::rule::Rule;
use super::Validated;
use super::place::Place;
use crate::value::Value;

/// Checks the rules of a place and of all below it.
pub(super) fn check(root: &Place<'_>, found: &mut Validated) {
    if !has_rules(root.schema) {
        return;
    }
    let context = Context::default().with_all();
    walk(root, &context, found);
}

/// Whether any rule is in a schema.
fn has_rules(schema: &Value) -> bool {
    let below = ["properties", "items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
    schema.get("x-kubernetes-validations").is_some()
        || below.into_iter().any(|it| {
            has_rules(it) || it.as_map().is_some_and(|map| map.iter().any(|entry| has_rules(&entry.value)))
        })
}

fn walk(place: &Place<'_>, context: &Context<'_>, found: &mut Validated) {
    let rules = place.schema.get("x-kubernetes-validations").and_then(Value::as_list).unwrap_or_default();
    let rules: Vec<Rule<'_>> = rules.iter().filter_map(Rule::of).collect();
    if !rules.is_empty() && !place.value.is_null() {
        let scope = scope(place, context);
        rules.iter().for_each(|rule| rule.check(place, &scope, found));
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
