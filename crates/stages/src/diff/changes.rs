//! Which leaves differ between two states of an object.

use super::places::{below, is_whole_map, items, name};
use weft_base::value::{Data, Path, Step, Value};
use weft_schema::Type;

/// Fields that the server keeps for itself.
const SERVER_METADATA: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// One leaf that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// Where.
    pub path: Path,
    /// What is there before.
    pub before: Option<Value>,
    /// What is there after.
    pub after: Option<Value>,
    /// Whether only the order of a list's items differs: then both sides are the names of the items that stay.
    pub order: bool,
}

/// The leaves that differ between two states, without what the server keeps for itself.
pub fn between(before: &Value, after: &Value, shape: Option<Type<'_>>) -> Vec<Delta> {
    let mut found = Vec::new();
    compare(&Path::root(), Some(before), Some(after), shape, &mut found);
    found
}

/// Whether a key at a path is the server's own: status, versions and bookkeeping.
pub fn is_server_field(path: &Path, key: &str) -> bool {
    match path.0.as_slice() {
        [] => ["apiVersion", "kind", "status"].contains(&key),
        [Step::Field(parent)] => parent == "metadata" && SERVER_METADATA.contains(&key),
        _ => false,
    }
}

fn compare(path: &Path, before: Option<&Value>, after: Option<&Value>, shape: Option<Type<'_>>, out: &mut Vec<Delta>) {
    if before == after {
        return;
    }
    if !is_whole_map(shape)
        && let Some((before, after)) = maps(before, after)
    {
        return compare_maps(path, before, after, shape, out);
    }
    if let Some((before, after)) = lists(before, after, shape) {
        return compare_lists(path, &before, &after, shape, out);
    }
    out.push(Delta { path: path.clone(), before: before.cloned(), after: after.cloned(), order: false });
}

/// Both sides as maps, of which one may be missing; a lone empty map is a leaf.
fn maps<'v>(before: Option<&'v Value>, after: Option<&'v Value>) -> Option<(Option<&'v Value>, Option<&'v Value>)> {
    let filled = |side: Option<&Value>| side.and_then(Value::as_map).is_some_and(|map| !map.is_empty());
    let fits = |side: Option<&Value>| side.is_none_or(|value| value.as_map().is_some());
    let both = before.is_some() && after.is_some();
    (fits(before) && fits(after) && (both || filled(before) || filled(after))).then_some((before, after))
}

fn compare_maps(
    path: &Path,
    before: Option<&Value>,
    after: Option<&Value>,
    shape: Option<Type<'_>>,
    out: &mut Vec<Delta>,
) {
    let entries =
        |side: Option<&Value>| side.and_then(Value::as_map).map(|map| map.keys().map(str::to_owned).collect());
    let mut keys: Vec<String> = entries(before).unwrap_or_default();
    let later: Vec<String> = entries(after).unwrap_or_default();
    keys.extend(later.into_iter().filter(|key| before.and_then(|b| b.get(key)).is_none()));
    // The path of an item that comes or goes as a whole shows its keys, so only its other fields are listed. An item that
    // has nothing but keys is listed by the first of them: it would not show up at all.
    let lone = before.is_none() || after.is_none();
    let first = keys.first().filter(|_| keys.iter().all(|key| is_key(path, key)));
    let identity = |key: &String| lone && is_key(path, key) && first != Some(key);
    for key in keys.iter().filter(|key| !is_server_field(path, key) && !identity(key)) {
        let side = |value: Option<&Value>| value.and_then(|v| v.get(key)).cloned();
        let before = side(before);
        let after = side(after);
        let shape = shape.and_then(|it| it.map()?.field(key));
        compare(&path.field(key), before.as_ref(), after.as_ref(), shape, out);
    }
}

/// Whether the last step of a path is an item that has `key` among its keys.
pub fn is_key(path: &Path, key: &str) -> bool {
    matches!(path.0.last(), Some(Step::Item(keys)) if keys.iter().any(|(name, _)| name == key))
}

type Items<'v> = Vec<(Step, &'v Value)>;

/// Both sides as associative lists, of which one may be missing.
fn lists<'v>(
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    shape: Option<Type<'_>>,
) -> Option<(Items<'v>, Items<'v>)> {
    let side = |value: Option<&'v Value>| match value.map(|v| &v.data) {
        None => Some(Vec::new()),
        Some(Data::List(list)) => items(list, shape),
        Some(_) => None,
    };
    let before = side(before)?;
    let after = side(after)?;
    (!before.is_empty() || !after.is_empty()).then_some((before, after))
}

fn compare_lists(path: &Path, before: &Items, after: &Items, shape: Option<Type<'_>>, out: &mut Vec<Delta>) {
    let find = |items: &Items, step: &Step| items.iter().find(|(other, _)| other == step).map(|(_, v)| (*v).clone());
    let added = after.iter().filter(|(step, _)| find(before, step).is_none());
    for (step, _) in before.iter().chain(added) {
        let before = find(before, step);
        let after = find(after, step);
        compare(&path.then(step.clone()), before.as_ref(), after.as_ref(), below(shape, step), out);
    }
    compare_order(path, before, after, out);
}

/// The server keeps the order of associative lists, so a change of the order alone is a change too.
fn compare_order(path: &Path, before: &Items, after: &Items, out: &mut Vec<Delta>) {
    let was = names_within(before, after);
    let is = names_within(after, before);
    if was != is {
        out.push(Delta { path: path.clone(), before: Some(was.into()), after: Some(is.into()), order: true });
    }
}

/// The names of the items that another list has too, in order.
fn names_within(items: &Items, others: &Items) -> Vec<Value> {
    items.iter().map(|(step, _)| step).filter(|s| others.iter().any(|(o, _)| o == *s)).map(name).collect()
}

/// The names of a list's items in their order, as [`Delta::order`] has them, of those that are among `wanted`.
pub fn order_of(list: &Value, wanted: &[Value], shape: Option<Type<'_>>) -> Vec<Value> {
    let found = list.as_list().and_then(|list| items(list, shape)).unwrap_or_default();
    found.iter().map(|(step, _)| name(step)).filter(|it| wanted.contains(it)).collect()
}
