//! Items of associative lists that have the same keys: a server refuses to apply them.

use super::place::Source;
use super::{ManifestError, ObjectId};
use crate::value::{Path, Step, Value};

const LISTS: &str = include_str!("associative.tsv");
const PODS: &str = include_str!("pods.tsv");

/// Refuses an object in which two items of an associative list have the same keys. Only built-in kinds are looked at.
pub fn check(body: &Value, id: &ObjectId, source: Source) -> Result<(), ManifestError> {
    let kind = id.kind.to_string();
    let pod = rows::<2>(PODS).find(|[it, _]| *it == kind).map(|[_, path]| path);
    for [owner, path, keys] in rows::<3>(LISTS) {
        let root = match owner {
            "pod" => pod,
            _ => (owner == kind).then_some(""),
        };
        if let Some(root) = root {
            let steps: Vec<&str> = root.split('.').chain(path.split('.')).filter(|step| !step.is_empty()).collect();
            walk(body, &Path::root(), &steps, &|path, list| unique(path, list, keys, id, source))?;
        }
    }
    Ok(())
}

type Check<'a> = dyn Fn(&Path, &[Value]) -> Result<(), ManifestError> + 'a;

fn walk(node: &Value, path: &Path, steps: &[&str], check: &Check) -> Result<(), ManifestError> {
    match steps.split_first() {
        None => node.as_list().map_or(Ok(()), |list| check(path, list)),
        Some((&"*", rest)) => {
            let items = node.as_list().unwrap_or_default();
            items.iter().enumerate().try_for_each(|(at, item)| walk(item, &named(path, at, item), rest, check))
        }
        Some((key, rest)) => node.get(key).map_or(Ok(()), |next| walk(next, &path.field(key), rest, check)),
    }
}

/// The path of an item, by its name where it has one.
fn named(path: &Path, at: usize, item: &Value) -> Path {
    match item.get("name") {
        Some(name) => path.then(Step::Item(vec![("name".into(), name.clone())])),
        None => path.index(at),
    }
}

fn unique(path: &Path, list: &[Value], keys: &str, id: &ObjectId, source: Source) -> Result<(), ManifestError> {
    let mut seen: Vec<Step> = Vec::new();
    for item in list {
        let step = Step::Item(keys.split(',').filter_map(|key| key_of(item, key)).collect());
        if seen.contains(&step) {
            let at = source.place(item.origin.mark, 1);
            return Err(ManifestError::DuplicateItem { id: id.clone().into(), path: path.then(step), at });
        }
        seen.push(step);
    }
    Ok(())
}

fn key_of(item: &Value, key: &str) -> Option<(String, Value)> {
    let (name, default) = key.split_once('=').map_or((key, None), |(name, default)| (name, Some(default)));
    let value = item.get(name).cloned().or_else(|| default.map(Value::from))?;
    Some((name.to_owned(), value))
}

fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split('\t').collect::<Vec<_>>().try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let lines = |table: &str| table.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!((rows::<3>(LISTS).count(), rows::<2>(PODS).count()), (lines(LISTS), lines(PODS)));
    }
}
