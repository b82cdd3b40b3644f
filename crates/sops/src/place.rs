//! Changes of single places in a tree of values.

use std::collections::BTreeSet;

use super::SecretsError;
use weft_base::value::{Data, Entry, Map, Mark, Path, Step, Value};

/// Sets the value at a path; maps and lists on the way are made where there is nothing. Returns whether it was another.
pub(super) fn set(root: &mut Value, path: &Path, mut value: Value) -> Result<bool, SecretsError> {
    let no_place = || SecretsError::NoPlace { path: path.clone() };
    let mut node = root;
    let mut made = false;
    for step in &path.0 {
        if node.is_null() {
            node.data = if matches!(step, Step::Field(_)) { Data::Map(Map::new()) } else { Data::List(Vec::new()) };
            made = true;
        }
        node = match (&mut node.data, step) {
            (Data::Map(map), Step::Field(key)) => {
                made |= !map.contains(key);
                map.get_or_insert(key)
            }
            (Data::List(items), Step::Index(at)) if *at <= items.len() => {
                if *at == items.len() {
                    items.push(Value::default());
                    made = true;
                }
                items.get_mut(*at).ok_or_else(no_place)?
            }
            _ => return Err(no_place()),
        };
    }
    if !made && node.data == value.data && node.kind() == value.kind() {
        return Ok(false);
    }
    let mark = node.origin.mark;
    adopt(&mut value, node);
    value.origin.mark = mark;
    *node = value;
    Ok(true)
}

/// Takes the value at a path away; whether there was one.
pub(super) fn unset(root: &mut Value, path: &Path) -> bool {
    let Some((last, above)) = path.0.split_last() else { return false };
    let holder = above.iter().try_fold(root, |node, step| match (&mut node.data, step) {
        (Data::Map(map), Step::Field(key)) => map.get_mut(key),
        (Data::List(items), Step::Index(at)) => items.get_mut(*at),
        _ => None,
    });
    match (holder.map(|it| &mut it.data), last) {
        (Some(Data::Map(map)), Step::Field(key)) => map.remove(key).is_some(),
        (Some(Data::List(items)), Step::Index(at)) if *at < items.len() => {
            items.remove(*at);
            true
        }
        _ => false,
    }
}

/// Gives the nodes of a new tree the places that nodes of the old one have under the same keys, so that comments find
/// their lines again; all others have no place.
pub(super) fn adopt(new: &mut Value, old: &Value) {
    new.origin = old.origin.clone();
    match (&mut new.data, &old.data) {
        (Data::Map(new), Data::Map(old)) => {
            for Entry { key, mark, value } in new.iter_mut() {
                let was = old.entry(key);
                *mark = was.map_or(Mark::default(), |it| it.mark);
                match was {
                    Some(was) => adopt(value, &was.value),
                    None => forget(value),
                }
            }
        }
        (Data::List(new), Data::List(old)) => {
            for (at, item) in new.iter_mut().enumerate() {
                match old.get(at) {
                    Some(was) => adopt(item, was),
                    None => forget(item),
                }
            }
        }
        (data, _) => forget_below(data),
    }
}

/// The lines that keys and leaves stand on.
pub(super) fn lines(value: &Value) -> BTreeSet<u32> {
    let mut lines = BTreeSet::new();
    collect(value, &mut lines);
    lines
}

fn collect(value: &Value, lines: &mut BTreeSet<u32>) {
    match &value.data {
        Data::Map(map) => map.iter().for_each(|Entry { mark, value, .. }| {
            lines.insert(mark.line);
            collect(value, lines);
        }),
        Data::List(items) => items.iter().for_each(|item| collect(item, lines)),
        _ => drop(lines.insert(value.origin.mark.line)),
    }
}

fn forget(value: &mut Value) {
    value.origin.mark = Mark::default();
    forget_below(&mut value.data);
}

fn forget_below(data: &mut Data) {
    match data {
        Data::Map(map) => map.iter_mut().for_each(|Entry { mark, value, .. }| {
            *mark = Mark::default();
            forget(value);
        }),
        Data::List(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}
