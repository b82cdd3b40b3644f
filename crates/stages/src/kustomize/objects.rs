//! The objects of a text.

use std::collections::VecDeque;
use std::sync::Arc;

use super::KustomizeError;
use super::resource::Resource;
use super::texts::Texts;
use weft_base::value::{Data, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::scalar_text;

/// The objects of a text, in order. Lists of objects are taken apart; empty documents are left out. Every object needs a
/// kind and a name.
pub fn read(text: &str, file: &Arc<String>) -> Result<Vec<Resource>, KustomizeError> {
    let mut waiting: VecDeque<Value> = yaml::documents(text, file, Rules::Kustomize)?.into();
    let mut resources = Vec::new();
    while let Some(mut node) = waiting.pop_front() {
        if node.as_map().is_some_and(weft_base::value::Map::is_empty) {
            continue;
        }
        check(&node)?;
        if let Some(items) = items(&mut node)? {
            waiting.extend(items.into_iter().filter(|it| !it.is_null()));
        } else {
            let texts = Texts::of_object(&node, text);
            resources.push(Resource { texts, ..Resource::new(node) });
        }
    }
    Ok(resources)
}

/// Takes the items of a list of objects out.
fn items(node: &mut Value) -> Result<Option<Vec<Value>>, KustomizeError> {
    let is_list = node.get("kind").map(scalar_text).is_some_and(|kind| kind.ends_with("List"));
    let Some(items) = node.as_map_mut().filter(|_| is_list).and_then(|map| map.get_mut("items")) else {
        return Ok(None);
    };
    let origin = items.origin.clone();
    match std::mem::take(&mut items.data) {
        Data::List(items) => Ok(Some(items)),
        Data::Null => Ok(Some(Vec::new())),
        other => Err(KustomizeError::Items { found: Value::from(other).kind(), origin }),
    }
}

/// Refuses what has no kind, or no name.
pub fn check(node: &Value) -> Result<(), KustomizeError> {
    let origin = || node.origin.clone();
    if node.as_map().is_none() {
        return Err(KustomizeError::NoObject { found: node.kind(), origin: origin() });
    }
    let kind = node.get("kind").map(scalar_text).unwrap_or_default();
    if kind.is_empty() {
        return Err(KustomizeError::Missing { field: "kind", origin: origin() });
    }
    let name = node.dig(&["metadata", "name"]).map(scalar_text).unwrap_or_default();
    if name.is_empty() && !kind.ends_with("List") {
        return Err(KustomizeError::Missing { field: "metadata.name", origin: origin() });
    }
    Ok(())
}
