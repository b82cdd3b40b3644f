//! Converts an inventory to and from its JSON document.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::hooks::HooksDocument;
use super::{FORMAT_VERSION, Inventory, Member, OWNED_VERSION, StateError};
use crate::diff::{Applied, Recorded};
use crate::manifest::ObjectId;
use crate::project::{Owner, Prune};
use weft_base::value::{Data, Path, Value};
use weft_schema::GroupKind;

/// What every version of the format has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionField {
    format_version: Option<Json>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InventoryDocument {
    format_version: u64,
    environment: String,
    release: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<Owner>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    objects: Vec<ObjectEntry>,
    #[serde(default, skip_serializing_if = "HooksDocument::is_empty")]
    hooks: HooksDocument,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObjectEntry {
    api_version: String,
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    uid: String,
    desired: String,
    owned: String,
    projection: String,
    applied: Applied,
}

/// The document of an inventory, as `docs/schema/inventory-v1.json` describes it. A record with a secret is refused.
pub(super) fn to_json(inventory: &Inventory) -> Result<Vec<u8>, StateError> {
    let objects = inventory.objects.iter().map(|(id, member)| entry(id, member)).collect::<Result<_, _>>()?;
    let document = InventoryDocument {
        // A program that does not know of projects must not take the inventory for its own.
        format_version: if inventory.owner.is_some() { OWNED_VERSION } else { FORMAT_VERSION },
        environment: inventory.environment.clone(),
        release: inventory.release.to_string(),
        project: inventory.owner.clone(),
        commit: inventory.commit.clone(),
        objects,
        hooks: HooksDocument::from_state(&inventory.hooks)?,
    };
    serde_json::to_vec(&document).map_err(|source| StateError::Format { source })
}

fn entry(id: &ObjectId, member: &Member) -> Result<ObjectEntry, StateError> {
    let secret = member.recorded.as_ref().and_then(|recorded| secret(recorded.applied.made()?, &Path::root()));
    if let Some(path) = secret {
        return Err(StateError::Secret { id: id.clone(), path: path.to_string() });
    }
    Ok(ObjectEntry {
        api_version: member.api_version.clone(),
        group: id.kind.group.clone(),
        kind: id.kind.kind.clone(),
        namespace: id.namespace.clone(),
        name: id.name.clone(),
        recorded: member.recorded.as_deref().map(|recorded| Record {
            uid: recorded.uid.clone(),
            desired: recorded.desired.clone(),
            owned: recorded.owned.clone(),
            projection: recorded.projection.clone(),
            applied: recorded.applied.clone(),
        }),
    })
}

/// The first masked leaf.
pub(super) fn secret(value: &Value, at: &Path) -> Option<Path> {
    match &value.data {
        Data::Masked(_) => Some(at.clone()),
        Data::Map(map) => map.iter().find_map(|entry| secret(&entry.value, &at.field(&entry.key))),
        Data::List(items) => items.iter().enumerate().find_map(|(index, item)| secret(item, &at.index(index))),
        _ => None,
    }
}

/// The inventory of a document; of one of another format version nothing else is told.
pub(super) fn from_json(bytes: &[u8]) -> Result<Inventory, StateError> {
    let document: InventoryDocument = parse(bytes, OWNED_VERSION, |it: &InventoryDocument| it.format_version)?;
    Ok(Inventory {
        environment: document.environment,
        release: document.release.into(),
        owner: document.project,
        commit: document.commit,
        objects: document.objects.into_iter().map(member).collect(),
        hooks: document.hooks.into(),
        prune: Prune::default(),
    })
}

/// A document of a format version up to `newest`; nothing else is told of one of another version.
pub(super) fn parse<D: DeserializeOwned>(bytes: &[u8], newest: u64, version: fn(&D) -> u64) -> Result<D, StateError> {
    let format = |source| StateError::Format { source };
    let is_read = |version: u64| (FORMAT_VERSION..=newest).contains(&version);
    match serde_json::from_slice::<D>(bytes) {
        Ok(document) if is_read(version(&document)) => Ok(document),
        other => {
            let VersionField { format_version } = serde_json::from_slice(bytes).map_err(format)?;
            if !format_version.as_ref().and_then(Json::as_u64).is_some_and(is_read) {
                let found = format_version.map_or_else(|| "none".into(), |it| it.to_string());
                return Err(StateError::Version { found, newest });
            }
            other.map_err(format)
        }
    }
}

fn member(entry: ObjectEntry) -> (ObjectId, Member) {
    let kind = GroupKind { group: entry.group, kind: entry.kind };
    let recorded = entry.recorded.map(|record| {
        let Record { uid, desired, owned, projection, applied } = record;
        Arc::new(Recorded { uid, desired, owned, projection, applied })
    });
    let id = ObjectId { kind, namespace: entry.namespace, name: entry.name };
    (id, Member { api_version: entry.api_version, recorded })
}
