//! `.sops.yaml`: who can read which files.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::selector::Selector;
use super::{Foreign, Group, Layout, Readers, Recipient, SecretsError};
use weft_base::value::{Mark, Origin};
use weft_base::yaml;

/// The file with the rules. The nearest one upward of a file holds for it.
pub const RULES: &str = ".sops.yaml";

/// The rules for new files, in order; the first whose expression fits a path holds.
pub struct Rules {
    origin: Origin,
    creation: Vec<(Option<Regex>, CreationRule)>,
    layout: Layout,
}

/// How a file is encrypted.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Who can read it.
    pub readers: Readers,
    /// Which of its leaves are encrypted.
    pub selector: Selector,
    /// Whether the code over the file leaves out values that are not encrypted.
    pub mac_only_encrypted: bool,
    /// How its lines are indented.
    pub layout: Layout,
}

impl From<Vec<Recipient>> for Rule {
    fn from(recipients: Vec<Recipient>) -> Self {
        Self { readers: recipients.into(), ..Self::default() }
    }
}

/// The file as the Go program reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    creation_rules: Vec<CreationRule>,
    #[serde(default, rename = "destination_rules")]
    _destination_rules: Option<IgnoredAny>,
    #[serde(default)]
    stores: Stores,
}

/// How far the formats are indented. Those without a field have nothing to be said.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Stores {
    yaml: Indent,
    json: Indent,
    json_binary: Indent,
    #[serde(rename = "dotenv")]
    _dotenv: Option<IgnoredAny>,
    #[serde(rename = "ini")]
    _ini: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Indent {
    indent: Option<i8>,
}

impl Stores {
    /// In JSON, -1 is a tab; in YAML, 0 is what is usual.
    fn layout(&self, origin: &Origin) -> Result<Layout, SecretsError> {
        let wrong =
            |store: &str| SecretsError::Indent { field: format!("stores.{store}.indent"), origin: origin.clone() };
        let json = |store: &str, it: &Indent| match it.indent {
            None | Some(-1) => Ok(None),
            Some(spaces) => usize::try_from(spaces).map(Some).map_err(|_| wrong(store)),
        };
        let yaml = match self.yaml.indent {
            None | Some(0) => Layout::default().yaml,
            // Go's writer takes no other than these.
            Some(spaces) => usize::try_from(spaces)
                .map_err(|_| wrong("yaml"))
                .map(|it| if (2..=9).contains(&it) { it } else { 2 })?,
        };
        Ok(Layout { yaml, json: json("json", &self.json)?, binary: json("json_binary", &self.json_binary)? })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CreationRule {
    path_regex: String,
    age: Option<Keys>,
    unencrypted_suffix: String,
    encrypted_suffix: String,
    unencrypted_regex: String,
    encrypted_regex: String,
    unencrypted_comment_regex: String,
    encrypted_comment_regex: String,
    mac_only_encrypted: bool,
    kms: Option<Keys>,
    #[serde(rename = "aws_profile")]
    _aws_profile: Option<IgnoredAny>,
    pgp: Option<Keys>,
    gcp_kms: Option<Keys>,
    hckms: Option<Keys>,
    azure_keyvault: Option<Keys>,
    hc_vault_transit_uri: Option<Keys>,
    key_groups: Vec<KeyGroup>,
    shamir_threshold: usize,
}

/// One of several groups; those in `merge` are a part of it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeyGroup {
    merge: Vec<KeyGroup>,
    age: Option<Keys>,
    pgp: Vec<String>,
    hc_vault: Vec<String>,
    kms: Vec<BTreeMap<String, serde_json::Value>>,
    gcp_kms: Vec<BTreeMap<String, serde_json::Value>>,
    hckms: Vec<BTreeMap<String, serde_json::Value>>,
    azure_keyvault: Vec<BTreeMap<String, serde_json::Value>>,
}

/// Public keys: in one text, with commas or line ends between them, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Keys {
    Text(String),
    List(Vec<String>),
}

/// Reads the text of a `.sops.yaml`. Unknown fields are refused. Keys of other services are read, and
/// refused only where a file is to be encrypted to them.
pub fn rules(text: &str, file: &Arc<String>) -> Result<Rules, SecretsError> {
    let config: Config = yaml::config(text, file).map_err(|error| SecretsError::yaml(&error, file))?;
    let origin = Origin::new(file, Mark::default());
    let compile = |rule: CreationRule| {
        let regex = (!rule.path_regex.is_empty()).then(|| Regex::new(&rule.path_regex)).transpose();
        let wrong = |source| SecretsError::Regex { field: "path_regex".to_owned(), origin: origin.clone(), source };
        Ok((regex.map_err(wrong)?, rule))
    };
    let creation = config.creation_rules.into_iter().map(compile).collect::<Result<_, SecretsError>>()?;
    let layout = config.stores.layout(&origin)?;
    Ok(Rules { origin, creation, layout })
}

impl fmt::Debug for Rules {
    /// Leaves the keys out: a private one may have been pasted by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.creation.iter().map(|(regex, _)| regex)).finish()
    }
}

impl Rules {
    /// The rule for a file, by its path from the folder of the rules.
    pub fn rule_for(&self, path: &str) -> Result<Rule, SecretsError> {
        let rules = || self.origin.file.as_deref().cloned().unwrap_or_default();
        let at = self.position(path).ok_or_else(|| SecretsError::NoRule { rules: rules(), path: path.to_owned() })?;
        self.at(at, path)
    }

    /// The rule at a place; `path` is the file that an error names.
    pub fn at(&self, at: usize, path: &str) -> Result<Rule, SecretsError> {
        let Some((_, rule)) = self.creation.get(at) else {
            let rules = self.origin.file.as_deref().cloned().unwrap_or_default();
            return Err(SecretsError::NoRule { rules, path: path.to_owned() });
        };
        Ok(Rule {
            readers: rule.readers(&self.origin)?,
            selector: rule.selector(&self.origin)?,
            mac_only_encrypted: rule.mac_only_encrypted,
            layout: self.layout,
        })
    }

    /// Who can read a file, by its path from the folder of the rules.
    pub fn recipients_for(&self, path: &str) -> Result<Vec<Recipient>, SecretsError> {
        self.rule_for(path).map(|rule| rule.readers.recipients().cloned().collect())
    }
}

impl Rules {
    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.creation.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.creation.is_empty()
    }

    /// The place of the rule for a file, by its path from the folder of the rules.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.creation.iter().position(|(regex, _)| regex.as_ref().is_none_or(|regex| regex.is_match(path)))
    }

    /// The expression of the rule at a place; `None` where it holds for any path.
    pub fn pattern(&self, at: usize) -> Option<&str> {
        self.creation.get(at)?.0.as_ref().map(Regex::as_str)
    }
}

impl CreationRule {
    fn selector(&self, origin: &Origin) -> Result<Selector, SecretsError> {
        let fields = [
            ("unencrypted_suffix", &self.unencrypted_suffix),
            ("encrypted_suffix", &self.encrypted_suffix),
            ("unencrypted_regex", &self.unencrypted_regex),
            ("encrypted_regex", &self.encrypted_regex),
            ("unencrypted_comment_regex", &self.unencrypted_comment_regex),
            ("encrypted_comment_regex", &self.encrypted_comment_regex),
        ];
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        let given: Vec<_> = given.map(|(field, text)| (field, text.as_str(), origin.clone())).collect();
        Selector::of(&given, origin)
    }

    fn readers(&self, origin: &Origin) -> Result<Readers, SecretsError> {
        let threshold = Some(self.shamir_threshold).filter(|it| *it > 0);
        if !self.key_groups.is_empty() {
            let groups = self.key_groups.iter().map(|group| group.read(origin));
            return Ok(Readers { groups: groups.collect::<Result<_, _>>()?, threshold });
        }
        let mut group = Group { recipients: recipients(self.age.as_ref(), origin)?, others: Vec::new() };
        let services = [
            ("azure_kv", &self.azure_keyvault),
            ("gcp_kms", &self.gcp_kms),
            ("hc_vault", &self.hc_vault_transit_uri),
            ("hckms", &self.hckms),
            ("kms", &self.kms),
            ("pgp", &self.pgp),
        ];
        for (service, keys) in services {
            let names = keys.iter().flat_map(Keys::each);
            group.others.extend(names.map(|name| foreign(service, name)));
        }
        Ok(Readers { groups: vec![group], threshold })
    }
}

impl KeyGroup {
    fn read(&self, origin: &Origin) -> Result<Group, SecretsError> {
        let mut group = Group::default();
        for part in &self.merge {
            let Group { recipients, others } = part.read(origin)?;
            group.recipients.extend(recipients);
            group.others.extend(others);
        }
        group.recipients.extend(recipients(self.age.as_ref(), origin)?);
        let services = [
            ("azure_kv", &self.azure_keyvault, &["vaultUrl", "key", "version"][..]),
            ("gcp_kms", &self.gcp_kms, &["resource_id"]),
            ("hckms", &self.hckms, &["key_id"]),
            ("kms", &self.kms, &["arn"]),
        ];
        for (service, keys, fields) in services {
            let text = |key: &BTreeMap<String, serde_json::Value>| {
                let texts = fields.iter().filter_map(|field| key.get(*field)?.as_str()).filter(|it| !it.is_empty());
                texts.collect::<Vec<_>>().join("/")
            };
            group.others.extend(keys.iter().map(|key| foreign(service, &text(key))));
        }
        group.others.extend(self.hc_vault.iter().map(|uri| foreign("hc_vault", uri)));
        group.others.extend(self.pgp.iter().map(|key| foreign("pgp", key)));
        // As the section of a file has them.
        group.others.sort_by_key(|it| it.service);
        let mut seen = Vec::new();
        group.recipients.retain(|it| {
            !seen.contains(it) && {
                seen.push(it.clone());
                true
            }
        });
        Ok(group)
    }
}

fn recipients(keys: Option<&Keys>, origin: &Origin) -> Result<Vec<Recipient>, SecretsError> {
    keys.into_iter().flat_map(Keys::each).map(|key| Recipient::parse(key, origin)).collect()
}

/// A key as the section of a file names it: PGP's without spaces, Vault's and Azure's without the words of their addresses,
/// AWS's without the role.
fn foreign(service: &'static str, name: &str) -> Foreign {
    let name = match service {
        "pgp" => name.replace(' ', ""),
        "hc_vault" => name.replace("/v1/", "/").replace("/keys/", "/"),
        "azure_kv" => name.replace("/keys/", "/"),
        "kms" => name.split('+').next().unwrap_or(name).to_owned(),
        _ => name.to_owned(),
    };
    Foreign { service, name }
}

impl Keys {
    fn each(&self) -> Vec<&str> {
        let texts = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(texts) => texts,
        };
        let parts = texts.iter().flat_map(|text| text.split([',', '\n']));
        parts.map(str::trim).filter(|key| !key.is_empty()).collect()
    }
}
