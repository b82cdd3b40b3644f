//! `ValueAddTransformer`: one text into fields of many resources.

use serde::Deserialize;

use super::namespace::into_namespace;
use super::patches::{selected, selector};
use crate::kustomize::KustomizeError;
use crate::kustomize::fields::split;
use crate::kustomize::resource::{Resource, map_under};
use crate::kustomize::resources::Resources;
use crate::kustomize::spec::Selector;
use weft_base::value::{Data, Map, Origin, Value};
use weft_schema::patch::scalar_text;

/// The configuration of the transformer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddValue {
    pub value: String,
    pub targets: Vec<AddValueTarget>,
    pub target_file_path: String,
}

/// The fields that get the text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AddValueTarget {
    pub selector: Option<Selector>,
    pub field_path: String,
    pub file_path_position: i64,
}

/// Puts the text into the fields of all targets.
pub fn add_values(resources: &mut Resources, config: &AddValue, origin: &Origin) -> Result<(), KustomizeError> {
    let value = config.value.trim();
    let wrong = config.targets.iter().any(|it| it.field_path.is_empty() || it.file_path_position < 0);
    if config.targets.is_empty() || wrong {
        return Err(KustomizeError::NoTarget { origin: origin.clone() });
    }
    for target in &config.targets {
        let places = match &target.selector {
            Some(it) => selected(resources, &selector(it, origin)?),
            None => (0..resources.len()).collect(),
        };
        for at in places {
            add(&mut resources.rename()[at], target, value, origin)?;
        }
    }
    Ok(())
}

fn add(resource: &mut Resource, target: &AddValueTarget, value: &str, by: &Origin) -> Result<(), KustomizeError> {
    if target.field_path == "metadata/namespace" {
        return into_namespace(resource, value, by);
    }
    let keys = split(&target.field_path, '/');
    let Some((last, above)) = keys.split_last() else { return Ok(()) };
    let (id, origin) = (resource.id(), resource.body.origin.clone());
    let failed = |found| KustomizeError::Field {
        path: target.field_path.clone(),
        found,
        id: id.clone().into(),
        origin: origin.clone(),
    };
    let found = resource.body.kind();
    let mut map: &mut Map = resource.body.as_map_mut().ok_or_else(|| failed(found))?;
    for key in above {
        map = map_under(map, key).ok_or_else(|| failed("text"))?;
    }
    let node = map.get_or_insert(last);
    if matches!(node.data, Data::List(_) | Data::Map(_)) {
        return Err(failed(node.kind()));
    }
    let text =
        if target.file_path_position > 0 { inserted(node, target.file_path_position, value) } else { value.to_owned() };
    *node = Value::from(text).at(by.clone());
    Ok(())
}

/// A path with one more part at a place from 1; beyond its end, at its end.
fn inserted(node: &Value, position: i64, part: &str) -> String {
    let path = scalar_text(node).into_owned();
    let (slash, rest) = path.strip_prefix('/').map_or(("", path.as_str()), |rest| ("/", rest));
    let mut parts: Vec<&str> = rest.split('/').filter(|it| !it.is_empty()).collect();
    let at = usize::try_from(position - 1).unwrap_or(usize::MAX).min(parts.len());
    parts.insert(at, part);
    format!("{slash}{}", parts.join("/"))
}
