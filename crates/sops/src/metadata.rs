//! The `sops` section of a file: who can read it, what is encrypted, and the code over its values.

use super::SecretsError;
use super::access::Readers;
use super::cipher::{DataKey, Sealed};
use super::leaf::Kind;
use super::selector::{self, Selector};
use super::wrap::{Lock, readers};
use weft_base::value::{Data, Map, Origin, Value};

/// The key that the section has in a file.
pub(super) const SECTION: &str = "sops";

/// The release of the Go program whose layout this is; it refuses files of versions that it does not know.
const VERSION: &str = "3.13.3";

/// A section, read.
pub(super) struct Metadata {
    /// The section as it was written; what this module does not know is kept.
    written: Map,
    /// Who holds the data key, and what it was wrapped to for them.
    pub(super) lock: Lock,
    pub(super) readers: Readers,
    pub(super) selector: Selector,
    pub(super) only_encrypted: bool,
    last_modified: String,
    mac: (String, Origin),
}

impl Metadata {
    /// Reads the section.
    pub(super) fn read(section: &Value) -> Result<Self, SecretsError> {
        let Some(map) = section.as_map() else { return Err(wrong(SECTION, "has to be a map", &section.origin)) };
        let (last_modified, _) = text(map, "lastmodified", &section.origin)?;
        // A flattened section has texts only.
        let yes = |value: &Value| value.as_bool().unwrap_or(value.as_str() == Some("true"));
        let only_encrypted = map.get("mac_only_encrypted").is_some_and(yes);
        Ok(Self {
            lock: Lock::read(map, &section.origin)?,
            readers: readers(map),
            selector: Selector::of(&selector::set(map), &section.origin)?,
            only_encrypted,
            last_modified,
            mac: text(map, "mac", &section.origin)?,
            written: map.clone(),
        })
    }

    /// What a new file begins with: the section has no keys, no time and no code yet.
    pub(super) fn new(selector: Selector, only_encrypted: bool) -> Self {
        let (field, chosen) = selector.field();
        let mut written = Map::from_iter([(field, chosen)]);
        if only_encrypted {
            written.insert("mac_only_encrypted", true);
        }
        Self {
            written,
            lock: Lock::default(),
            readers: Readers::default(),
            selector,
            only_encrypted,
            last_modified: String::new(),
            mac: (String::new(), Origin::default()),
        }
    }

    /// A section to write after a change at the time `now`, with the code over the values.
    pub(super) fn stamped(mut section: Map, key: &DataKey, mac: &str, now: &str, nonce: [u8; 32]) -> Option<Map> {
        let sealed = key.seal(mac.as_bytes(), Kind::Str, now, nonce)?.to_string();
        for (field, text) in [("lastmodified", now), ("mac", &sealed), ("version", VERSION)] {
            section.insert(field, text);
        }
        Some(section)
    }

    /// The section as it was written.
    pub(super) fn written(&self) -> &Map {
        &self.written
    }

    /// Holds the code over the values against the one that was written, which is bound to the time of the last change.
    pub(super) fn check(&self, key: &DataKey, mac: &str) -> Result<(), SecretsError> {
        let (written, origin) = &self.mac;
        let opened = Sealed::parse(written).and_then(|sealed| key.open(&sealed, &self.last_modified));
        if opened.is_some_and(|code| code.as_slice() == mac.as_bytes()) {
            return Ok(());
        }
        Err(SecretsError::Mac { origin: origin.clone() })
    }
}

/// The fields of a section in the order of the Go program.
pub(super) fn sorted(section: Map) -> Map {
    let mut entries: Vec<_> = section.into_iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.into_iter().collect()
}

/// A text of the section, with its place.
pub(super) fn text(map: &Map, field: &str, origin: &Origin) -> Result<(String, Origin), SecretsError> {
    match map.get(field) {
        Some(Value { data: Data::Text(text), origin }) if !text.is_empty() => Ok((text.clone(), origin.clone())),
        Some(other) => Err(wrong(&format!("{SECTION}.{field}"), "has to be a text", &other.origin)),
        None => Err(wrong(&format!("{SECTION}.{field}"), "is missing", origin)),
    }
}

pub(super) fn wrong(field: &str, problem: &str, origin: &Origin) -> SecretsError {
    SecretsError::Section { field: field.to_owned(), problem: problem.to_owned(), origin: origin.clone() }
}
