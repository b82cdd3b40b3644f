//! The bounds of numbers, and of the lengths of texts, lists and maps.

use regex::Regex;

use super::place::Place;
use super::{Validated, flag, invalid};
use weft_base::value::{Data, Value};

/// `minLength`, `maxLength` (in characters) and `pattern`.
pub(super) fn text(place: &Place<'_>, value: &str, found: &mut Validated) {
    let length = value.chars().count();
    if let Some(most) = bound(place.schema, "maxLength").filter(|most| length > *most) {
        found.violate(
            &place.path,
            format!("maxLength: {most}"),
            format!("Too long: may not be more than {most} bytes"),
        );
    }
    if let Some(least) = bound(place.schema, "minLength").filter(|least| length < *least) {
        let cause = format!("should be at least {least} chars long");
        found.violate(&place.path, format!("minLength: {least}"), invalid(place.value, &cause));
    }
    let Some(pattern) = super::text(place.schema, "pattern") else { return };
    match Regex::new(pattern) {
        Ok(regex) if regex.is_match(value) => {}
        Ok(_) => {
            let cause = format!("should match '{pattern}'");
            found.violate(&place.path, format!("pattern: {pattern}"), invalid(place.value, &cause));
        }
        Err(_) => found.unchecked.push(format!("`{}`: the pattern `{pattern}` cannot be read here", place.path)),
    }
}

/// How many items or properties there may be.
pub(super) fn count(place: &Place<'_>, count: usize, ending: &str, things: &str, found: &mut Validated) {
    let most = format!("max{ending}");
    let least = format!("min{ending}");
    if let Some(bound) = bound(place.schema, &most).filter(|bound| count > *bound) {
        let message = format!("Too many: {count}: must have at most {bound} items");
        found.violate(&place.path, format!("{most}: {bound}"), message);
    }
    if let Some(bound) = bound(place.schema, &least).filter(|bound| count < *bound) {
        let message = format!("Invalid value: should have at least {bound} {things}");
        found.violate(&place.path, format!("{least}: {bound}"), message);
    }
}

/// `minimum`, `maximum`, their exclusive forms, `multipleOf`, and the range of an integer's format.
pub(super) fn number(place: &Place<'_>, found: &mut Validated) {
    let Some(value) = float(place.value) else { return };
    let limit = |key: &str| place.schema.get(key).and_then(|it| Some((it, float(it)?)));
    let mut refuse = |rule: &str, bound: &Value, cause: &str| {
        let bound = super::shown(bound).unwrap_or_default();
        found.violate(&place.path, format!("{rule}: {bound}"), invalid(place.value, &format!("{cause} {bound}")));
    };
    if let Some((bound, most)) = limit("maximum") {
        match flag(place.schema, "exclusiveMaximum") {
            true if value >= most => refuse("maximum", bound, "should be less than"),
            false if value > most => refuse("maximum", bound, "should be less than or equal to"),
            _ => {}
        }
    }
    if let Some((bound, least)) = limit("minimum") {
        match flag(place.schema, "exclusiveMinimum") {
            true if value <= least => refuse("minimum", bound, "should be greater than"),
            false if value < least => refuse("minimum", bound, "should be greater than or equal to"),
            _ => {}
        }
    }
    if let Some((bound, factor)) = limit("multipleOf").filter(|(_, factor)| *factor > 0.0) {
        let times = value / factor;
        if (times - times.round()).abs() > f64::EPSILON * times.abs().max(1.0) {
            refuse("multipleOf", bound, "should be a multiple of");
        }
    }
    range(place, found);
}

/// Numbers of a format must fit it.
fn range(place: &Place<'_>, found: &mut Validated) {
    let fits = match (super::text(place.schema, "format"), &place.value.data) {
        (Some("int32"), Data::Int(it)) => i32::try_from(*it).is_ok(),
        (Some("int32" | "int64"), Data::Uint(_)) => false,
        _ => true,
    };
    if !fits {
        let format = super::text(place.schema, "format").unwrap_or_default();
        let cause = format!("should be a number of the format {format}");
        found.violate(&place.path, format!("format: {format}"), invalid(place.value, &cause));
    }
}

#[allow(clippy::cast_precision_loss, reason = "the server compares numbers as floats too")]
fn float(value: &Value) -> Option<f64> {
    match value.data {
        Data::Int(it) => Some(it as f64),
        Data::Uint(it) => Some(it as f64),
        Data::Float(it) => Some(it),
        _ => None,
    }
}

fn bound(schema: &Value, key: &str) -> Option<usize> {
    usize::try_from(schema.get(key)?.as_i64()?).ok()
}
