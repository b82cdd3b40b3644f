//! Converts revisions and packs to and from their JSON documents; see `docs/schema/history-v1.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Cover, Pack, PackedObject, Provenance, Revision, RevisionOutcome};
use crate::diff::Stripped;
use crate::manifest::ObjectId;
use crate::state::document::parse;
use crate::state::{FORMAT_VERSION, StateError};
use weft_base::value::{Path, Step, Value};
use weft_schema::GroupKind;

/// The version of revisions that say what the command line set. Version 1 is read as well.
const SET_VERSION: u64 = 2;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevisionDocument {
    format_version: u64,
    environment: String,
    release: String,
    revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dirty: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    by: String,
    at: String,
    plan: String,
    weft: String,
    result: ResultWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rolled_back_to: Option<u64>,
    packs: Vec<PackReference>,
    objects: Vec<RevisionEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ResultWord {
    Done,
    Failed,
    Partial,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PackReference {
    name: String,
    objects: usize,
    readers: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevisionEntry {
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    digest: String,
    pack: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PackDocument {
    format_version: u64,
    name: String,
    readers: Vec<String>,
    objects: Vec<PackEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PackEntry {
    digest: String,
    object: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Vec<PathKey>>,
}

/// A step to a secret: a key of a map, or a place of a list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PathKey {
    Index(usize),
    Field(String),
}

/// The document of a revision.
pub(super) fn of_revision(revision: &Revision) -> Result<Vec<u8>, StateError> {
    let Revision { environment, release, number, made, outcome, back_to, objects, packs } = revision.clone();
    let Provenance { commit, dirty, set, by, at, plan, weft } = made;
    let covered = |(name, Cover { objects, readers })| PackReference { name, objects, readers };
    let placed = |(id, PackedObject { digest, pack }): (ObjectId, PackedObject)| {
        let ObjectId { kind: GroupKind { group, kind }, namespace, name } = id;
        RevisionEntry { group, kind, namespace, name, digest, pack }
    };
    write(&RevisionDocument {
        format_version: if set.is_empty() { FORMAT_VERSION } else { SET_VERSION },
        environment,
        release: release.to_string(),
        revision: number,
        commit,
        dirty,
        set,
        by,
        at,
        plan,
        weft,
        result: match outcome {
            RevisionOutcome::Done => ResultWord::Done,
            RevisionOutcome::Failed(_) => ResultWord::Failed,
            RevisionOutcome::Partial(_) => ResultWord::Partial,
        },
        reason: outcome.reason().map(str::to_owned),
        rolled_back_to: back_to,
        packs: packs.into_iter().map(covered).collect(),
        objects: objects.into_iter().map(placed).collect(),
    })
}

/// The revision of a document.
pub(super) fn to_revision(bytes: &[u8]) -> Result<Revision, StateError> {
    let document: RevisionDocument = parse(bytes, SET_VERSION, |it: &RevisionDocument| it.format_version)?;
    let reason = document.reason.unwrap_or_default();
    let covered = |it: PackReference| (it.name, Cover { objects: it.objects, readers: it.readers });
    Ok(Revision {
        environment: document.environment,
        release: document.release.into(),
        number: document.revision,
        made: Provenance {
            commit: document.commit,
            dirty: document.dirty,
            set: document.set,
            by: document.by,
            at: document.at,
            plan: document.plan,
            weft: document.weft,
        },
        outcome: match document.result {
            ResultWord::Done => RevisionOutcome::Done,
            ResultWord::Failed => RevisionOutcome::Failed(reason),
            ResultWord::Partial => RevisionOutcome::Partial(reason),
        },
        back_to: document.rolled_back_to,
        objects: document.objects.into_iter().map(packed_object).collect(),
        packs: document.packs.into_iter().map(covered).collect::<BTreeMap<_, _>>(),
    })
}

fn packed_object(placed: RevisionEntry) -> (ObjectId, PackedObject) {
    let RevisionEntry { group, kind, namespace, name, digest, pack } = placed;
    (ObjectId { kind: GroupKind { group, kind }, namespace, name }, PackedObject { digest, pack })
}

/// The document of a pack.
pub(super) fn of_pack(pack: &Pack) -> Result<Vec<u8>, StateError> {
    let Pack { name, objects, readers, values } = pack.clone();
    let packed = |it: Stripped| PackEntry {
        digest: it.digest,
        object: it.body,
        secrets: it.secrets.into_iter().map(keys).collect(),
    };
    let objects = objects.into_iter().map(packed).collect();
    write(&PackDocument { format_version: FORMAT_VERSION, name, readers, objects, values })
}

/// The pack of a document.
pub(super) fn to_pack(bytes: &[u8]) -> Result<Pack, StateError> {
    let PackDocument { name, readers, objects, values, .. } =
        parse(bytes, FORMAT_VERSION, |it: &PackDocument| it.format_version)?;
    let object = |it: PackEntry| Stripped {
        digest: it.digest,
        body: it.object,
        secrets: it.secrets.into_iter().map(path).collect(),
    };
    Ok(Pack { name, objects: objects.into_iter().map(object).collect(), readers, values })
}

/// The keys and places on the way to a secret. Other steps are none in an object that is written.
fn keys(path: Path) -> Vec<PathKey> {
    let key = |step| match step {
        Step::Field(key) => Some(PathKey::Field(key.to_string())),
        Step::Index(at) => Some(PathKey::Index(at)),
        Step::Item(_) | Step::Member(_) => None,
    };
    path.0.into_iter().filter_map(key).collect()
}

fn path(keys: Vec<PathKey>) -> Path {
    let step = |key| match key {
        PathKey::Field(key) => Step::Field(key.into()),
        PathKey::Index(at) => Step::Index(at),
    };
    Path(keys.into_iter().map(step).collect())
}

fn write(document: &impl Serialize) -> Result<Vec<u8>, StateError> {
    serde_json::to_vec(document).map_err(|source| StateError::Format { source })
}
