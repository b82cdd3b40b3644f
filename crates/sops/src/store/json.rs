//! JSON, as Go writes it.

use std::sync::Arc;

use super::wrong_syntax;
use crate::SecretsError;
use crate::metadata::SECTION;
use weft_base::value::{Data, Entry, Map, Mark, Origin, Value, go_json};

/// Reads a text, which has to be a map. JSON has no comments, and its nodes know their file only.
pub(super) fn read(text: &str, file: &Arc<String>) -> Result<Value, SecretsError> {
    let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut root: Value = serde_json::from_str(text).map_err(|error| {
        let mark = Mark { line: place(error.line()), column: place(error.column()) };
        // What serde says about syntax never quotes the text.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        wrong_syntax(format!("the text is no JSON: {message}"), file, mark)
    })?;
    settle(&mut root, file);
    match root.data {
        Data::Map(_) => Ok(root),
        _ => Err(SecretsError::NotMap { kind: root.kind(), origin: root.origin }),
    }
}

/// Gives nodes their file, and integers that Go reads as other numbers their kind.
#[allow(clippy::cast_precision_loss, reason = "the Go program loses the same digits")]
fn settle(value: &mut Value, file: &Arc<String>) {
    value.origin = Origin::new(file, Mark::default());
    match &mut value.data {
        Data::List(items) => items.iter_mut().for_each(|item| settle(item, file)),
        Data::Map(map) => map.iter_mut().for_each(|entry| settle(&mut entry.value, file)),
        Data::Uint(it) => value.data = Data::Float(*it as f64),
        _ => {}
    }
}

/// Writes a map with its secrets; a level is indented by so many spaces, or by a tab.
pub(super) fn write(root: &Value, section: Option<Map>, spaces: Option<usize>) -> String {
    let unit = spaces.map_or_else(|| "\t".to_owned(), |count| " ".repeat(count));
    let mut root = root.as_map().cloned().unwrap_or_default();
    if let Some(section) = section {
        root.insert(SECTION, section);
    }
    let mut out = String::new();
    node(&mut out, &root.into(), &unit, 0);
    out.push('\n');
    out
}

fn node(out: &mut String, value: &Value, unit: &str, depth: usize) {
    match &value.data {
        Data::Map(map) if !map.is_empty() => {
            for (at, Entry { key, value, .. }) in map.iter().enumerate() {
                out.push_str(if at == 0 { "{" } else { "," });
                line(out, unit, depth + 1);
                out.push_str(&text(key));
                out.push_str(": ");
                node(out, value, unit, depth + 1);
            }
            line(out, unit, depth);
            out.push('}');
        }
        Data::List(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "[" } else { "," });
                line(out, unit, depth + 1);
                node(out, item, unit, depth + 1);
            }
            line(out, unit, depth);
            out.push(']');
        }
        leaf => out.push_str(&leaf_text(leaf)),
    }
}

fn line(out: &mut String, unit: &str, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(unit, depth));
}

fn leaf_text(leaf: &Data) -> String {
    match leaf {
        Data::Null => "null".to_owned(),
        Data::Bool(it) => it.to_string(),
        Data::Int(it) => it.to_string(),
        Data::Uint(it) => it.to_string(),
        Data::Float(it) if it.abs() >= 1e21 => format!("{it:e}").replacen('e', "e+", 1),
        Data::Float(it) if *it != 0.0 && it.abs() < 1e-6 => format!("{it:e}"),
        Data::Float(it) => it.to_string(),
        Data::Text(it) => text(it),
        Data::Masked(it) => leaf_text(it.expose()),
        Data::List(_) => "[]".to_owned(),
        Data::Map(_) => "{}".to_owned(),
    }
}

/// A text in quotes, with what HTML would mind escaped, as Go's writer does.
fn text(text: &str) -> String {
    go_json(&serde_json::Value::from(text).to_string())
}
