//! The data key of a file, wrapped for its readers: whole for those of one group, in parts for those of several.

use zeroize::{Zeroize as _, Zeroizing};

use super::access::{Foreign, Group, Readers};
use super::cipher::DataKey;
use super::metadata::{SECTION, text, wrong};
use super::shamir::{self, Part};
use super::{AgeError, Identities, Random, Recipient, SecretsError};
use weft_base::value::{Data, Map, Origin, Value};

/// The lists of keys that are not age's, each with the fields that name one of its keys.
const SERVICES: [(&str, &[&str]); 6] = [
    ("azure_kv", &["vault_url", "name", "version"]),
    ("gcp_kms", &["resource_id"]),
    ("hc_vault", &["vault_address", "engine_path", "key_name"]),
    ("hckms", &["key_id"]),
    ("kms", &["arn"]),
    ("pgp", &["fp"]),
];

const AGE: &str = "age";
const GROUPS: &str = "key_groups";
const THRESHOLD: &str = "shamir_threshold";

/// The wrapped data key of a file.
#[derive(Default)]
pub(super) struct Lock {
    /// For each group, what is wrapped for its age keys.
    groups: Vec<Vec<Stanza>>,
    readers: Readers,
    origin: Origin,
}

/// The data key or a part of it, wrapped for one recipient.
struct Stanza {
    recipient: String,
    armored: String,
    origin: Origin,
}

impl Lock {
    /// Reads the keys of a section.
    pub fn read(section: &Map, origin: &Origin) -> Result<Self, SecretsError> {
        let groups = holders(section).into_iter().map(|holder| list(holder, AGE).iter().map(stanza).collect());
        let groups = groups.collect::<Result<_, SecretsError>>()?;
        Ok(Self { groups, readers: readers(section), origin: origin.clone() })
    }

    /// The data key, from the first stanza of each group that an identity opens.
    pub fn data_key(&self, identities: &Identities) -> Result<DataKey, SecretsError> {
        if self.groups.iter().all(Vec::is_empty) {
            let keys = self.readers.others().map(ToString::to_string).collect();
            return Err(SecretsError::NoAge { keys, origin: self.origin.clone() });
        }
        let origin = || Origin { file: self.origin.file.clone(), ..Origin::default() };
        if identities.is_empty() {
            let recipients = self.named();
            let looked = identities.looked().to_vec();
            return Err(SecretsError::NoIdentity { recipients, looked, origin: origin() });
        }
        let mut parts = Vec::new();
        let mut missing = Vec::new();
        let mut damaged = None;
        for (stanzas, group) in self.groups.iter().zip(&self.readers.groups) {
            match open(stanzas, identities) {
                Ok(Some(part)) => parts.push(part),
                Ok(None) => missing.push(named(group).join(", ")),
                Err(error) => damaged = damaged.or(Some(error)),
            }
        }
        let needed = if self.groups.len() > 1 { self.readers.threshold.unwrap_or(self.groups.len()) } else { 1 };
        if parts.len() < needed {
            let tried = identities.described();
            return Err(damaged.unwrap_or_else(|| match self.groups.len() {
                1 => SecretsError::WrongIdentity { recipients: self.named(), tried, origin: origin() },
                _ => SecretsError::Groups { needed, opened: parts.len(), missing, tried, origin: self.origin.clone() },
            }));
        }
        self.joined(parts)
    }

    /// The data key of the parts of enough groups.
    fn joined(&self, mut parts: Vec<Part>) -> Result<DataKey, SecretsError> {
        let whole = if self.groups.len() > 1 { shamir::combine(&parts) } else { parts.pop() };
        let key: Option<[u8; 32]> = whole.and_then(|bytes| bytes.as_slice().try_into().ok());
        let Some(mut key) = key else {
            let recipient = self.named().join(", ");
            return Err(SecretsError::DataKey { recipient, origin: self.origin.clone(), source: None });
        };
        let data_key = DataKey::new(key);
        key.zeroize();
        Ok(data_key)
    }

    /// All keys of the file.
    fn named(&self) -> Vec<String> {
        self.readers.groups.iter().flat_map(named).collect()
    }
}

/// The keys of a group.
fn named(group: &Group) -> Vec<String> {
    let recipients = group.recipients.iter().map(ToString::to_string);
    let others = group.others.iter().map(|it| if it.service == AGE { it.name.clone() } else { it.to_string() });
    recipients.chain(others).collect()
}

/// What the first stanza holds that an identity opens; `None` where none does.
fn open(stanzas: &[Stanza], identities: &Identities) -> Result<Option<Part>, SecretsError> {
    let mut damaged = None;
    for stanza in stanzas {
        match stanza.unwrap(identities) {
            Ok(Some(part)) => return Ok(Some(part)),
            Ok(None) => {}
            Err(error) => damaged = damaged.or(Some(error)),
        }
    }
    damaged.map_or(Ok(None), Err)
}

impl Stanza {
    /// What is wrapped; `None` where no identity is its recipient.
    fn unwrap(&self, identities: &Identities) -> Result<Option<Part>, SecretsError> {
        let recipient = self.recipient.clone();
        let origin = self.origin.clone();
        match identities.open(self.armored.as_bytes(), &self.recipient) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes.expose().clone()))),
            Err(AgeError::NoMatch { .. }) => Ok(None),
            Err(source @ AgeError::Key { .. }) => Err(SecretsError::Unusable { recipient, origin, source }),
            Err(source) => Err(SecretsError::DataKey { recipient, origin, source: Some(source) }),
        }
    }
}

/// A data key that is to be wrapped for readers.
pub(super) struct Wrapping<'a> {
    pub key: &'a DataKey,
    /// Whether it is the key that was wrapped before.
    pub same_key: bool,
    pub readers: &'a Readers,
    /// The file, for errors.
    pub file: &'a str,
}

impl Wrapping<'_> {
    /// The section with the data key wrapped. In one group, what was wrapped before for those who stay is kept; parts
    /// for several groups are new ones, as they belong together.
    pub fn section(&self, written: &Map, random: &mut Random<'_>) -> Result<Map, SecretsError> {
        let mut section = written.clone();
        for field in [GROUPS, THRESHOLD, AGE].into_iter().chain(SERVICES.map(|(service, _)| service)) {
            section.remove(field);
        }
        if let [group] = &self.readers.groups[..] {
            let old = self.same_key.then(|| holders(written)).filter(|old| old.len() == 1);
            let keys = self.group(1, group, self.key.bytes(), old.and_then(|old| old.first().copied()))?;
            keys.into_iter().for_each(|entry| drop(section.insert_entry(entry)));
            return Ok(section);
        }
        let (count, threshold) = self.counts()?;
        let parts = shamir::split(self.key.bytes(), count, threshold, random)?;
        let groups = (1..).zip(&self.readers.groups).zip(&parts).map(|((number, group), part)| {
            let mut keys = self.group(number, group, part, None)?;
            // The Go program writes these two in every group.
            for field in [AGE, "hc_vault"] {
                if !keys.contains(field) {
                    keys.insert(field, Vec::new());
                }
            }
            Ok(Value::from(super::metadata::sorted(keys)))
        });
        section.insert(GROUPS, groups.collect::<Result<Vec<_>, SecretsError>>()?);
        section.insert(THRESHOLD, i64::from(threshold));
        Ok(section)
    }

    /// How many groups there are, and how many are needed.
    fn counts(&self) -> Result<(u8, u8), SecretsError> {
        let groups = self.readers.groups.len();
        let threshold = self.readers.threshold.unwrap_or(groups);
        match (u8::try_from(groups), u8::try_from(threshold)) {
            (Ok(count), Ok(needed)) if needed >= 2 && needed <= count => Ok((count, needed)),
            _ => Err(SecretsError::Threshold { threshold, groups }),
        }
    }

    /// The lists of keys of one group; `old` has what the same was wrapped to before.
    fn group(&self, number: usize, group: &Group, part: &[u8], old: Option<&Map>) -> Result<Map, SecretsError> {
        if group.recipients.is_empty() && group.others.is_empty() {
            return Err(SecretsError::EmptyGroup { group: number, file: self.file.to_owned() });
        }
        let mut keys = Map::new();
        let mut add = |service: &str, stanza: Value| match &mut keys.get_or_insert(service).data {
            Data::List(items) => items.push(stanza),
            other => *other = Data::List(vec![stanza]),
        };
        for recipient in &group.recipients {
            let kept = old.and_then(|old| find(old, AGE, &["recipient"], &recipient.to_string()));
            add(AGE, kept.map_or_else(|| wrap(part, recipient), Ok)?);
        }
        for foreign in &group.others {
            let fields = fields_of(foreign.service);
            let kept = old.and_then(|old| find(old, foreign.service, fields, &foreign.name));
            add(foreign.service, kept.ok_or_else(|| SecretsError::Foreign { key: foreign.to_string() })?);
        }
        Ok(keys)
    }
}

/// The maps that hold the lists of keys: the groups, or the section itself as the only one.
fn holders(section: &Map) -> Vec<&Map> {
    let own = [AGE].into_iter().chain(SERVICES.map(|(service, _)| service));
    let groups: Vec<&Map> = list(section, GROUPS).iter().filter_map(Value::as_map).collect();
    if groups.is_empty() || own.into_iter().any(|service| !list(section, service).is_empty()) {
        return vec![section];
    }
    groups
}

/// Who can read the file of a section.
pub(super) fn readers(section: &Map) -> Readers {
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let threshold = section.get(THRESHOLD).and_then(number).and_then(|it| usize::try_from(it).ok());
    Readers { groups: holders(section).into_iter().map(group).collect(), threshold: threshold.filter(|it| *it > 0) }
}

fn group(holder: &Map) -> Group {
    let mut group = Group::default();
    for stanza in list(holder, AGE) {
        let name = name(stanza, &["recipient"]);
        match Recipient::parse(&name, &stanza.origin) {
            Ok(recipient) => group.recipients.push(recipient),
            Err(_) => group.others.push(Foreign { service: AGE, name }),
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

/// The messages for PGP keys of a section, each with the fingerprint of its key.
pub(super) fn pgp(section: &Map) -> Vec<(String, String)> {
    let field = |stanza: &Value, field| stanza.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let stanzas = holders(section).into_iter().flat_map(|holder| list(holder, "pgp"));
    stanzas.map(|stanza| (field(stanza, "fp"), field(stanza, "enc"))).collect()
}

/// The data key or a part of it, wrapped for a recipient.
fn wrap(part: &[u8], recipient: &Recipient) -> Result<Value, SecretsError> {
    let armored = age::encrypt_and_armor(&recipient.0, part)
        .map_err(|error| SecretsError::Wrap { recipient: recipient.to_string(), source: Box::new(error) })?;
    Ok(Map::from_iter([("enc", Value::from(armored)), ("recipient", recipient.to_string().into())]).into())
}

fn stanza(value: &Value) -> Result<Stanza, SecretsError> {
    let field = || format!("{SECTION}.{AGE}");
    let Some(map) = value.as_map() else { return Err(wrong(&field(), "has to be a list of maps", &value.origin)) };
    let (recipient, origin) = text(map, "recipient", &value.origin)?;
    Ok(Stanza { recipient, armored: text(map, "enc", &value.origin)?.0, origin })
}
