//! Fields that were recorded under an older schema: where a map or list has become one whole since, whoever owned a
//! part of it owns all of it.

use crate::fields::FieldSet;
use crate::{ListType, MapType, Strategy, Type};
use weft_base::value::Step;

/// The fields as the schema says now; `None` where they need no change. (`ReconcileFieldSetWithSchema`.)
pub fn reconcile(fields: &FieldSet, shape: Type<'_>) -> Option<FieldSet> {
    let map = shape.map()?;
    if map.atomic { None } else { keys(map, fields) }
}

fn place(shape: Type<'_>, fields: &FieldSet) -> Option<FieldSet> {
    let divided = !fields.is_whole();
    if let Some(map) = shape.map() {
        let whole = map.atomic && !map.is_deduced();
        return if whole { divided.then(FieldSet::whole) } else { keys(map, fields) };
    }
    if shape.scalar().is_some() {
        return None;
    }
    match shape.list()? {
        list if *list.strategy == Strategy::Atomic => divided.then(FieldSet::whole),
        list => items(list, fields),
    }
}

fn keys(map: MapType<'_>, fields: &FieldSet) -> Option<FieldSet> {
    if map.is_deduced() {
        return None;
    }
    each(fields, |step, below| match step {
        Step::Field(name) => place(map.field(name)?, below),
        _ => place(map.rest()?, below),
    })
}

fn items(list: ListType<'_>, fields: &FieldSet) -> Option<FieldSet> {
    each(fields, |_, below| place(list.item, below))
}

fn each(fields: &FieldSet, changed: impl Fn(&Step, &FieldSet) -> Option<FieldSet>) -> Option<FieldSet> {
    let found: Vec<_> = fields.branches().map(|(step, below)| changed(step, below)).collect();
    if found.iter().all(Option::is_none) {
        return None;
    }
    let mut out = FieldSet::default().with_member(fields.member);
    for ((step, below), changed) in fields.branches().zip(found) {
        out.attach(step.clone(), changed.unwrap_or_else(|| below.clone()));
    }
    Some(out)
}
