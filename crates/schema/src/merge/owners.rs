//! Who owns which fields of an object.

use super::compare::compare;
use super::error::MergeError;
use super::{ManagedObject, Manager};
use super::{reconcile, stored};
use crate::fields::FieldSet;
use crate::fields::Fields;
use crate::{Gvk, Scalar, Type, Zero, is_builtin_group};
use weft_base::value::{Map, Value};

/// The manager under which a server records what an object had before anybody's fields were recorded.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// One field manager with its fields.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Who it is. Its fields may be out of date.
    pub manager: Manager,
    /// What it owns.
    pub fields: FieldSet,
}

impl Owner {
    /// The manager with the fields that it owns now.
    pub fn written(mut self) -> Manager {
        self.manager.fields = (&self.fields).into();
        self.manager
    }
}

/// All owners of an object, as the schema of today sees their fields. An entry with the identity of an earlier one
/// replaces it.
pub fn of(live: ManagedObject<'_>, version: &str, shape: Type<'_>) -> Result<Vec<Owner>, MergeError> {
    let mut owners: Vec<Owner> = Vec::new();
    for manager in live.managers {
        if manager.api_version != version {
            return Err(MergeError::OtherVersion {
                manager: manager.name.clone(),
                version: manager.api_version.clone(),
                wanted: version.to_owned(),
            });
        }
        let fields = FieldSet::from_fields_v1(&manager.fields)?;
        let fields = reconcile::reconcile(&fields, shape).unwrap_or(fields);
        owners.retain(|owner| !same(&owner.manager, manager));
        owners.push(Owner { manager: manager.clone(), fields });
    }
    if owners.is_empty() {
        owners.extend(before_first_apply(live, version, shape));
    }
    Ok(owners)
}

/// Whether two entries are of one manager. All have the same version here.
fn same(a: &Manager, b: &Manager) -> bool {
    (&a.name, &a.operation, &a.subresource) == (&b.name, &b.operation, &b.subresource)
}

/// Who owns an object of which nothing is recorded: everything that it has more than an empty object.
fn before_first_apply(live: ManagedObject<'_>, version: &str, shape: Type<'_>) -> Option<Owner> {
    let kind = live.body.get("kind").and_then(Value::as_str).unwrap_or_default();
    let gvk = Gvk::new(version, kind);
    let mut empty = if is_builtin_group(&gvk.group) { skeleton(shape) } else { Map::new() };
    empty.insert("apiVersion", version);
    empty.insert("kind", kind);
    let found = compare(&empty.into(), live.body, shape);
    let fields = stored::without_reset(found.added.union(&found.modified), shape);
    let fields = stored::recorded(&fields);
    let manager = Manager {
        name: BEFORE_FIRST_APPLY.to_owned(),
        operation: "Update".to_owned(),
        subresource: String::new(),
        api_version: version.to_owned(),
        time: None,
        fields: Fields::default(),
    };
    (!fields.is_empty()).then_some(Owner { manager, fields })
}

/// An empty object of a built-in kind has the maps that are no pointers in Go: those with the default `{}`. It has the
/// zero values that are always shown: `null` of lists, `0` of numbers and so on.
fn skeleton(shape: Type<'_>) -> Map {
    let Some(map) = shape.map() else { return Map::new() };
    let entry = |name| {
        let field = map.field(name)?;
        if map.default(name).and_then(Value::as_map).is_some() {
            return Some((name, Value::from(skeleton(field))));
        }
        let zero = match field.scalar() {
            None if field.list().is_some() => Value::default(),
            Some(Scalar::Number) => 0_i64.into(),
            Some(Scalar::Bool) => false.into(),
            Some(Scalar::Text) => "".into(),
            _ => return None,
        };
        (map.zero(name) == Zero::Shown).then_some((name, zero))
    };
    map.fields().filter_map(entry).collect()
}
