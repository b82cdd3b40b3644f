//! YAML as Helm's functions write and read it.

use std::sync::Arc;

use super::arguments::{any, text};
use super::convert::{Numbers, from_document, to_document};
use super::json;
use super::runes::lossy;
use crate::{Function, List, Map, Type, Value};
use weft_base::value::Mark;
use weft_base::yaml::{self, Layout, Order, Rules, Secrets, Write, YamlError};

const A: Type = Type::Any;
const S: Type = Type::Str;

/// The functions of this module. `toYaml` swallows what goes wrong; the library below `toYamlPretty` panics.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("toYaml", &[A], |_, args| Ok(written(any(args, 0)?, Write::default()).unwrap_or_default().into())),
    Function::new("toYamlPretty", &[A], |_, args| Ok(written(any(args, 0)?, PRETTY)?.into())),
    Function::new("mustToYaml", &[A], |_, args| {
        Ok(written(any(args, 0)?, Write::default())
            .map_err(|error| format!("error marshaling into JSON: {error}"))?
            .into())
    }),
    Function::new("fromYaml", &[S], |_, args| Ok(map_of(text(args, 0)?).into())),
    Function::new("fromYamlArray", &[S], |_, args| Ok(list_of(text(args, 0)?).into())),
];

/// Go's newer library, with lists indented by two.
const PRETTY: Write = Write { order: Order::Natural, secrets: Secrets::Masked, layout: Layout::Wide };

fn written(value: &Value, layout: Write) -> Result<String, String> {
    let mut text = yaml::write_with(&to_document(value)?, layout);
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn map_of(text: &[u8]) -> Map {
    match read(text) {
        Ok(Value::Map(map)) => map,
        Ok(Value::Nil) => Map::new(),
        Ok(other) => failed(&mismatch(&other, "map[string]interface {}")),
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> Map {
    [("Error".into(), message.into())].into_iter().collect()
}

fn list_of(text: &[u8]) -> List {
    match read(text) {
        Ok(Value::List(list)) => list,
        Ok(Value::Nil) => List::new(Vec::new()),
        Ok(other) => List::new(vec![mismatch(&other, "[]interface {}").into()]),
        Err(message) => List::new(vec![message.into()]),
    }
}

fn mismatch(found: &Value, wanted: &str) -> String {
    let kind = json::kind(found);
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type {wanted}"
    )
}

/// The first document of a text.
fn read(text: &[u8]) -> Result<Value, String> {
    let text = lossy(text);
    let document = yaml::first(&text, &Arc::default(), Rules::Kubernetes);
    let document = document.map_err(|error| format!("error converting YAML to JSON: {}", message(&error, &text)))?;
    Ok(from_document(&document, Numbers::Floats))
}

/// What Go's library says; of some errors we have words of our own.
fn message(error: &YamlError, text: &str) -> String {
    match error {
        YamlError::Syntax { problem, context, at } => {
            let began = context.as_ref().map(|(_, mark)| *mark);
            // Where the text ends too early, our place is where what is open began; Go's is behind the last line.
            let scanning = context.as_ref().is_some_and(|(context, _)| context.starts_with("while scanning"))
                || problem.contains("not allowed in this context");
            let line = match began == Some(at.origin.mark) {
                true if !scanning => text.lines().count(),
                true if problem.contains("end of stream") => text.lines().count().saturating_sub(1),
                _ => lines_above(at.origin.mark),
            };
            // The scanner counts lines from 1, the parser from 0, and neither names the first.
            match line {
                0 => format!("yaml: {problem}"),
                line => format!("yaml: line {}: {problem}", line + usize::from(scanning)),
            }
        }
        YamlError::UnknownAnchor { name, .. } => format!("yaml: unknown anchor '{name}' referenced"),
        other => format!("yaml: {other}"),
    }
}

fn lines_above(mark: Mark) -> usize {
    usize::try_from(mark.line.saturating_sub(1)).unwrap_or_default()
}
