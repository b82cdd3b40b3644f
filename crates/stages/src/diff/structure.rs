//! The proof by structure that an apply would change nothing, which needs no record (research calls it proof A).

use super::equivalence::Equivalence;
use super::ownership::{is_ours, ours};
use super::{LiveObject, MANAGER, Manager};
use crate::manifest::Object;
use weft_schema::Type;
use weft_schema::fields::FieldSet;
use weft_schema::merge;

/// Whether an apply would change nothing: we have applied the object before, in this version, we own exactly the fields
/// that the repository writes, and each of them has the value that the server makes of what is written, in the same
/// order. Whatever is doubtful proves nothing: more than one entry of ours, an entry of any manager in another version
/// (the server converts or drops it), an object that does not fit its schema or has an item twice, one that is being
/// deleted.
///
/// Two things it cannot see. A webhook or policy that was installed since the last apply may change what the next one
/// writes; nothing in the object tells. And the stored object may lack a default that its CustomResourceDefinition got
/// since then: reading fills it in, so that an apply would write the object again, with the same values.
pub fn proven(object: &Object, live: &LiveObject, shape: Type<'_>, equivalence: Equivalence<'_>) -> bool {
    let mut entries = live.managers.iter().filter(|manager| is_ours(manager));
    let (Some(entry), None) = (entries.next(), entries.next()) else { return false };
    let version = object.gvk.api_version();
    let doubtful = live.managers.iter().any(|manager| manager.api_version != version)
        || live.body.dig(&["metadata", "deletionTimestamp"]).is_some()
        || object.body.get("status").is_some();
    if doubtful {
        return false;
    }
    let owned = FieldSet::from_fields_v1(&entry.fields);
    let wanted = merge::field_set(&object.body, shape);
    matches!((owned, wanted), (Ok(owned), Ok(wanted)) if owned == wanted)
        && equivalence.holds(Some(shape), Some(&live.body), &object.body)
        && keeps_owners(object, live, shape)
}

/// Whether everybody owns the same after an apply, in the same order: where the server spells a value otherwise than we
/// do, whoever owns it too loses it, and whoever applied after us comes before us.
pub fn keeps_owners(object: &Object, live: &LiveObject, shape: Type<'_>) -> bool {
    let Ok(applied) = merge::apply(live.managed(), &object.body, shape, MANAGER) else { return false };
    let owner = |it: &Manager| (it.name.clone(), it.operation.clone(), it.subresource.clone(), it.fields.clone());
    applied.managers.iter().map(owner).eq(live.managers.iter().map(owner))
}

/// Whether an apply that changes no value may still change what is recorded of its owners (see [`keeps_owners`]):
/// somebody owns a field with us, or applied after us.
pub fn is_shared(live: &LiveObject) -> bool {
    let later = live.managers.iter().skip_while(|it| !is_ours(it)).skip(1).any(|it| it.operation == "Apply");
    let Ok(owned) = ours(live) else { return true };
    let others = live.managers.iter().filter(|it| !is_ours(it) && it.subresource != "status");
    let common = |fields: FieldSet| !fields.intersection(&owned).is_empty();
    later || others.map(|it| FieldSet::from_fields_v1(&it.fields)).any(|it| it.map_or(true, common))
}
