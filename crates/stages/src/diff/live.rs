//! An object as the server sent it -> [`LiveObject`].

use super::sent::Sent;
use super::{LAST_APPLIED, LiveObject, Manager};
use crate::manifest::ObjectId;
use weft_base::value::{Map, Value};
use weft_schema::Gvk;
use weft_schema::fields::Fields;

/// Takes `metadata.managedFields` apart from the rest, and masks what is secret wherever it came from: the data of
/// Secrets, and copies of objects in annotations. `None` for a body without `apiVersion`, `kind` or name.
pub fn live(body: Value) -> Option<LiveObject> {
    Sent::from(body).live()
}

impl Sent {
    /// The object as the stages know it, see [`live`].
    pub fn live(self) -> Option<LiveObject> {
        let Self { mut body, managers } = self;
        let text = |keys: &[&str]| body.dig(keys).and_then(Value::as_str);
        let gvk = Gvk::new(text(&["apiVersion"])?, text(&["kind"])?);
        let namespace = text(&["metadata", "namespace"]).map(str::to_owned);
        let name = text(&["metadata", "name"])?.to_owned();
        mask_copies(body.as_map_mut()?.get_mut("metadata")?.as_map_mut()?);
        if gvk.group.is_empty() && gvk.kind == "Secret" {
            mask_data(body.as_map_mut()?);
        }
        let id = ObjectId { kind: gvk.into_group_kind(), namespace, name };
        Some(LiveObject { id, body, managers })
    }
}

impl From<Value> for Sent {
    fn from(mut body: Value) -> Self {
        let metadata = body.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut);
        let entries = metadata.and_then(|it| it.remove("managedFields"));
        let managers = entries.as_ref().and_then(Value::as_list).unwrap_or_default().iter().map(manager).collect();
        Self { body, managers }
    }
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
        fields: entry.get("fieldsV1").cloned().map(Fields::from).unwrap_or_default(),
    }
}
