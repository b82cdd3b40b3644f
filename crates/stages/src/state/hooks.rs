//! Converts what an inventory records about hooks to and from JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StateError;
use super::document::secret;
use crate::manifest::ObjectId;
use crate::manifest::hooks::{Occasion, Point};
use crate::plan::hooks::{HookBody, HookLeftover, HookRecord, HookState};
use weft_base::value::{Path, Value};
use weft_schema::GroupKind;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct HooksDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    seen: Vec<HookRecordEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<LeftoverEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bodies: Vec<BodyEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HookRecordEntry {
    hook: ObjectIdEntry,
    point: String,
    digest: String,
    ran: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LeftoverEntry {
    object: ObjectIdEntry,
    api_version: String,
    hook: ObjectIdEntry,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BodyEntry {
    hook: ObjectIdEntry,
    body: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectIdEntry {
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

impl HooksDocument {
    pub(super) fn is_empty(&self) -> bool {
        self.unfinished.is_none() && self.seen.is_empty() && self.left.is_empty() && self.bodies.is_empty()
    }

    /// A hook in which anything is secret is refused.
    pub(super) fn from_state(kept: &HookState) -> Result<Self, StateError> {
        let seen = kept.seen.iter().map(|((hook, point), seen)| HookRecordEntry {
            hook: hook.into(),
            point: point.to_string(),
            digest: seen.digest.clone(),
            ran: seen.ran,
        });
        let left = kept.left.iter().map(|(object, left)| LeftoverEntry {
            object: object.into(),
            api_version: left.api_version.clone(),
            hook: (&left.of).into(),
        });
        let body = |(hook, HookBody(body)): (&ObjectId, &HookBody)| match secret(body, &Path::root()) {
            Some(path) => Err(StateError::Secret { id: hook.clone(), path: path.to_string() }),
            None => Ok(BodyEntry { hook: hook.into(), body: (**body).clone() }),
        };
        Ok(Self {
            unfinished: kept.unfinished.map(|it| it.to_string()),
            seen: seen.collect(),
            left: left.collect(),
            bodies: kept.bodies.iter().map(body).collect::<Result<_, _>>()?,
        })
    }
}

impl From<HooksDocument> for HookState {
    /// A point or an occasion that no version of this format has is nothing that was seen.
    fn from(hooks: HooksDocument) -> Self {
        let seen = hooks.seen.into_iter().filter_map(|it| {
            let point = Point::of(&it.point)?;
            Some(((it.hook.into(), point), HookRecord { digest: it.digest, ran: it.ran }))
        });
        let left = hooks.left.into_iter().map(|it| {
            let left = HookLeftover { api_version: it.api_version, of: it.hook.into() };
            (it.object.into(), left)
        });
        let bodies = hooks.bodies.into_iter().map(|it| (it.hook.into(), HookBody(Arc::new(it.body))));
        Self {
            unfinished: hooks.unfinished.as_deref().and_then(Occasion::of),
            seen: seen.collect(),
            left: left.collect(),
            bodies: bodies.collect(),
        }
    }
}

impl From<&ObjectId> for ObjectIdEntry {
    fn from(id: &ObjectId) -> Self {
        let ObjectId { kind, namespace, name } = id.clone();
        Self { group: kind.group, kind: kind.kind, namespace, name }
    }
}

impl From<ObjectIdEntry> for ObjectId {
    fn from(id: ObjectIdEntry) -> Self {
        let ObjectIdEntry { group, kind, namespace, name } = id;
        Self { kind: GroupKind { group, kind }, namespace, name }
    }
}
