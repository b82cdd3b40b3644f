//! The documents of a rendered file: parsed, secrets masked, lists of objects taken apart.

use super::ManifestError;
use super::place::Source;
use crate::chart::{RenderedFile, SecretKey, documents, mask, mask_all};
use weft_base::value::{Data, Mark, Value};
use weft_base::yaml::Rules;

/// The objects of a file, in order. What they are is not checked here. `shown` are the documents that the chart read
/// from the text that can be shown.
pub fn read(file: &RenderedFile, shown: Vec<Value>) -> Result<Vec<Value>, ManifestError> {
    let source = Source::new(file);
    let secret_key = |SecretKey { mark }| ManifestError::SecretKey { at: source.bare(mark) };
    let masked = if file.stand_in.is_none() && !file.opaque {
        shown
    } else {
        masked(file, secret_documents(file, source)?, &shown).map_err(secret_key)?
    };
    let mut objects = Vec::new();
    for document in masked {
        flatten(document, source, &mut objects)?;
    }
    Ok(objects)
}

/// The documents with their secrets masked: against those with stand-ins, if there are as many.
fn masked(file: &RenderedFile, real: Vec<Value>, stand_ins: &[Value]) -> Result<Vec<Value>, SecretKey> {
    if file.opaque || real.len() != stand_ins.len() {
        return real.into_iter().map(|it| mask_all(it, &file.public)).collect();
    }
    real.into_iter().zip(stand_ins).map(|(real, stand_in)| mask(real, stand_in, &file.public)).collect()
}

/// The documents of the text that holds secrets: of its errors only the file is told.
fn secret_documents(file: &RenderedFile, source: Source) -> Result<Vec<Value>, ManifestError> {
    let rules = if file.lenient { Rules::Kubernetes } else { Rules::Strict };
    documents(file.text.expose(), source.path(), rules)
        .map_err(|_| ManifestError::SecretText { origin: source.origin(Mark::default()) })
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
