//! Items of associative lists that have the same keys: a server refuses to apply them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::place::Source;
use super::{ManifestError, ObjectId};
use weft_base::value::{Key, Path, Step, Value};
use weft_schema::rows;

const LISTS: &str = include_str!("associative.tsv");
const PODS: &str = include_str!("pods.tsv");

/// The associative lists of a kind: the steps that lead to each, and its keys.
type Lists = Vec<(Vec<&'static str>, &'static str)>;

static BY_KIND: LazyLock<HashMap<&'static str, Lists>> = LazyLock::new(by_kind);

/// The kinds that hold pods, each with the path of the pod's spec.
pub(crate) fn pod_specs() -> impl Iterator<Item = [&'static str; 2]> {
    rows::<2>(PODS)
}

/// Refuses an object in which two items of an associative list have the same keys. Only built-in kinds are looked at.
pub fn check(body: &Value, id: &ObjectId, source: Source) -> Result<(), ManifestError> {
    let lists = BY_KIND.get(id.kind.to_string().as_str()).into_iter().flatten();
    for (steps, keys) in lists {
        walk(body, &Path::root(), steps, &|path, list| unique(path, list, keys, id, source))?;
    }
    Ok(())
}

fn by_kind() -> HashMap<&'static str, Lists> {
    let mut all: HashMap<_, Lists> = HashMap::new();
    for [owner, path, keys] in rows::<3>(LISTS) {
        let roots = if owner == "pod" { pod_specs().collect() } else { vec![[owner, ""]] };
        for [kind, root] in roots {
            let steps = root.split('.').chain(path.split('.')).filter(|step| !step.is_empty()).collect();
            all.entry(kind).or_default().push((steps, keys));
        }
    }
    all
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
pub(super) fn named(path: &Path, at: usize, item: &Value) -> Path {
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

fn key_of(item: &Value, key: &str) -> Option<(Key, Value)> {
    let (name, default) = key.split_once('=').map_or((key, None), |(name, default)| (name, Some(default)));
    let value = item.get(name).cloned().or_else(|| default.map(Value::from))?;
    Some((name.into(), value))
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
