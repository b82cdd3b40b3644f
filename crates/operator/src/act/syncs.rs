//! Reads `ConfigMapSync`s, and writes their finalizer and status.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::OperatorContext;
use super::server::{Caller, Unanswered, get, object, patch, refusal_of};
use crate::decide::Namespace;
use crate::marks::{FINALIZER, KEEP_COPIES, NamespacedName, STATUS_MANAGER};
use crate::{ConfigMapSync, ConfigMapSyncStatus};
use weft_engine::cluster::Answer;

/// The path of the objects.
const GROUP: &str = "/apis/weaver.example.com/v1alpha1";
/// The path of the definition.
const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/configmapsyncs.weaver.example.com";

/// An object that has only metadata.
#[derive(Deserialize)]
struct Meta {
    metadata: ObjectMeta,
}

/// The path of an object.
pub(crate) fn path(key: &NamespacedName) -> String {
    format!("{GROUP}/namespaces/{}/configmapsyncs/{}", key.namespace, key.name)
}

/// Reads an object as it is now. `None` if it does not exist.
pub(crate) async fn fresh(
    context: &OperatorContext,
    key: &NamespacedName,
) -> Result<Option<Arc<ConfigMapSync>>, Unanswered> {
    let answer = context.server.call(Caller::Operator, &get(path(key))).await?;
    if answer.code == 404 {
        return Ok(None);
    }
    let object = taken(context, &expect(answer)?)?;
    Ok(Some(object))
}

/// Reads a namespace as it is now. `None` if it does not exist.
pub(crate) async fn fresh_namespace(context: &OperatorContext, name: &str) -> Result<Option<Namespace>, Unanswered> {
    let request = get(format!("/api/v1/namespaces/{name}"));
    let answer = context.server.call(Caller::Operator, &request).await?;
    if answer.code == 404 {
        return Ok(None);
    }
    let found: Meta = object(&expect(answer)?)?;
    Ok(Some(namespace(&found.metadata)))
}

/// What matters of a namespace.
pub(crate) fn namespace(meta: &ObjectMeta) -> Namespace {
    Namespace {
        uid: meta.uid.clone().unwrap_or_default(),
        labels: meta.labels.clone().unwrap_or_default(),
        terminating: meta.deletion_timestamp.is_some(),
    }
}

/// Whether the definition of the kind is being deleted, or is gone. One that may not be read is taken to be there.
pub(crate) async fn is_undefined(context: &OperatorContext) -> Result<bool, Unanswered> {
    let answer = context.server.call(Caller::Operator, &get(DEFINITION.to_owned())).await?;
    match answer.code {
        404 => Ok(true),
        403 => Ok(false),
        _ => Ok(object::<Meta>(&expect(answer)?)?.metadata.deletion_timestamp.is_some()),
    }
}

/// Adds the finalizer to the object as it was seen. `None` if it has changed since.
pub(crate) async fn add_finalizer(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
) -> Result<Option<Arc<ConfigMapSync>>, Unanswered> {
    let add = match &sync.metadata.finalizers {
        Some(_) => json!({"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER}),
        None => json!({"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]}),
    };
    let version = json!({"op": "test", "path": "/metadata/resourceVersion", "value": sync.metadata.resource_version});
    changed(context, key, &json!([version, add])).await
}

/// Removes the finalizer, if it is where it was seen. `None` if the object has changed since, or is gone.
pub(crate) async fn remove_finalizer(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
) -> Result<Option<Arc<ConfigMapSync>>, Unanswered> {
    let finalizers = sync.metadata.finalizers.as_deref().unwrap_or_default();
    let Some(at) = finalizers.iter().position(|it| it == FINALIZER) else { return Ok(None) };
    let place = format!("/metadata/finalizers/{at}");
    let uid = json!({"op": "test", "path": "/metadata/uid", "value": sync.metadata.uid});
    let test = json!({"op": "test", "path": place, "value": FINALIZER});
    let patch = json!([uid, test, {"op": "remove", "path": place}]);
    let Some(answer) = patched(context, key, &patch).await? else { return Ok(None) };
    // It may be gone by now: only the watch says what is there.
    object(&answer).map(|sync: ConfigMapSync| Some(Arc::new(sync)))
}

/// Notes on an object that its copies stay.
pub(crate) async fn note_kept(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
) -> Result<(), Unanswered> {
    let body = json!({"metadata": {"uid": sync.metadata.uid, "annotations": {KEEP_COPIES: "true"}}});
    let request = patch(path(key), "application/merge-patch+json", &body);
    let answer = context.server.call(Caller::Operator, &request).await?;
    if answer.code == 404 { Ok(()) } else { taken(context, &expect(answer)?).map(drop) }
}

/// Writes a status, whole.
pub(crate) async fn write_status(
    context: &OperatorContext,
    key: &NamespacedName,
    sync: &ConfigMapSync,
    status: &ConfigMapSyncStatus,
) -> Result<(), Unanswered> {
    let body = json!({
        "apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync",
        "metadata": {"namespace": key.namespace, "name": key.name, "uid": sync.metadata.uid},
        "status": status,
    });
    let path = format!("{}/status?fieldManager={STATUS_MANAGER}&force=true", path(key));
    let request = patch(path, "application/apply-patch+yaml", &body);
    let answer = context.server.call(Caller::Operator, &request).await?;
    // It is gone, or another one has its name: nobody waits for this status.
    if matches!(answer.code, 404 | 409) { Ok(()) } else { taken(context, &expect(answer)?).map(drop) }
}

async fn changed(
    context: &OperatorContext,
    key: &NamespacedName,
    patch: &Json,
) -> Result<Option<Arc<ConfigMapSync>>, Unanswered> {
    let answer = patched(context, key, patch).await?;
    answer.map(|answer| taken(context, &answer)).transpose()
}

/// Patches an object. `None` if the preconditions of the patch do not hold.
async fn patched(context: &OperatorContext, key: &NamespacedName, change: &Json) -> Result<Option<Answer>, Unanswered> {
    let request = patch(path(key), "application/json-patch+json", change);
    let answer = context.server.call(Caller::Operator, &request).await?;
    if matches!(answer.code, 404 | 409 | 422) { Ok(None) } else { expect(answer).map(Some) }
}

/// The object of an answer, which is the newest that is known.
fn taken(context: &OperatorContext, answer: &Answer) -> Result<Arc<ConfigMapSync>, Unanswered> {
    let mut object: ConfigMapSync = object(answer)?;
    slim(&mut object.metadata);
    let object = Arc::new(object);
    context.world().sync_read(&object);
    Ok(object)
}

/// Drops what nobody asks for.
pub(crate) fn slim(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// An answer that says yes. Everything else says that the operator cannot do its work for now.
fn expect(answer: Answer) -> Result<Answer, Unanswered> {
    if answer.is_success() { Ok(answer) } else { Err(Unanswered::Lost(refusal_of(&answer).message)) }
}
