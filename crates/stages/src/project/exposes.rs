//! `exposes:`: where secret values of a release may stand outside Secrets.

use super::error::ProjectError;
use super::ignore::path;
use super::objects::ObjectPattern;
use super::spec::ExposureSpec;
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Pattern, Value};

/// One entry of `exposes:`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposureRule {
    /// The fields, with all that is below them.
    pub paths: Vec<Pattern>,
    /// The objects.
    pub objects: ObjectPattern,
    /// Why, for people.
    pub reason: String,
    /// Where it was written.
    pub origin: Origin,
}

/// The rules of a list; `node` are the nodes that `specs` were read from.
pub(super) fn rules(
    tree: &Tree,
    specs: Option<&[ExposureSpec]>,
    node: Option<&Value>,
) -> Result<Vec<ExposureRule>, ProjectError> {
    let nodes = node.and_then(Value::as_list).unwrap_or_default();
    specs.unwrap_or_default().iter().zip(nodes).map(|(spec, node)| rule(tree, spec, node)).collect()
}

fn rule(tree: &Tree, spec: &ExposureSpec, node: &Value) -> Result<ExposureRule, ProjectError> {
    let texts = node.get("paths").and_then(Value::as_list).unwrap_or_default();
    let reason = spec.reason.as_deref().unwrap_or_default().trim().to_owned();
    let lacks = |key| ProjectError::IncompleteRule { rule: "an exposure rule", key, place: Place::of_node(tree, node) };
    match () {
        // A rule for any field would hide the next mistake, too.
        () if texts.is_empty() => Err(lacks("paths")),
        () if reason.is_empty() => Err(lacks("reason")),
        () => Ok(ExposureRule {
            paths: texts.iter().map(|text| path(tree, text)).collect::<Result<_, _>>()?,
            objects: ObjectPattern {
                kind: spec.kind.clone(),
                namespace: spec.namespace.clone(),
                name: spec.name.clone(),
            },
            reason,
            origin: node.origin.clone(),
        }),
    }
}
