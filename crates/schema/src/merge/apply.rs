//! One apply.

use super::compare::{Comparison, compare};
use super::error::MergeError;
use super::owners::{self, Owner};
use super::validate::{self, Duplicates};
use super::{ManagedObject, Manager, Writer};
use super::{combine, own, prune, stored};
use crate::Type;
use crate::fields::FieldSet;
use crate::fields::Fields;
use weft_base::value::Value;

/// What a forced apply comes to.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The object afterwards, before the server's defaults, admission and validation.
    pub body: Value,
    /// What we own afterwards.
    pub ours: FieldSet,
    /// Everybody who owns a field afterwards, in the server's order. An entry that the apply writes has no time: it is
    /// that of the apply, and counts as the latest.
    pub managers: Vec<Manager>,
    /// What the apply takes from others, and without force is refused for.
    pub conflicts: Vec<Conflict>,
}

/// Fields that somebody else owns and the apply changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Who owns them.
    pub writer: Writer,
    /// Which ones.
    pub fields: FieldSet,
}

/// What a forced apply of `desired` under the name `manager` makes of `live`, and of who owns what. An object that is
/// not there yet is one with nothing but its identity and no managers.
pub fn apply(live: ManagedObject<'_>, desired: &Value, shape: Type<'_>, manager: &str) -> Result<Applied, MergeError> {
    validate::object(desired, shape, Duplicates::Refused)?;
    validate::object(live.body, shape, Duplicates::Allowed)
        .map_err(|source| MergeError::Live { source: Box::new(source) })?;
    let version = desired.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let mut others = owners::of(live, version, shape)?;
    let last = others.iter().position(|owner| is_applier(&owner.manager, manager)).map(|at| others.remove(at));
    let mut ours = Owner {
        manager: entry(manager, version, last.as_ref()),
        fields: stored::without_reset(own::fields(desired, shape), shape),
    };

    let merged = combine::combine(Some(shape), live.body, desired);
    let owned = others.iter().fold(ours.fields.clone(), |all, owner| all.union(&owner.fields));
    let last = last.map(|owner| owner.fields).unwrap_or_default();
    let mut body = prune::prune(merged, &last, &owned, shape);
    let conflicts = take(&mut others, &changed(live.body, &body, shape));
    stored::reset(&mut body, live.body, shape);

    ours.fields = stored::recorded(&ours.fields);
    let writes = body != *live.body;
    if writes {
        ours.manager.time = None;
    }
    let set = ours.fields.clone();
    Ok(Applied { body, ours: set, managers: written(others, ours, writes), conflicts })
}

fn is_applier(manager: &Manager, name: &str) -> bool {
    manager.name == name && manager.operation == "Apply" && manager.subresource.is_empty()
}

fn entry(name: &str, version: &str, last: Option<&Owner>) -> Manager {
    Manager {
        name: name.to_owned(),
        operation: "Apply".to_owned(),
        subresource: String::new(),
        api_version: version.to_owned(),
        time: last.and_then(|owner| owner.manager.time.clone()),
        fields: Fields::default(),
    }
}

fn changed(live: &Value, body: &Value, shape: Type<'_>) -> Comparison {
    let found = compare(live, body, shape);
    let kept = |set| stored::without_reset(set, shape);
    Comparison { removed: kept(found.removed), modified: kept(found.modified), added: kept(found.added) }
}

/// Takes what an apply changes from the others, and what it removes.
fn take(others: &mut [Owner], changed: &Comparison) -> Vec<Conflict> {
    let set = changed.modified.clone().union(&changed.added);
    let mut conflicts = Vec::new();
    for owner in others {
        let fields = owner.fields.intersection(&set);
        if !fields.is_empty() {
            owner.fields = owner.fields.difference(&fields);
            conflicts.push(Conflict { writer: Writer::of(&owner.manager), fields });
        }
        owner.fields = owner.fields.difference(&changed.removed);
    }
    conflicts
}

/// The entries as a server sorts them: by operation, time, name and subresource. An entry without a time, as that of an
/// applier who has never changed a value, counts as the earliest; ours, where it `writes`, as the latest.
fn written(others: Vec<Owner>, ours: Owner, writes: bool) -> Vec<Manager> {
    let owners = others.into_iter().map(|owner| (false, owner)).chain([(writes, ours)]);
    let owners = owners.filter(|(_, owner)| !owner.fields.is_empty());
    let mut managers: Vec<(bool, Manager)> = owners.map(|(late, owner)| (late, owner.written())).collect();
    managers.sort_by(|(a_late, a), (b_late, b)| {
        let order = a.operation.cmp(&b.operation).then_with(|| (a_late, &a.time).cmp(&(b_late, &b.time)));
        order.then_with(|| a.name.cmp(&b.name)).then_with(|| a.subresource.cmp(&b.subresource))
    });
    managers.into_iter().map(|(_, manager)| manager).collect()
}
