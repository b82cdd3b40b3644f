//! The part of an object that a set of fields names: what we own of it.

use super::canonical;
use super::equivalence::is_left_out;
use super::lists::position_of;
use super::places::below;
use weft_base::value::{Data, Map, Step, Value};
use weft_schema::Type;
use weft_schema::fields::FieldSet;

/// Appends what `set` names of `object`, in one canonical form: each owned value, each owned item's presence, and the
/// relative order of owned items. Fields that the set does not name leave no trace, so others may change them. Answers
/// whether all that is owned is there, and not `null`.
///
/// The names of the fields are not part of it: it says something together with the set, whose order it follows.
pub fn write(object: &Value, set: &FieldSet, out: &mut Vec<u8>) -> bool {
    if set.is_leaf() {
        canonical::write(&object.data, out);
        return !object.is_null();
    }
    match &object.data {
        Data::List(items) => write_list(items, set, out),
        Data::Map(map) => {
            out.push(b'(');
            let mut whole = true;
            for (step, child) in set.branches() {
                let node = if let Step::Field(name) = step { map.get(name) } else { None };
                whole &= write_child(node, child, out);
            }
            whole
        }
        _ => {
            out.push(b'!');
            false
        }
    }
}

/// Whether a map that is owned, and wanted empty, is not there though it could be: a server's merge takes a map away that
/// lost all its keys, and the next apply brings it. `desired` is what was applied, `object` the answer to it. Where `shape`
/// says that the server leaves an empty map out, it is there as far as it ever will be.
pub fn is_hollow(desired: &Value, object: Option<&Value>, set: &FieldSet, shape: Option<Type<'_>>) -> bool {
    if desired.as_map().is_some_and(Map::is_empty) && object.is_none_or(Value::is_null) {
        return true;
    }
    set.branches().any(|(step, inner)| {
        let there = object.and_then(|it| follow(it, step));
        let Some(wanted) = follow(desired, step) else { return false };
        let dropped = || matches!(step, Step::Field(key) if is_left_out(shape.and_then(Type::map), key, wanted));
        !dropped() && is_hollow(wanted, there, inner, below(shape, step))
    })
}

fn follow<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
    match (&value.data, step) {
        (Data::Map(map), Step::Field(name)) => map.get(name),
        (Data::List(items), step) => items.get(position_of(items, step)?),
        _ => None,
    }
}

/// The items that are owned, and the order in which they stand: the server keeps it, and a change of it is a write.
fn write_list(items: &[Value], set: &FieldSet, out: &mut Vec<u8>) -> bool {
    out.push(b'[');
    let places: Vec<Option<usize>> = set.branches().map(|(step, _)| position_of(items, step)).collect();
    let mut whole = true;
    for ((_, child), place) in set.branches().zip(&places) {
        whole &= write_child(place.and_then(|at| items.get(at)), child, out);
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|at| places[*at]);
    for at in order {
        canonical::number(b'o', at, out);
    }
    whole
}

fn write_child(node: Option<&Value>, set: &FieldSet, out: &mut Vec<u8>) -> bool {
    let Some(node) = node else {
        out.push(b'-');
        return false;
    };
    write(node, set, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::value::Path;
    use weft_schema::Gvk;

    #[test]
    fn a_map_that_is_wanted_empty_and_is_not_there_is_hollow() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let set: FieldSet = [Path::of_fields(["spec", "a"])].into_iter().collect();
        let wanted = value(r#"{"spec": {"a": {}}}"#);
        for (there, hollow) in [
            (r#"{"spec": {"a": {}}}"#, false),
            (r#"{"spec": {"a": {"b": 1}}}"#, false),
            (r#"{"spec": {"a": null}}"#, true),
            (r#"{"spec": {}}"#, true),
        ] {
            assert_eq!(is_hollow(&wanted, Some(&value(there)), &set, None), hollow, "{there}");
        }
        let pod = weft_schema::builtin_schemas().of(&Gvk::new("v1", "Pod"));
        for (field, hollow) in [("nodeSelector", false), ("securityContext", true)] {
            let set: FieldSet = [Path::of_fields(["spec", field])].into_iter().collect();
            let wanted = value(&format!(r#"{{"spec": {{"{field}": {{}}}}}}"#));
            assert_eq!(is_hollow(&wanted, Some(&value(r#"{"spec": {}}"#)), &set, pod), hollow, "{field}");
        }
        assert!(!is_hollow(&value(r#"{"spec": {"a": 1}}"#), Some(&value(r#"{"spec": {}}"#)), &set, None));
    }
}
