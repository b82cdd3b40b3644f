//! The `sops` section of a file: who can read it, what is encrypted, and the code over its values.

use zeroize::Zeroize as _;

use super::cipher::{DataKey, Sealed};
use super::leaf::Kind;
use super::selector::{self, Selector};
use super::{AgeError, Identities, Recipient, SecretsError};
use crate::value::{Data, Map, Origin, Value};

/// The key that the section has in a file.
pub(super) const SECTION: &str = "sops";

/// The release of the Go program whose layout this is; it refuses files of versions that it does not know.
const VERSION: &str = "3.13.3";

/// The sections of keys that are not age's.
const OTHER_KEYS: [&str; 6] = ["kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "pgp"];

/// A section, read.
pub(super) struct Metadata {
    /// The section as it was written; what this module does not know is kept.
    written: Map,
    stanzas: Vec<Stanza>,
    pub(super) selector: Selector,
    pub(super) only_encrypted: bool,
    last_modified: String,
    mac: (String, Origin),
    origin: Origin,
}

/// The data key, wrapped for one recipient.
struct Stanza {
    recipient: String,
    armored: String,
    origin: Origin,
}

impl Metadata {
    /// Reads the section.
    pub(super) fn read(section: &Value) -> Result<Self, SecretsError> {
        let Some(map) = section.as_map() else { return Err(wrong(SECTION, "has to be a map", &section.origin)) };
        let (last_modified, _) = text(map, "lastmodified", &section.origin)?;
        let only_encrypted = map.get("mac_only_encrypted").and_then(Value::as_bool).unwrap_or_default();
        Ok(Self {
            stanzas: stanzas(map, &section.origin)?,
            selector: Selector::of(&selector::set(map), &section.origin)?,
            only_encrypted,
            last_modified,
            mac: text(map, "mac", &section.origin)?,
            origin: section.origin.clone(),
            written: map.clone(),
        })
    }

    /// The section of a new file, with a data key that is wrapped for each recipient.
    pub(super) fn new(
        key: &DataKey,
        recipients: &[Recipient],
        selector: Selector,
        only_encrypted: bool,
    ) -> Result<Self, SecretsError> {
        let wrap = |recipient: &Recipient| {
            let armored = age::encrypt_and_armor(&recipient.0, key.bytes())
                .map_err(|error| SecretsError::Wrap { recipient: recipient.to_string(), source: Box::new(error) })?;
            Ok(Map::from_iter([("enc", Value::from(armored)), ("recipient", recipient.to_string().into())]).into())
        };
        let age: Vec<Value> = recipients.iter().map(wrap).collect::<Result<_, SecretsError>>()?;
        let (field, chosen) = selector.field();
        let mut written = Map::from_iter([("age", Value::from(age))]);
        written.insert(field, chosen);
        if only_encrypted {
            written.insert("mac_only_encrypted", true);
        }
        let (last_modified, mac, origin) = (String::new(), (String::new(), Origin::default()), Origin::default());
        Ok(Self { written, stanzas: Vec::new(), selector, only_encrypted, last_modified, mac, origin })
    }

    /// The section to write after a change at the time `now`, with the code over the values; its fields in the order
    /// of the Go program.
    pub(super) fn write(&self, key: &DataKey, mac: &str, now: &str, nonce: [u8; 32]) -> Option<Map> {
        let sealed = key.seal(mac.as_bytes(), Kind::Str, now, nonce)?.to_string();
        let changed = [("lastmodified", now), ("mac", sealed.as_str()), ("version", VERSION)];
        let mut section = self.written.clone();
        for (field, text) in changed {
            section.remove(field);
            section.insert(field, text);
        }
        let last = |key: &str| ["lastmodified", "mac", "mac_only_encrypted", "version"].contains(&key);
        let is_selector = |key: &str| selector::FIELDS.contains(&key);
        let place = |key: &str| match key {
            "lastmodified" => 1,
            "mac" => 2,
            _ if is_selector(key) => 3,
            _ if last(key) => 4,
            _ => 0,
        };
        let mut entries: Vec<_> = section.into_iter().collect();
        entries.sort_by_key(|e| place(&e.key));
        Some(entries.into_iter().collect())
    }

    /// The data key, from the first stanza that an identity opens.
    pub(super) fn data_key(&self, identities: &Identities) -> Result<DataKey, SecretsError> {
        let recipients = || self.stanzas.iter().map(|s| s.recipient.clone()).collect();
        let origin = || Origin { file: self.origin.file.clone(), ..Origin::default() };
        if identities.is_empty() {
            let looked = identities.looked().to_vec();
            return Err(SecretsError::NoIdentity { recipients: recipients(), looked, origin: origin() });
        }
        let mut damaged = None;
        for stanza in &self.stanzas {
            match stanza.unwrap(identities) {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => {}
                Err(error) => damaged = damaged.or(Some(error)),
            }
        }
        let tried = identities.described();
        Err(damaged.unwrap_or_else(|| SecretsError::WrongIdentity {
            recipients: recipients(),
            tried,
            origin: origin(),
        }))
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

impl Stanza {
    /// The data key; `None` where no identity is its recipient.
    fn unwrap(&self, identities: &Identities) -> Result<Option<DataKey>, SecretsError> {
        let damaged =
            |source| SecretsError::DataKey { recipient: self.recipient.clone(), origin: self.origin.clone(), source };
        let bytes = match identities.open(self.armored.as_bytes(), &self.recipient) {
            Ok(bytes) => bytes,
            Err(AgeError::NoMatch { .. }) => return Ok(None),
            Err(source @ AgeError::Key { .. }) => {
                let (recipient, origin) = (self.recipient.clone(), self.origin.clone());
                return Err(SecretsError::Unusable { recipient, origin, source });
            }
            Err(source) => return Err(damaged(Some(source))),
        };
        let mut key: [u8; 32] = bytes.expose().as_slice().try_into().map_err(|_| damaged(None))?;
        let data_key = DataKey::new(key);
        key.zeroize();
        Ok(Some(data_key))
    }
}

/// The age stanzas: of the section itself, or of its only group.
fn stanzas(section: &Map, origin: &Origin) -> Result<Vec<Stanza>, SecretsError> {
    let groups = section.get("key_groups").and_then(Value::as_list).unwrap_or_default();
    if groups.len() > 1 {
        return Err(SecretsError::Groups { groups: groups.len(), origin: origin.clone() });
    }
    let holder = groups.first().and_then(Value::as_map).unwrap_or(section);
    let age = holder.get("age").and_then(Value::as_list).unwrap_or_default();
    if age.is_empty() {
        let kinds = OTHER_KEYS.into_iter().filter(|kind| holder.get(kind).is_some_and(|v| !v.is_null())).collect();
        return Err(SecretsError::NoAge { kinds, origin: origin.clone() });
    }
    age.iter().map(stanza).collect()
}

fn stanza(value: &Value) -> Result<Stanza, SecretsError> {
    let Some(map) = value.as_map() else { return Err(wrong("sops.age", "has to be a list of maps", &value.origin)) };
    let (recipient, origin) = text(map, "recipient", &value.origin)?;
    Ok(Stanza { recipient, armored: text(map, "enc", &value.origin)?.0, origin })
}

/// A text of the section, with its place.
fn text(map: &Map, field: &str, origin: &Origin) -> Result<(String, Origin), SecretsError> {
    match map.get(field) {
        Some(Value { data: Data::Text(text), origin }) if !text.is_empty() => Ok((text.clone(), origin.clone())),
        Some(other) => Err(wrong(&format!("{SECTION}.{field}"), "has to be a text", &other.origin)),
        None => Err(wrong(&format!("{SECTION}.{field}"), "is missing", origin)),
    }
}

fn wrong(field: &str, problem: &str, origin: &Origin) -> SecretsError {
    SecretsError::Section { field: field.to_owned(), problem: problem.to_owned(), origin: origin.clone() }
}
