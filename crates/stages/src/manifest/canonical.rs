//! The one form of an object that is compared, sent and recorded: what the server would store of it.

use super::place::Source;
use super::secret;
use super::{ManifestError, ObjectId};
use weft_base::value::{Data, Map, Mark, Path, Value};

/// Fields of `metadata` that must not be written.
const FORBIDDEN: [&str; 4] = ["generateName", "managedFields", "resourceVersion", "uid"];
/// Fields of `metadata` that the server sets, and that dumps of live objects have.
const DROPPED: [&str; 4] = ["creationTimestamp", "generation", "selfLink", "deletionTimestamp"];
/// Maps that say nothing where they are empty, by the kinds of their keys' owners.
const EMPTY_METADATA: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

/// Puts an object into its canonical form. What is left out although somebody wrote it is told as warnings.
pub fn canonical(body: &mut Map, id: &ObjectId, source: Source) -> Result<Vec<String>, ManifestError> {
    let mut warnings = Vec::new();
    if let Some(status) = body.remove("status").filter(says_something) {
        warnings.push(format!("`status` is left out, since only controllers write it{}", at(&status, source)));
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_map_mut) {
        check_metadata(metadata, id, source)?;
        warnings.extend(strip_metadata(metadata, source));
    }
    if id.kind.group.is_empty() && id.kind.kind == "Secret" {
        secret::fold(body, id, source)?;
    }
    let mut nulls = Vec::new();
    if body.iter().any(|entry| holds_null(&entry.value)) {
        strip_nulls(body, &Path::root(), &mut nulls);
    }
    if let Some((_, first)) = nulls.first() {
        let paths: Vec<String> = nulls.iter().map(|(path, _)| format!("`{path}`")).collect();
        let verb = if nulls.len() == 1 { "is" } else { "are" };
        let origin = source.origin(*first);
        warnings
            .push(format!("{} {verb} null and left out, since an apply cannot set null ({origin})", paths.join(", ")));
    }
    drop_empty(body, id);
    Ok(warnings.into_iter().map(|warning| format!("`{id}`: {warning}.")).collect())
}

fn at(value: &Value, source: Source) -> String {
    format!(" ({})", source.origin(value.origin.mark))
}

fn check_metadata(metadata: &Map, id: &ObjectId, source: Source) -> Result<(), ManifestError> {
    let written = |field: &&str| metadata.get(field).is_some_and(|value| !value.is_null());
    match FORBIDDEN.into_iter().find(written) {
        Some(field) => Err(forbidden(metadata, field, id.to_string(), source)),
        None => Ok(()),
    }
}

/// The error about a field of `metadata` that must not be there.
pub fn forbidden(metadata: &Map, field: &'static str, id: String, source: Source) -> ManifestError {
    let mark = metadata.entry(field).map_or(Mark::default(), |entry| entry.mark);
    ManifestError::Forbidden { id, field, at: source.place(mark, field.len()) }
}

fn strip_metadata(metadata: &mut Map, source: Source) -> Vec<String> {
    let stripped = DROPPED.into_iter().filter_map(|field| Some((field, metadata.remove(field)?)));
    stripped
        .filter(|(_, value)| says_something(value))
        .map(|(field, value)| format!("`metadata.{field}` is left out, since the server sets it{}", at(&value, source)))
        .collect()
}

/// Whether anything below is more than an empty text, list or map: generators write `status: {conditions: []}`.
fn says_something(value: &Value) -> bool {
    match &value.data {
        Data::Null => false,
        Data::Text(text) => !text.is_empty(),
        Data::List(items) => items.iter().any(says_something),
        Data::Map(map) => map.iter().any(|entry| says_something(&entry.value)),
        _ => true,
    }
}

/// Whether a null is somewhere in a node. Most objects have none, and then no path is made.
fn holds_null(value: &Value) -> bool {
    match &value.data {
        Data::Null => true,
        Data::List(items) => items.iter().any(holds_null),
        Data::Map(map) => map.iter().any(|entry| holds_null(&entry.value)),
        _ => false,
    }
}

/// Removes nulls from maps and lists, and notes their places; `creationTimestamp: null`, which Go's generators write
/// everywhere, is removed without a word.
fn strip_nulls(map: &mut Map, path: &Path, found: &mut Vec<(Path, Mark)>) {
    map.retain(|entry| {
        if entry.value.is_null() && entry.key != "creationTimestamp" {
            found.push((path.field(&entry.key), entry.mark));
        }
        !entry.value.is_null()
    });
    for entry in map {
        strip_below(&mut entry.value, &path.field(&entry.key), found);
    }
}

fn strip_below(value: &mut Value, path: &Path, found: &mut Vec<(Path, Mark)>) {
    match &mut value.data {
        Data::Map(map) => strip_nulls(map, path, found),
        Data::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                if item.is_null() {
                    found.push((path.index(at), item.origin.mark));
                }
                strip_below(item, &path.index(at), found);
            }
            items.retain(|item| !item.is_null());
        }
        _ => {}
    }
}

/// Removes maps that the server does not store where they are empty, but would let us own.
fn drop_empty(body: &mut Map, id: &ObjectId) {
    let is_empty = |value: Option<&Value>| match value.map(|v| &v.data) {
        Some(Data::Map(map)) => map.is_empty(),
        Some(Data::List(items)) => items.is_empty(),
        _ => false,
    };
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_map_mut) {
        metadata.retain(|entry| !(EMPTY_METADATA.contains(&entry.key.as_str()) && is_empty(Some(&entry.value))));
    }
    if id.kind.group.is_empty() && ["ConfigMap", "Secret"].contains(&id.kind.kind.as_str()) {
        for key in ["data", "binaryData"] {
            if is_empty(body.get(key)) {
                body.remove(key);
            }
        }
    }
}
