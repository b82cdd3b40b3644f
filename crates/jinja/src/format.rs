//! How values are printed into the output: as YAML means them.

use minijinja::value::ValueKind;
use minijinja::{Error, Output, State, Value as Dynamic};

use super::convert::{self, invalid};

/// The engine's formatter: `true`, `false` and `null`; text as it is; lists and maps as JSON, which is YAML too.
pub fn write(out: &mut Output, _state: &mut State, value: &Dynamic) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String => out.write_str(value.as_str().unwrap_or_default())?,
        ValueKind::Undefined => {}
        ValueKind::Invalid => convert::value(value).map(drop)?,
        _ => write!(out, "{}", text(value)?)?,
    }
    Ok(())
}

/// The same as a text of its own.
pub fn text(value: &Dynamic) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Number if f64::try_from(value.clone()).is_ok_and(|it| !it.is_finite()) => {
            Err(invalid("the number is not finite"))
        }
        ValueKind::Number => Ok(value.to_string()),
        _ => serde_json::to_string(&convert::value(value)?).map_err(|error| invalid(error.to_string())),
    }
}
