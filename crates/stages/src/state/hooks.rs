//! What an inventory keeps about hooks <-> its JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StateError;
use super::document::secret;
use crate::manifest::ObjectId;
use crate::manifest::hooks::{Occasion, Point};
use crate::plan::hooks::{KeptBody, KeptHooks, Left, Seen};
use weft_base::value::{Path, Value};
use weft_schema::GroupKind;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Hooks {
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    seen: Vec<SeenEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<LeftEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bodies: Vec<BodyEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SeenEntry {
    hook: Id,
    point: String,
    digest: String,
    ran: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LeftEntry {
    object: Id,
    api_version: String,
    hook: Id,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BodyEntry {
    hook: Id,
    body: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Id {
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

impl Hooks {
    pub(super) fn is_empty(&self) -> bool {
        self.unfinished.is_none() && self.seen.is_empty() && self.left.is_empty() && self.bodies.is_empty()
    }

    /// A hook in which anything is secret is refused.
    pub(super) fn of(kept: &KeptHooks) -> Result<Self, StateError> {
        let seen = kept.seen.iter().map(|((hook, point), seen)| SeenEntry {
            hook: hook.into(),
            point: point.to_string(),
            digest: seen.digest.clone(),
            ran: seen.ran,
        });
        let left = kept.left.iter().map(|(object, left)| LeftEntry {
            object: object.into(),
            api_version: left.api_version.clone(),
            hook: (&left.of).into(),
        });
        let body = |(hook, KeptBody(body)): (&ObjectId, &KeptBody)| match secret(body, &Path::root()) {
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

impl From<Hooks> for KeptHooks {
    /// A point or an occasion that no version of this format has is nothing that was seen.
    fn from(hooks: Hooks) -> Self {
        let seen = hooks.seen.into_iter().filter_map(|it| {
            let point = Point::of(&it.point)?;
            Some(((it.hook.into(), point), Seen { digest: it.digest, ran: it.ran }))
        });
        let left = hooks.left.into_iter().map(|it| {
            let left = Left { api_version: it.api_version, of: it.hook.into() };
            (it.object.into(), left)
        });
        let bodies = hooks.bodies.into_iter().map(|it| (it.hook.into(), KeptBody(Arc::new(it.body))));
        Self {
            unfinished: hooks.unfinished.as_deref().and_then(Occasion::of),
            seen: seen.collect(),
            left: left.collect(),
            bodies: bodies.collect(),
        }
    }
}

impl From<&ObjectId> for Id {
    fn from(id: &ObjectId) -> Self {
        let ObjectId { kind, namespace, name } = id.clone();
        Self { group: kind.group, kind: kind.kind, namespace, name }
    }
}

impl From<Id> for ObjectId {
    fn from(id: Id) -> Self {
        let Id { group, kind, namespace, name } = id;
        Self { kind: GroupKind { group, kind }, namespace, name }
    }
}
