//! Removes copies, by deleting them or by removing the marks of their owner. Either way it reads the copy right before,
//! and the request names exactly that one.

use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value as Json, json};

use super::account::{AccountFailure, Actor};
use super::server::{patch, refusal_of, send};
use super::target::{CopyAddress, delete_options, look};
use crate::SyncReason;
use crate::decide::{CopyOwner, is_ours, refusal};
use crate::marks::{MANAGER, OWNER_NAME, OWNER_NAMESPACE, OWNER_UID, SOURCE_HASH, SOURCE_NAME};
use weft_engine::cluster::Request;

/// How often somebody else may be faster.
const RACES: usize = 4;

/// How a copy is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is deleted.
    Delete,
    /// It loses the marks of its owner.
    Orphan,
}

/// Removes a copy. Returns `Ok(true)` if it was ours and is removed, `Ok(false)` if there was none of ours.
pub(crate) async fn remove(
    actor: &Actor<'_>,
    at: CopyAddress<'_>,
    owner: &CopyOwner,
    removal: Removal,
) -> Result<bool, (SyncReason, String)> {
    let mut why = String::new();
    for _ in 0..RACES {
        let Some(object) = look(actor, at).await? else { return Ok(false) };
        if !is_ours(&object, owner, at.name) {
            return Ok(false);
        }
        if object.metadata.deletion_timestamp.is_some() && removal == Removal::Delete {
            return Ok(true);
        }
        let answer = actor.call_once(&request(at, &object, removal)).await;
        match answer {
            Ok(answer) if answer.is_success() => return Ok(true),
            Ok(answer) if answer.code == 404 => return Ok(false),
            Ok(answer) if answer.code == 409 || answer.unsure => why = refusal_of(&answer).message,
            Ok(answer) => return Err((refusal(&refusal_of(&answer)), refusal_of(&answer).message)),
            Err(failed @ AccountFailure::Stopped(_)) => return Err(failed.into_parts()),
            Err(failed) => why = failed.into_parts().1,
        }
    }
    Err((SyncReason::ApiUnavailable, why))
}

fn request(at: CopyAddress<'_>, object: &ConfigMap, removal: Removal) -> Request {
    let meta = &object.metadata;
    match removal {
        Removal::Delete => {
            let options = delete_options(meta.uid.as_ref(), meta.resource_version.as_ref());
            send(Method::DELETE, at.path(), options.to_string())
        }
        Removal::Orphan => {
            let path = format!("{}?fieldManager={MANAGER}", at.path());
            patch(path, "application/merge-patch+json", &unmarking(object))
        }
    }
}

/// A patch that removes our labels and annotations, and us from the managers of fields.
fn unmarking(object: &ConfigMap) -> Json {
    let managers = object.metadata.managed_fields.as_deref().unwrap_or_default();
    let others: Vec<_> = managers.iter().filter(|it| it.manager.as_deref() != Some(MANAGER)).collect();
    // An empty list would be no change; one empty entry says that there are none.
    let fields = if others.is_empty() { json!([{}]) } else { json!(others) };
    json!({"metadata": {
        "resourceVersion": object.metadata.resource_version,
        "labels": {OWNER_NAMESPACE: null, OWNER_NAME: null},
        "annotations": {OWNER_UID: null, SOURCE_NAME: null, SOURCE_HASH: null},
        "managedFields": fields,
    }})
}
