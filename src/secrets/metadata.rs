//! The `sops` section of a file: who can read it, what is encrypted, and the code over its values.

use zeroize::Zeroize as _;

use super::access::{Foreign, Group, Readers};
use super::cipher::{DataKey, Sealed};
use super::leaf::Kind;
use super::selector::{self, Selector};
use super::{AgeError, Identities, Recipient, SecretsError};
use crate::value::{Data, Map, Origin, Value};

/// The key that the section has in a file.
pub(super) const SECTION: &str = "sops";

/// The release of the Go program whose layout this is; it refuses files of versions that it does not know.
const VERSION: &str = "3.13.3";

/// The lists of keys that are not age's, each with the fields that name one of its keys.
const SERVICES: [(&str, &[&str]); 6] = [
    ("azure_kv", &["vault_url", "name", "version"]),
    ("gcp_kms", &["resource_id"]),
    ("hc_vault", &["vault_address", "engine_path", "key_name"]),
    ("hckms", &["key_id"]),
    ("kms", &["arn"]),
    ("pgp", &["fp"]),
];

/// A section, read.
pub(super) struct Metadata {
    /// The section as it was written; what this module does not know is kept.
    written: Map,
    stanzas: Vec<Stanza>,
    pub(super) readers: Readers,
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
            readers: readers(map),
            selector: Selector::of(&selector::set(map), &section.origin)?,
            only_encrypted,
            last_modified,
            mac: text(map, "mac", &section.origin)?,
            origin: section.origin.clone(),
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
            stanzas: Vec::new(),
            readers: Readers::default(),
            selector,
            only_encrypted,
            last_modified: String::new(),
            mac: (String::new(), Origin::default()),
            origin: Origin::default(),
        }
    }

    /// The section with the data key wrapped for other readers. Where the key is the old one (`same_key`), what was
    /// wrapped before for those who stay is kept.
    pub(super) fn wrapped(&self, key: &DataKey, readers: &Readers, same_key: bool) -> Result<Map, SecretsError> {
        let mut section = self.written.clone();
        let [group] = &readers.groups[..] else {
            return Err(SecretsError::Groups { groups: readers.groups.len(), origin: self.origin.clone() });
        };
        let old = holder(&self.written);
        for service in ["key_groups", "shamir_threshold", "age"].into_iter().chain(SERVICES.map(|(service, _)| service))
        {
            section.remove(service);
        }
        let mut add = |service: &str, stanza: Value| match &mut section.get_or_insert(service).data {
            Data::List(items) => items.push(stanza),
            other => *other = Data::List(vec![stanza]),
        };
        for recipient in &group.recipients {
            let name = recipient.to_string();
            let kept = same_key.then(|| find(old, "age", &["recipient"], &name)).flatten();
            add("age", kept.map_or_else(|| wrap(key, recipient), Ok)?);
        }
        for foreign in &group.others {
            let fields = fields_of(foreign.service);
            let kept = same_key.then(|| find(old, foreign.service, fields, &foreign.name)).flatten();
            add(foreign.service, kept.ok_or_else(|| SecretsError::Foreign { key: foreign.to_string() })?);
        }
        Ok(section)
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

    /// The messages for PGP keys, each with the fingerprint of its key.
    pub(super) fn pgp(&self) -> Vec<(String, String)> {
        let field = |stanza: &Value, field| stanza.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let stanzas = list(holder(&self.written), "pgp").iter();
        stanzas.map(|stanza| (field(stanza, "fp"), field(stanza, "enc"))).collect()
    }

    /// The data key, from the first stanza that an identity opens.
    pub(super) fn data_key(&self, identities: &Identities) -> Result<DataKey, SecretsError> {
        if self.stanzas.is_empty() {
            let services = SERVICES.into_iter().map(|(service, _)| service);
            let holder = holder(&self.written);
            let kinds = services.filter(|it| holder.get(it).is_some_and(|v| !v.is_null())).collect();
            return Err(SecretsError::NoAge { kinds, origin: self.origin.clone() });
        }
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
    let holder = holder(section);
    let age = holder.get("age").and_then(Value::as_list).unwrap_or_default();
    age.iter().map(stanza).collect()
}

/// The map that holds the lists of keys: the section itself, or its first group.
fn holder(section: &Map) -> &Map {
    let groups = section.get("key_groups").and_then(Value::as_list).unwrap_or_default();
    groups.first().and_then(Value::as_map).unwrap_or(section)
}

/// Who can read the file of a section.
fn readers(section: &Map) -> Readers {
    let groups = section.get("key_groups").and_then(Value::as_list).unwrap_or_default();
    let maps = groups.iter().filter_map(Value::as_map);
    let groups = if groups.is_empty() { vec![group(section)] } else { maps.map(group).collect() };
    let threshold = section.get("shamir_threshold").and_then(Value::as_i64).and_then(|it| usize::try_from(it).ok());
    Readers { groups, threshold: threshold.filter(|it| *it > 0) }
}

fn group(holder: &Map) -> Group {
    let mut group = Group::default();
    for stanza in list(holder, "age") {
        let name = name(stanza, &["recipient"]);
        match Recipient::parse(&name, &stanza.origin) {
            Ok(recipient) => group.recipients.push(recipient),
            Err(_) => group.others.push(Foreign { service: "age", name }),
        }
    }
    for (service, fields) in SERVICES {
        let keys = list(holder, service).iter();
        group.others.extend(keys.map(|stanza| Foreign { service, name: name(stanza, fields) }));
    }
    group
}

fn list<'v>(holder: &'v Map, service: &str) -> &'v [Value] {
    holder.get(service).and_then(Value::as_list).unwrap_or_default()
}

/// The fields that name a key of a service.
fn fields_of(service: &str) -> &'static [&'static str] {
    SERVICES.iter().find(|(name, _)| *name == service).map_or(&["recipient"], |(_, fields)| fields)
}

fn name(stanza: &Value, fields: &[&str]) -> String {
    let texts = fields.iter().filter_map(|field| stanza.get(field)?.as_str()).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join("/")
}

/// The stanza of a key by its name.
fn find(holder: &Map, service: &str, fields: &[&str], wanted: &str) -> Option<Value> {
    list(holder, service).iter().find(|stanza| name(stanza, fields) == wanted).cloned()
}

/// The data key, wrapped for a recipient.
fn wrap(key: &DataKey, recipient: &Recipient) -> Result<Value, SecretsError> {
    let armored = age::encrypt_and_armor(&recipient.0, key.bytes())
        .map_err(|error| SecretsError::Wrap { recipient: recipient.to_string(), source: Box::new(error) })?;
    Ok(Map::from_iter([("enc", Value::from(armored)), ("recipient", recipient.to_string().into())]).into())
}

/// The fields of a section in the order of the Go program.
pub(super) fn sorted(section: Map) -> Map {
    let mut entries: Vec<_> = section.into_iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.into_iter().collect()
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
