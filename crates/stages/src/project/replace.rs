//! `replace:`: which objects may be deleted and made again.

use super::error::ProjectError;
use super::ignore;
use super::objects::ObjectPattern;
use super::spec::ReplaceSpec;
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Pattern, Value};

/// Kinds that hold data or other objects: they are deleted only when a word names them, never with their release, and
/// never to be made again.
pub const GUARDED: [&str; 4] = ["Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim"];

/// One entry of `replace:`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplaceRule {
    /// The objects.
    pub objects: ObjectPattern,
    /// The fields whose change may lead to it, with all that is below them; any, where there is none.
    pub paths: Vec<Pattern>,
    /// Why, for people.
    pub reason: String,
    /// Where it was written.
    pub origin: Origin,
}

/// The rules of a list; `node` are the nodes that `specs` were read from.
pub(super) fn rules(
    tree: &Tree,
    specs: Option<&[ReplaceSpec]>,
    node: Option<&Value>,
) -> Result<Vec<ReplaceRule>, ProjectError> {
    let nodes = node.and_then(Value::as_list).unwrap_or_default();
    specs.unwrap_or_default().iter().zip(nodes).map(|(spec, node)| rule(tree, spec, node)).collect()
}

fn rule(tree: &Tree, spec: &ReplaceSpec, node: &Value) -> Result<ReplaceRule, ProjectError> {
    let texts = node.get("paths").and_then(Value::as_list).unwrap_or_default();
    let reason = spec.reason.as_deref().unwrap_or_default().trim().to_owned();
    let lacks = |key| ProjectError::IncompleteRule { rule: "a replace rule", key, place: Place::of_node(tree, node) };
    let guarded = |kind: &String| GUARDED.contains(&kind.split('.').next().unwrap_or_default());
    match &spec.kind {
        None => Err(lacks("kind")),
        Some(kind) if guarded(kind) => Err(ProjectError::MisusedRule {
            problem: "no rule allows such an object to be made again: what it holds would be lost",
            hint: "Leave the kind out of `replace`. Such an object is deleted only by hand.",
            place: node.get("kind").map(|kind| Place::of_node(tree, kind)).unwrap_or_default(),
        }),
        Some(_) if reason.is_empty() => Err(lacks("reason")),
        Some(kind) => Ok(ReplaceRule {
            objects: ObjectPattern {
                kind: Some(kind.clone()),
                namespace: spec.namespace.clone(),
                name: spec.name.clone(),
            },
            paths: texts.iter().map(|text| ignore::path(tree, text)).collect::<Result<_, _>>()?,
            reason,
            origin: node.origin.clone(),
        }),
    }
}
