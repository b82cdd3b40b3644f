//! What a server never records, and what it does not take from an apply.

use std::sync::LazyLock;

use crate::fields::FieldSet;
use crate::{MapType, Type};
use weft_base::value::{Map, Path, Value};

/// The fields that identify an object or are the server's own (apimachinery `stripMeta`).
static NEVER: LazyLock<FieldSet> = LazyLock::new(|| {
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let metadata = metadata.map(|name| Path::of_fields(["metadata", name]));
    metadata.into_iter().chain(["apiVersion", "kind", "metadata"].map(|name| Path::of_fields([name]))).collect()
});

static STATUS: LazyLock<FieldSet> = LazyLock::new(|| [Path::of_fields(["status"])].into_iter().collect());

/// What a server records of the fields that a manager applied.
pub fn recorded(fields: &FieldSet) -> FieldSet {
    fields.difference(&NEVER)
}

/// The fields without those that a write of the object itself resets: its status, where that is a subresource.
pub fn without_reset(fields: FieldSet, shape: Type<'_>) -> FieldSet {
    if resets_status(shape) { fields.recursive_difference(&STATUS) } else { fields }
}

/// The body with what a write resets as it was.
pub fn reset(body: &mut Value, live: &Value, shape: Type<'_>) {
    let Some(map) = body.as_map_mut().filter(|_| resets_status(shape)) else { return };
    match live.get("status") {
        Some(status) => drop(map.insert("status", status.clone())),
        None => drop(Map::remove(map, "status")),
    }
}

fn resets_status(shape: Type<'_>) -> bool {
    shape.map().is_some_and(MapType::resets_status)
}
