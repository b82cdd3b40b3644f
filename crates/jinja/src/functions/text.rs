//! Lines and quotes.

use minijinja::{Error, Value as Dynamic};

use crate::convert::invalid;
use crate::format;

/// What a text is indented by at most.
const WIDEST: usize = 1000;

/// `text | indent(4)`: every line but the first moved to the right, so that it fits where it is written; empty lines
/// stay empty. `indent(4, true)` moves the first one too.
pub fn indent(text: &Dynamic, width: usize, first: Option<bool>) -> Result<String, Error> {
    let text = format::text(text)?;
    if width > WIDEST {
        return Err(invalid(format!("an indent of {width} is more than {WIDEST}")));
    }
    let pad = " ".repeat(width);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if !line.is_empty() && (at > 0 || first == Some(true)) {
            out.push_str(&pad);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// `text | nindent(4)`: a new line, then every line moved to the right.
pub fn nindent(text: &Dynamic, width: usize) -> Result<String, Error> {
    Ok(format!("\n{}", indent(text, width, Some(true))?))
}

/// `x | quote`: a text in double quotes, as YAML and JSON read it; null stays null.
pub fn quote(value: &Dynamic) -> Result<String, Error> {
    if value.is_none() {
        return Ok("null".to_owned());
    }
    serde_json::to_string(&format::text(value)?).map_err(|error| invalid(error.to_string()))
}

/// `x | squote`: a text in single quotes, as YAML reads it. More than one line does not fit into such.
pub fn squote(value: &Dynamic) -> Result<String, Error> {
    if value.is_none() {
        return Ok("null".to_owned());
    }
    let text = format::text(value)?;
    if text.contains(char::is_control) {
        return Err(invalid("single quotes hold no line breaks; use `quote`"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// `x | string`: the text that `{{ x }}` prints.
pub fn string(value: &Dynamic) -> Result<String, Error> {
    format::text(value)
}

/// `list | join(", ")`: the items as `{{ item }}` prints them.
pub fn join(list: &Dynamic, between: Option<String>) -> Result<String, Error> {
    let items: Result<Vec<String>, Error> = list.try_iter()?.checked().map(|item| format::text(&item?)).collect();
    Ok(items?.join(between.as_deref().unwrap_or_default()))
}
