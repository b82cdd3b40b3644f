//! Taking out what we applied before and no longer want.

use super::{own, remove};
use crate::Type;
use crate::fields::FieldSet;
use weft_base::value::Value;

/// The merged object without what was in our `last` set and is in nobody's now; `owned` are the fields of all managers
/// after the apply. What nobody ever owned stays, and so does what holds such a thing.
pub fn prune(merged: Value, last: &FieldSet, owned: &FieldSet, shape: Type<'_>) -> Value {
    if last.is_empty() {
        return merged;
    }
    let named = |set: &FieldSet| set.with_named_fields(Some(shape));
    let fields_of = |object: &Value| named(&own::fields(object, shape));
    let last = named(last);
    let all = fields_of(&merged);
    let pruned = remove::remove(&merged, &last, shape);
    // What others own, or we want again, comes back.
    let kept = fields_of(&pruned).union(&named(owned));
    let pruned = remove::remove(&merged, &all.difference(&kept), shape);
    // What went with its parent and was never ours comes back.
    let gone = all.difference(&fields_of(&pruned)).intersection(&last);
    remove::remove(&merged, &gone, shape)
}
