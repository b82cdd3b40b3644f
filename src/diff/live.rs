//! An object as the server sent it -> [`LiveObject`].

use super::{LAST_APPLIED, LiveObject, Manager};
use crate::manifest::ObjectId;
use crate::schema::Gvk;
use crate::value::{Map, Value};

/// Takes `metadata.managedFields` apart from the rest, and masks what is secret wherever it came from: the data of
/// Secrets, and copies of objects in annotations. `None` for a body without `apiVersion`, `kind` or name.
pub fn live(mut body: Value) -> Option<LiveObject> {
    let text = |keys: &[&str]| body.dig(keys).and_then(Value::as_str).map(str::to_owned);
    let gvk = Gvk::new(&text(&["apiVersion"])?, &text(&["kind"])?);
    let namespace = text(&["metadata", "namespace"]);
    let name = text(&["metadata", "name"])?;
    let metadata = body.as_map_mut()?.get_mut("metadata")?.as_map_mut()?;
    let entries = metadata.remove("managedFields");
    mask_copies(metadata);
    if gvk.group.is_empty() && gvk.kind == "Secret" {
        mask_data(body.as_map_mut()?);
    }
    let managers = entries.as_ref().and_then(Value::as_list).unwrap_or_default().iter().map(manager).collect();
    Some(LiveObject { id: ObjectId { kind: gvk.group_kind(), namespace, name }, body, managers })
}

fn mask_data(body: &mut Map) {
    for key in ["data", "stringData"] {
        if let Some(data) = body.get_mut(key) {
            *data = std::mem::take(data).masked();
        }
    }
}

fn mask_copies(metadata: &mut Map) {
    let annotations = metadata.get_mut("annotations").and_then(Value::as_map_mut);
    if let Some(copy) = annotations.and_then(|it| it.get_mut(LAST_APPLIED)) {
        *copy = std::mem::take(copy).masked();
    }
}

fn manager(entry: &Value) -> Manager {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    Manager {
        name: text("manager").unwrap_or_default(),
        operation: text("operation").unwrap_or_default(),
        subresource: text("subresource").unwrap_or_default(),
        api_version: text("apiVersion").unwrap_or_default(),
        time: text("time"),
        fields: entry.get("fieldsV1").cloned().unwrap_or_else(|| Map::new().into()),
    }
}
