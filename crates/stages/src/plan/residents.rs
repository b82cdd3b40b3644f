//! Finds what lives in a namespace or belongs to a kind that a definition creates. It would be deleted along with its
//! container, whoever created it.

use super::{Guards, immutable, order};
use crate::diff::{Comparison, ObjectComparison, Verdict};
use crate::manifest::ObjectId;
use weft_schema::GroupKind;

/// Where to look for objects that would be deleted along with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerScope {
    /// In this namespace, at objects of all kinds.
    Namespace(String),
    /// At the objects of this kind, in all namespaces.
    Kind(GroupKind),
}

/// The objects that a plan may only judge when it is known what is inside of them: namespaces and definitions that left
/// and that a word allows to delete, and definitions that cannot become what is wanted.
pub fn containers(comparison: &Comparison, guards: &Guards) -> Vec<(ObjectId, ContainerScope)> {
    let due = comparison.objects.iter().filter(|object| is_due(object, guards));
    due.filter_map(|object| Some((object.id.clone(), inside(object)?))).collect()
}

fn is_due(object: &ObjectComparison, guards: &Guards) -> bool {
    match object.verdict {
        Verdict::Leftover => guards.orphan.is_none() && guards.allow_delete.contains(&object.id.kind.kind),
        Verdict::Update => object.id.kind.is_definition() && !immutable::immutable(object).is_empty(),
        _ => false,
    }
}

fn inside(object: &ObjectComparison) -> Option<ContainerScope> {
    // The live kind counts, not the desired one.
    let there = ObjectComparison { desired: None, ..object.clone() };
    let kind = order::defined(&there).map(ContainerScope::Kind);
    let namespace =
        (order::namespace(&object.id.name) == object.id).then(|| ContainerScope::Namespace(object.id.name.clone()));
    kind.or(namespace)
}
