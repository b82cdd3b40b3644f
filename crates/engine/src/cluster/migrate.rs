//! Moving the ownership of fields: a guarded write of `metadata.managedFields`.

use http::Method;
use serde_json::{Map as JsonMap, Value as Json, json};

use super::live::path;
use super::request::Request;
use super::rights::Right;
use super::{Cluster, FIELD_MANAGER, Refusal, WriteError};
use weft_base::percent;
use weft_base::value::{Map, Value};
use weft_schema::Resource;
use weft_stages::diff::{self, LiveObject, Manager, Migration};
use weft_stages::manifest::{ObjectId, PART_OF};

/// The parts of `metadata` that a client may write.
const WRITABLE: [&str; 4] = ["annotations", "labels", "finalizers", "ownerReferences"];

impl Cluster {
    /// Replaces the managed fields of an object, if it still is in the version that was looked at; otherwise the
    /// answer is [`Refusal::Conflict`]. A migration with a body is only a dry run, whatever the version is.
    pub async fn migrate(
        &self,
        id: &ObjectId,
        resource: &Resource,
        migration: &Migration,
    ) -> Result<LiveObject, WriteError> {
        let dry_run = if migration.body.is_some() { "&dryRun=All" } else { "" };
        let path = path(resource, id.namespace.as_deref(), Some(&id.name));
        let path = format!("{path}?fieldManager={}&fieldValidation=Strict{dry_run}", percent::segment(FIELD_MANAGER));
        let bytes = serde_json::to_vec(&patch(migration)).map_err(|error| WriteError::Refused {
            refusal: Refusal::Invalid,
            message: format!("{id} cannot be written as JSON: {error}"),
        })?;
        let request = Request::get(path, format!("move the ownership of fields of {id}"))
            .needs(Right::new("patch", resource, id.namespace.as_deref()))
            .with(Method::PATCH, "application/json-patch+json", bytes);
        let answer = self.write(&request).await?;
        let body = serde_json::from_slice(&answer.body)
            .map_err(|error| WriteError::Unknown { reason: format!("the answer cannot be read: {error}") })?;
        diff::live(body).ok_or_else(|| WriteError::Unknown { reason: "the answer is not an object".to_owned() })
    }
}

impl Cluster {
    /// Takes our label off an object, and gives up all its fields, which keep their values. It is done only if the object
    /// still is in the version that was looked at; otherwise the answer is [`Refusal::Conflict`].
    pub async fn let_go(&self, id: &ObjectId, resource: &Resource, live: &LiveObject) -> Result<(), WriteError> {
        let path = path(resource, id.namespace.as_deref(), Some(&id.name));
        let path = format!("{path}?fieldManager={}", percent::segment(FIELD_MANAGER));
        let bytes = Json::from(release(live)).to_string().into_bytes();
        let request = Request::get(path, format!("let go of {id}"))
            .needs(Right::new("patch", resource, id.namespace.as_deref()))
            .with(Method::PATCH, "application/json-patch+json", bytes);
        self.write(&request).await.map(drop)
    }
}

/// The JSON patch that lets go of an object. A server reads a list with one empty entry as "nobody owns anything", and an
/// empty one as "I did not mean that".
fn release(live: &LiveObject) -> Vec<Json> {
    let mut entries: Vec<Json> = live.managers.iter().filter(|it| it.name != FIELD_MANAGER).map(entry).collect();
    if entries.is_empty() {
        entries.push(json!({}));
    }
    let version = live.body.dig(&["metadata", "resourceVersion"]).and_then(Value::as_str);
    let mut patch = vec![
        json!({"op": "add", "path": "/metadata/managedFields", "value": entries}),
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}),
    ];
    if live.body.dig(&["metadata", "labels", PART_OF]).is_some() {
        patch.push(json!({"op": "remove", "path": format!("/metadata/labels/{}", PART_OF.replace('/', "~1"))}));
    }
    patch
}

/// The JSON patch. The version is replaced, not tested: so the server answers that it was overtaken, and does not call
/// the patch wrong. A dry run is asked of any version: who writes the status all the time must not keep the answer from
/// us.
fn patch(migration: &Migration) -> Vec<Json> {
    let entries: Vec<Json> = migration.managers.iter().map(entry).collect();
    let mut patch = vec![json!({"op": "add", "path": "/metadata/managedFields", "value": entries})];
    let Some((before, after)) = &migration.body else {
        patch.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": migration.resource_version}));
        return patch;
    };
    let ours = |key: &str| !["apiVersion", "kind", "metadata", "status"].contains(&key);
    replace("", before.as_map(), after.as_map(), &ours, &mut patch);
    let metadata = |body: &Value| body.get("metadata").and_then(Value::as_map).cloned();
    let writable = |key: &str| WRITABLE.contains(&key);
    replace("/metadata", metadata(before).as_ref(), metadata(after).as_ref(), &writable, &mut patch);
    patch
}

/// Writes the keys that differ, each as a whole.
fn replace(at: &str, before: Option<&Map>, after: Option<&Map>, wanted: &dyn Fn(&str) -> bool, patch: &mut Vec<Json>) {
    let get = |side: Option<&Map>, key: &str| side.and_then(|it| it.get(key)).cloned();
    let pointer = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    for entry in after.into_iter().flatten().filter(|it| wanted(&it.key)) {
        if get(before, &entry.key).as_ref() != Some(&entry.value) {
            patch.push(json!({"op": "add", "path": pointer(&entry.key), "value": entry.value.exposed()}));
        }
    }
    for entry in before.into_iter().flatten().filter(|it| wanted(&it.key) && get(after, &it.key).is_none()) {
        patch.push(json!({"op": "remove", "path": pointer(&entry.key)}));
    }
}

/// An entry as the server writes it.
fn entry(manager: &Manager) -> Json {
    let texts = [
        ("manager", Some(&manager.name)),
        ("operation", Some(&manager.operation)),
        ("apiVersion", Some(&manager.api_version)),
        ("subresource", Some(&manager.subresource).filter(|it| !it.is_empty())),
        ("time", manager.time.as_ref()),
    ];
    let mut map: JsonMap<String, Json> =
        texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.as_str().into()))).collect();
    map.insert("fieldsType".to_owned(), "FieldsV1".into());
    map.insert("fieldsV1".to_owned(), json!(*manager.fields));
    map.into()
}
