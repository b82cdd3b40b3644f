//! The definitions of a plan: what they say of their kinds counts, not what the server has now.

use std::collections::BTreeSet;

use weft_base::value::{Step, Value};
use weft_schema::{GroupKind, Schemas, Subject, Violation, builtin_schemas};
use weft_stages::diff::{ObjectComparison, Verdict};
use weft_stages::manifest::{Desired, Object};

/// The schemas of the built-in kinds and of those that objects of the plan define.
fn schemas<'o>(objects: impl Iterator<Item = &'o Object>) -> Schemas {
    let mut schemas = builtin_schemas().clone();
    objects.filter(|it| it.id.kind.is_definition()).for_each(|it| schemas.add_crd(&it.body));
    schemas
}

/// The kinds whose definitions an apply would create or change: the server cannot be asked about their objects yet.
pub(super) fn pending<'c>(comparisons: impl IntoIterator<Item = &'c ObjectComparison>) -> BTreeSet<GroupKind> {
    let spec = Step::Field("spec".into());
    let changes = |it: &&ObjectComparison| match it.verdict {
        Verdict::Create => true,
        Verdict::Update => it.fields.iter().any(|change| change.changes() && change.path.0.first() == Some(&spec)),
        _ => false,
    };
    let desired = comparisons.into_iter().filter(changes).filter_map(|it| it.desired.as_ref());
    desired.filter(|it| it.id.kind.is_definition()).filter_map(|it| defined(&it.body)).collect()
}

/// The kind that a definition defines.
pub(super) fn defined(crd: &Value) -> Option<GroupKind> {
    let text = |keys: &[&str]| crd.dig(keys).and_then(Value::as_str).map(str::to_owned);
    Some(GroupKind { group: text(&["spec", "group"])?, kind: text(&["spec", "names", "kind"])? })
}

/// What a server would refuse of an object.
pub struct InvalidObject<'o> {
    /// The object.
    pub object: &'o Object,
    /// What is wrong.
    pub violation: Violation,
    /// The field that may be meant, where there is none of the name.
    pub meant: Option<String>,
}

/// What a server would refuse of objects that are compared with none: built-in kinds by the shipped schemas, custom
/// resources by the definitions among the objects. Hooks are such objects.
pub fn violations(desired: &Desired) -> Vec<InvalidObject<'_>> {
    let schemas = schemas(desired.objects.iter());
    let found = desired.with_hooks().flat_map(|object| {
        let subject = Subject { desired: &object.body, after: &object.body, live: None };
        schemas.validate(&object.gvk, subject).violations.into_iter().map(move |violation| InvalidObject {
            object,
            violation,
            meant: None,
        })
    });
    let mut found: Vec<InvalidObject> = found.collect();
    let meant = |it: &InvalidObject| match it.violation.rule.as_str() {
        "declared" => schemas.meant(&it.object.gvk, &it.violation.path).map(str::to_owned),
        _ => None,
    };
    for invalid in &mut found {
        invalid.meant = meant(invalid);
    }
    found
}
