//! Other templates as values.

use minijinja::{Error, State, Value as Dynamic};

use super::encoding::sha256_of;
use crate::convert::invalid;
use crate::scope::Scope;

/// `include("_labels.j2")`: what another template renders to, as a text that filters can take; with a map as the
/// second argument, its keys are names for that template.
pub fn include(state: &State, template: &str, names: Option<Dynamic>) -> Result<String, Error> {
    let scope = Scope::of(state).ok_or_else(|| invalid("there are no other templates here"))?;
    let template = state.get_template(template)?;
    let root = Dynamic::from_dyn_object(scope.clone());
    let context = match names {
        Some(names) => minijinja::value::merge_maps([names, root]),
        None => root,
    };
    scope.nested(|| {
        let rendered = template.render_captured(context)?;
        let steps = rendered.state().fuel_levels().map_or(0, |(taken, _)| taken);
        Ok((rendered.into_output(), steps))
    })
}

/// `checksum("configmap.yaml.j2")`: the SHA-256 of what another template renders to. As an annotation of a pod it
/// restarts the pod when that changes.
pub fn checksum(state: &State, template: &str) -> Result<String, Error> {
    Ok(sha256_of(&include(state, template, None)?))
}
