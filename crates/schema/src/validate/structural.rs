//! The constraints of a definition's schema, as apiextensions checks them.

use super::place::Place;
use super::{Validated, bounds, combine, flag, format, invalid, shown, text, texts};
use weft_base::value::{Data, Value};

/// Checks a place and all below it. What is as it was passes.
pub(super) fn check(place: &Place<'_>, found: &mut Validated) {
    if place.is_unchanged() {
        return;
    }
    if !has_type(place, found) {
        return;
    }
    if place.value.is_masked() {
        return secret(place, found);
    }
    if place.value.is_null() {
        return;
    }
    among(place, found);
    match &place.value.data {
        Data::Text(value) => {
            bounds::text(place, value, found);
            format::check(place, value, found);
        }
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => bounds::number(place, found),
        Data::List(items) => bounds::count(place, items.len(), "Items", "items", found),
        Data::Map(map) => {
            bounds::count(place, map.len(), "Properties", "properties", found);
            required(place, found);
        }
        Data::Null | Data::Bool(_) | Data::Masked(_) => {}
    }
    combine::check(place, found);
    place.children().iter().for_each(|child| check(child, found));
}

fn has_type(place: &Place<'_>, found: &mut Validated) -> bool {
    let Some(wanted) = text(place.schema, "type").or(place.object.then_some("object")) else {
        return either(place, found);
    };
    let fits = match &place.value.data {
        Data::Null => flag(place.schema, "nullable"),
        Data::Bool(_) => wanted == "boolean",
        Data::Int(_) | Data::Uint(_) => wanted == "integer" || wanted == "number",
        Data::Float(number) => wanted == "number" || wanted == "integer" && number.fract() == 0.0,
        Data::Text(_) => wanted == "string",
        Data::List(_) => wanted == "array",
        Data::Map(_) => wanted == "object",
        Data::Masked(_) => !matches!(wanted, "array" | "object"),
    };
    if !fits {
        let cause = format!("must be of type {wanted}: {:?}", json_type(place.value));
        found.violate(&place.path, format!("type: {wanted}"), invalid(place.value, &cause));
    }
    fits
}

/// A place without a type: a number or a text, or anything.
fn either(place: &Place<'_>, found: &mut Validated) -> bool {
    let wanted = flag(place.schema, "x-kubernetes-int-or-string");
    let fits = match &place.value.data {
        Data::Null => flag(place.schema, "nullable"),
        Data::Int(_) | Data::Uint(_) | Data::Text(_) | Data::Masked(_) => true,
        _ => false,
    };
    if wanted && !fits {
        let cause = format!("must be of type integer,string: {:?}", json_type(place.value));
        found.violate(&place.path, "type: integer or string", invalid(place.value, &cause));
    }
    !wanted || fits
}

fn json_type(value: &Value) -> &'static str {
    match value.data {
        Data::Null => "null",
        Data::Bool(_) => "boolean",
        Data::Int(_) | Data::Uint(_) => "integer",
        Data::Float(_) => "number",
        Data::Text(_) | Data::Masked(_) => "string",
        Data::List(_) => "array",
        Data::Map(_) => "object",
    }
}

/// A secret is of the right sort, and its text is not looked at.
fn secret(place: &Place<'_>, found: &mut Validated) {
    const OF_TEXT: [&str; 10] =
        ["enum", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "anyOf", "oneOf", "not"];
    let rules: Vec<&str> = OF_TEXT.into_iter().filter(|rule| place.schema.get(rule).is_some()).collect();
    if !rules.is_empty() {
        found.unchecked.push(format!("`{}` is secret, so its {} was not checked", place.path, rules.join(", ")));
    }
}

fn among(place: &Place<'_>, found: &mut Validated) {
    let Some(allowed) = place.schema.get("enum").and_then(Value::as_list) else { return };
    if !allowed.contains(place.value) {
        let allowed = allowed.iter().filter_map(shown).collect::<Vec<_>>().join(", ");
        let value = shown(place.value).map_or_else(String::new, |it| format!(": {it}"));
        let message = format!("Unsupported value{value}: supported values: {allowed}");
        found.violate(&place.path, format!("enum: {allowed}"), message);
    }
}

fn required(place: &Place<'_>, found: &mut Validated) {
    // An object within the object says itself what it is.
    let embedded = ["apiVersion", "kind"].into_iter().filter(|_| place.object && !place.path.0.is_empty());
    for key in texts(place.schema, "required").filter(|key| !place.always_has(key)).chain(embedded) {
        if place.value.get(key).is_none() {
            found.violate(&place.path.field(key), "required", "Required value");
        }
    }
}
