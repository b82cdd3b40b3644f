//! `patches:`: what is changed in the objects of a release after it was rendered.

use std::sync::Arc;

use super::error::ProjectError;
use super::release::within;
use super::spec::{PatchSpec, TargetSpec};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Value};
use weft_schema::patch::{LabelSelector, Selector};

/// One entry of `patches:`.
#[derive(Clone, Debug)]
pub struct PatchEntry {
    /// The objects; without one, those that the patch names.
    pub target: Option<Selector>,
    /// What is changed in them.
    pub content: PatchContent,
    /// Where it is written.
    pub origin: Origin,
}

/// Where a patch is written.
#[derive(Clone, Debug)]
pub enum PatchContent {
    /// In a file, relative to the root.
    File(String),
    /// In place, as fields or operations.
    Fields(Value),
    /// In place, as a text; the name is what places in it are told by.
    Text(Arc<String>, String),
}

/// The entries of a list; `node` are the nodes that `specs` were read from.
pub(super) fn entries(
    tree: &Tree,
    specs: Option<&[PatchSpec]>,
    node: Option<&Value>,
) -> Result<Vec<PatchEntry>, ProjectError> {
    let nodes = node.and_then(Value::as_list).unwrap_or_default();
    specs.unwrap_or_default().iter().zip(nodes).map(|(spec, node)| entry(tree, spec, node)).collect()
}

fn entry(tree: &Tree, spec: &PatchSpec, node: &Value) -> Result<PatchEntry, ProjectError> {
    let target = spec.target.as_ref().zip(node.get("target")).map(|(spec, node)| selector(tree, spec, node));
    let wrong = |problem| ProjectError::NotAPatch { problem, place: Place::of_node(tree, node) };
    let content = match (node.get("path"), node.get("patch")) {
        (Some(path), None) => PatchContent::File(within(tree, path, &super::release::folder_of(path), "`patches`")?),
        (None, Some(patch)) => match patch.as_str() {
            Some(text) => {
                let file = patch.origin.file.as_deref().map_or("", String::as_str);
                PatchContent::Text(Arc::new(format!("{file}:{} (patch)", patch.origin.mark.line)), text.to_owned())
            }
            None if patch.as_map().is_some() || patch.as_list().is_some() => PatchContent::Fields(patch.clone()),
            None => return Err(wrong("has a `patch` that is neither fields, nor operations, nor their text")),
        },
        (None, None) => return Err(wrong("has neither `patch` nor `path`")),
        (Some(_), Some(_)) => return Err(wrong("has both `patch` and `path`")),
    };
    Ok(PatchEntry { target: target.transpose()?, content, origin: node.origin.clone() })
}

fn selector(tree: &Tree, spec: &TargetSpec, node: &Value) -> Result<Selector, ProjectError> {
    let place = |key: &str| Place::of_word(tree, &node.get(key).unwrap_or(node).origin);
    let failed = |key: &'static str| move |source| (key, source);
    let pattern = |key: &'static str, text: &Option<String>| {
        Selector::pattern(key, text.as_deref().unwrap_or_default(), &node.origin).map_err(failed(key))
    };
    let labels = |key: &'static str, text: &Option<String>| {
        text.as_deref().filter(|it| !it.is_empty()).map(LabelSelector::parse).transpose().map_err(failed(key))
    };
    let read = || {
        Ok(Selector {
            group: pattern("group", &spec.group)?,
            version: pattern("version", &spec.version)?,
            kind: pattern("kind", &spec.kind)?,
            name: pattern("name", &spec.name)?,
            namespace: pattern("namespace", &spec.namespace)?,
            labels: labels("labelSelector", &spec.label_selector)?,
            annotations: labels("annotationSelector", &spec.annotation_selector)?,
        })
    };
    read().map_err(|(key, source)| ProjectError::Target { source, place: place(key) })
}
