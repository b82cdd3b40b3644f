//! The documents of a rendered file: parsed, secrets masked, lists of objects taken apart.

use super::ManifestError;
use super::place::Source;
use crate::chart::{RenderedFile, documents, mask, mask_all};
use weft_base::diagnostic::Diagnose;
use weft_base::value::{Data, Mark, Value};
use weft_base::yaml::{Rules, YamlError};

/// The objects of a file, in order. What they are is not checked here. `shown` are the documents that the chart read
/// from the text that can be shown.
pub fn read(file: &RenderedFile, shown: Vec<Value>) -> Result<Vec<Value>, ManifestError> {
    let source = Source::new(file);
    let masked = match &file.stand_in {
        _ if file.opaque => secret_documents(file, source)?.into_iter().map(mask_all).collect(),
        None => shown,
        Some(_) => {
            let (real, stand_ins) = (secret_documents(file, source)?, shown);
            if real.len() == stand_ins.len() {
                real.into_iter().zip(&stand_ins).map(|(real, stand_in)| mask(real, stand_in)).collect()
            } else {
                real.into_iter().map(mask_all).collect()
            }
        }
    };
    let mut objects = Vec::new();
    for document in masked {
        flatten(document, source, &mut objects)?;
    }
    Ok(objects)
}

/// The documents of the text that holds secrets: of its errors only the place is told.
fn secret_documents(file: &RenderedFile, source: Source) -> Result<Vec<Value>, ManifestError> {
    let rules = if file.lenient { Rules::Kubernetes } else { Rules::Strict };
    documents(file.text.expose(), source.path(), rules)
        .map_err(|error| ManifestError::SecretText { origin: source.origin(mark(&error).unwrap_or_default()) })
}

fn mark(error: &YamlError) -> Option<Mark> {
    error.origin().map(|origin| origin.mark)
}

/// Adds a document; of a list (`kind: List`, `ConfigMapList`) its items.
fn flatten(document: Value, source: Source, objects: &mut Vec<Value>) -> Result<(), ManifestError> {
    if document.as_map().is_none() {
        let at = source.bare(document.origin.mark);
        return Err(ManifestError::NoObject { found: document.kind(), at });
    }
    let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if !is_list || document.get("items").and_then(Value::as_list).is_none() {
        objects.push(document);
        return Ok(());
    }
    let Data::Map(mut map) = document.data else { return Ok(()) };
    match map.remove("items").unwrap_or_default().data {
        Data::List(items) => items.into_iter().try_for_each(|item| flatten(item, source, objects)),
        _ => Ok(()),
    }
}
