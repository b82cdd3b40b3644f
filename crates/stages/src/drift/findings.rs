//! Turns a plan into findings.

use data_encoding::HEXLOWER;

use super::{BlindSpot, Category, Finding};
use crate::diff::{After, Class, FieldChange};
use crate::manifest::ObjectId;
use crate::plan::{Action, Plan, Step};
use weft_base::masked::FingerprintKey;

/// What others did, by object and field. `plan` is what an apply would do.
pub fn findings(plan: &Plan, key: &FingerprintKey) -> Vec<Finding> {
    plan.steps.iter().filter(|step| step.is_drift()).flat_map(|step| of_step(step, key)).collect()
}

/// What could not be checked: whole objects, and unknown fields.
pub fn unread(plan: &Plan) -> Vec<BlindSpot> {
    plan.steps.iter().filter_map(unseen).collect()
}

/// What tells a finding from others: a keyed digest of what it is about, without any value.
pub(super) fn mark(key: &FingerprintKey, sort: Category, object: &ObjectId, path: Option<&str>) -> String {
    let ObjectId { kind, namespace, name } = object;
    let namespace = namespace.as_deref().unwrap_or_default();
    let parts = [sort.name(), &kind.group, &kind.kind, namespace, name, path.unwrap_or_default()];
    let digest = key.digest(format!("a finding\0{}", parts.join("\0")).as_bytes());
    HEXLOWER.encode(&digest[..8])
}

fn of_step(step: &Step, key: &FingerprintKey) -> Vec<Finding> {
    let object = &step.object;
    let finding = |sort, path: Option<String>| Finding {
        mark: mark(key, sort, &object.id, path.as_deref()),
        sort,
        object: object.id.clone(),
        release: Some(object.release.clone()),
        path,
        expected: None,
        found: None,
        writers: Vec::new(),
    };
    if step.action == Action::Create {
        return vec![finding(Category::Deleted, None)];
    }
    let changed = |change: &FieldChange| Finding {
        expected: match &change.desired {
            After::Value(value) => Some(value.clone()),
            After::Nothing => None,
            // What was applied is all that is known of what should be there.
            After::Server => change.base.clone(),
        },
        found: change.live.clone(),
        writers: change.writers.clone(),
        ..finding(Category::Changed, Some(change.path.to_string()))
    };
    object.fields.iter().filter(|change| change.is_drift()).map(changed).collect()
}

fn unseen(step: &Step) -> Option<BlindSpot> {
    let id = &step.object.id;
    let release = &step.object.release;
    let of = |reason: String| BlindSpot { object: Some(id.clone()), release: Some(release.clone()), reason };
    if let Action::Unknown { reason } = &step.action {
        return Some(of(reason.clone()));
    }
    step.object.fields.iter().find_map(|change| match &change.class {
        Class::Unknown(reason) => Some(of(format!("{}: {reason}", change.path))),
        _ => None,
    })
}
