//! `conflicts:`: who decides about fields that somebody else owns and the repository wants to be another way.

use super::error::ProjectError;
use super::ignore::{self, IgnoreRule, Ignored, Meaning};
use super::objects::ObjectPattern;
use super::spec::{ConflictDo, ConflictSpec};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Origin, Pattern, Value};

/// One entry of `conflicts:` that is decided when a plan is made. One that says `do: adopt` is an [`IgnoreRule`].
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictRule {
    /// The fields, with all that is below them; any, where there is none.
    pub paths: Vec<Pattern>,
    /// The field manager who owns them; a `*` stands for any text.
    pub manager: String,
    /// The objects.
    pub objects: ObjectPattern,
    /// Whether the fields are taken; otherwise the plan is refused.
    pub take: bool,
    /// Why, for people.
    pub reason: String,
    /// Where it was written.
    pub origin: Origin,
}

/// The rules of a list, and those of them that leave fields to their owners; `node` are the nodes that `specs` were read
/// from.
pub(super) fn rules(
    tree: &Tree,
    specs: Option<&[ConflictSpec]>,
    node: Option<&Value>,
) -> Result<(Vec<ConflictRule>, Vec<IgnoreRule>), ProjectError> {
    let nodes = node.and_then(Value::as_list).unwrap_or_default();
    let mut decided = Vec::new();
    let mut left = Vec::new();
    for (spec, node) in specs.unwrap_or_default().iter().zip(nodes) {
        let rule = rule(tree, spec, node)?;
        match spec.decision {
            Some(ConflictDo::Adopt) => left.push(adopted(rule)),
            Some(_) => decided.push(rule),
            None => return Err(incomplete(tree, node, "do")),
        }
    }
    Ok((decided, left))
}

fn rule(tree: &Tree, spec: &ConflictSpec, node: &Value) -> Result<ConflictRule, ProjectError> {
    let texts = node.get("paths").and_then(Value::as_list).unwrap_or_default();
    let reason = spec.reason.as_deref().unwrap_or_default().trim().to_owned();
    match () {
        // A rule for anybody's hold on any field would hide the next surprise, too.
        () if texts.is_empty() && spec.manager.is_none() => Err(incomplete(tree, node, "manager")),
        () if reason.is_empty() => Err(incomplete(tree, node, "reason")),
        () => Ok(ConflictRule {
            paths: texts.iter().map(|text| ignore::path(tree, text)).collect::<Result<_, _>>()?,
            manager: spec.manager.clone().unwrap_or_else(|| "*".to_owned()),
            objects: ObjectPattern {
                kind: spec.kind.clone(),
                namespace: spec.namespace.clone(),
                name: spec.name.clone(),
            },
            take: spec.decision == Some(ConflictDo::Take),
            reason,
            origin: node.origin.clone(),
        }),
    }
}

/// To adopt what the owner of a field makes of it is to leave the field to them, as long as they own it.
fn adopted(rule: ConflictRule) -> IgnoreRule {
    let ConflictRule { paths, manager, objects, reason, origin, .. } = rule;
    let what = Ignored::Fields { paths, manager: Some(manager), meaning: Meaning::Leave };
    IgnoreRule { what, objects, reason, until: None, origin }
}

fn incomplete(tree: &Tree, node: &Value, key: &'static str) -> ProjectError {
    ProjectError::IncompleteRule { rule: "a conflict rule", key, place: Place::of_node(tree, node) }
}
