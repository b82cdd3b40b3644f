//! Declared inputs: the only way the environment of the process gets in.

use std::collections::BTreeMap;

use super::{Environment, ProjectError};

/// Reads the declared inputs through `variable`, which looks a variable of the process up.
///
/// A variable that is set to nothing counts as not set, as CI systems do that. An optional input without a default is
/// left out then, so that a template that reads it fails instead of writing nothing.
pub fn inputs(
    environment: &Environment,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, ProjectError> {
    let mut read = BTreeMap::new();
    for (name, input) in &environment.inputs {
        match variable(&input.env).filter(|text| !text.is_empty()).or_else(|| input.default.clone()) {
            Some(text) => {
                read.insert(name.clone(), text);
            }
            None if input.required => {
                return Err(ProjectError::InputMissing {
                    name: name.clone(),
                    variable: input.env.clone(),
                    origin: input.origin.clone(),
                });
            }
            None => {}
        }
    }
    Ok(read)
}

/// The declared inputs without a look at any variable: an input without a default is `(input NAME)`.
pub fn stand_ins(environment: &Environment) -> BTreeMap<String, String> {
    let text = |name: &String, default: &Option<String>| default.clone().unwrap_or_else(|| format!("(input {name})"));
    environment.inputs.iter().map(|(name, input)| (name.clone(), text(name, &input.default))).collect()
}

/// The names of the inputs for which [`stand_ins`] makes something up.
pub fn without_default(environment: &Environment) -> impl Iterator<Item = &String> {
    environment.inputs.iter().filter(|(_, input)| input.default.is_none()).map(|(name, _)| name)
}
