//! `allOf`, `anyOf`, `oneOf` and `not`.

use super::place::Place;
use super::{Validated, structural};
use weft_base::value::Value;

/// Checks a place against the schemas that stand beside its own.
pub(super) fn check(place: &Place<'_>, found: &mut Validated) {
    let branches = |key: &str| place.schema.get(key).and_then(Value::as_list).unwrap_or_default();
    for branch in branches("allOf") {
        structural::check(&place.under(branch), found);
    }
    let fitting = |key: &str| branches(key).iter().filter(|branch| fits(place, branch)).count();
    if !branches("anyOf").is_empty() && fitting("anyOf") == 0 {
        refuse(place, "anyOf", "must validate at least one schema (anyOf)", found);
    }
    if !branches("oneOf").is_empty() {
        match fitting("oneOf") {
            1 => {}
            0 => refuse(place, "oneOf", "must validate one and only one schema (oneOf). Found none valid", found),
            many => {
                let cause = format!("must validate one and only one schema (oneOf). Found {many} valid alternatives");
                refuse(place, "oneOf", &cause, found);
            }
        }
    }
    if place.schema.get("not").is_some_and(|not| fits(place, not)) {
        refuse(place, "not", "must not validate the schema (not)", found);
    }
}

fn fits(place: &Place<'_>, schema: &Value) -> bool {
    let mut found = Validated::default();
    structural::check(&place.under(schema), &mut found);
    found.violations.is_empty()
}

fn refuse(place: &Place<'_>, rule: &str, cause: &str, found: &mut Validated) {
    found.violate(&place.path, rule, super::invalid(place.value, cause));
}
