//! Converts a history to and from the bytes that the cluster stores.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::history::MOST;
use super::{Category, History, HistoryEntry};
use crate::manifest::ObjectId;
use crate::state::{self, StateError};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HistoryDocument {
    format_version: u64,
    environment: String,
    findings: Vec<FindingEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FindingEntry {
    mark: String,
    sort: String,
    object: ObjectId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manager: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    first: String,
    last: String,
    seen: u64,
    before: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<String>,
}

/// The history as compressed bytes that fit one Secret. If it is too large, the oldest findings are left out.
pub fn encode(history: &History) -> Result<Vec<u8>, StateError> {
    let mut history = history.clone();
    let mut most = MOST;
    loop {
        let document = HistoryDocument {
            format_version: state::FORMAT_VERSION,
            environment: history.environment.clone(),
            findings: history.entries.iter().map(|(mark, entry)| encode_entry(mark, entry)).collect(),
        };
        let bytes = serde_json::to_vec(&document).map_err(|source| StateError::Format { source })?;
        if let Some(packed) = state::pack(&bytes)? {
            return Ok(packed);
        }
        most /= 2;
        history.shorten(most);
    }
}

/// The history that [`encode`] made these bytes of.
pub fn decode(bytes: &[u8]) -> Result<History, StateError> {
    let document: HistoryDocument = state::unpack(bytes, |it: &HistoryDocument| it.format_version)?;
    let entries = document.findings.into_iter().filter_map(decode_entry).collect();
    Ok(History { environment: document.environment, entries })
}

fn encode_entry(mark: &str, entry: &HistoryEntry) -> FindingEntry {
    let entry = entry.clone();
    FindingEntry {
        mark: mark.to_owned(),
        sort: entry.sort.name().to_owned(),
        object: entry.object,
        release: entry.release.as_deref().map(str::to_owned),
        path: entry.path,
        manager: entry.manager,
        found: entry.found,
        first: entry.first,
        last: entry.last,
        seen: entry.seen,
        before: entry.before,
        gone: entry.gone,
    }
}

/// An entry; `None` if this version does not know its category.
fn decode_entry(kept: FindingEntry) -> Option<(String, HistoryEntry)> {
    let FindingEntry { mark, sort, object, release, path, manager, found, first, last, seen, before, gone } = kept;
    let sort = Category::ALL.into_iter().find(|it| it.name() == sort)?;
    let release = release.map(Arc::from);
    Some((mark, HistoryEntry { sort, object, release, path, manager, found, first, last, seen, before, gone }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::GroupKind;

    #[test]
    fn what_is_kept_is_read_again() {
        let kind = GroupKind { group: "apps".into(), kind: "Deployment".into() };
        let entry = HistoryEntry {
            sort: Category::Deleted,
            object: ObjectId { kind, namespace: Some("shop".into()), name: "web".into() },
            release: Some("web".into()),
            path: None,
            manager: Some("kubectl-edit".into()),
            found: Some("00ff".into()),
            first: "2026-01-01T00:00:00Z".into(),
            last: "2026-01-02T00:00:00Z".into(),
            seen: 3,
            before: 1,
            gone: None,
        };
        let history = History { environment: "dev".into(), entries: [("ab".to_owned(), entry)].into() };
        let bytes = encode(&history).unwrap();
        assert_eq!(decode(&bytes).unwrap(), history);
        assert_eq!(encode(&history).unwrap(), bytes, "the same history gives the same bytes");
        assert!(decode(b"weft/1 1 1 x\n").is_err());
        assert!(decode(b"").is_err());
    }
}
