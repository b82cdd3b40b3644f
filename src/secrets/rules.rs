//! `.sops.yaml`: who can read which files.

use std::fmt;
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::selector::Selector;
use super::{Readers, Recipient, SecretsError};
use crate::value::{Mark, Origin};
use crate::yaml;

/// The rules for new files, in order; the first whose expression fits a path holds.
pub struct Rules {
    origin: Origin,
    rules: Vec<(Option<Regex>, CreationRule)>,
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
    #[serde(default, rename = "stores")]
    _stores: Option<IgnoredAny>,
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
    kms: Option<IgnoredAny>,
    aws_profile: Option<IgnoredAny>,
    pgp: Option<IgnoredAny>,
    gcp_kms: Option<IgnoredAny>,
    hckms: Option<IgnoredAny>,
    azure_keyvault: Option<IgnoredAny>,
    hc_vault_transit_uri: Option<IgnoredAny>,
    key_groups: Option<IgnoredAny>,
    shamir_threshold: Option<IgnoredAny>,
}

/// Public keys: in one text, with commas or line ends between them, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Keys {
    Text(String),
    List(Vec<String>),
}

/// Reads the text of a `.sops.yaml`. Unknown keys are refused; keys of other services are only once their rule is used.
pub fn rules(text: &str, file: &Arc<String>) -> Result<Rules, SecretsError> {
    let config: Config = yaml::config(text, file).map_err(|error| SecretsError::yaml(&error, file))?;
    let origin = Origin::new(file, Mark::default());
    let compile = |rule: CreationRule| {
        let regex = (!rule.path_regex.is_empty()).then(|| Regex::new(&rule.path_regex)).transpose();
        let wrong = |source| SecretsError::Regex { field: "path_regex".to_owned(), origin: origin.clone(), source };
        Ok((regex.map_err(wrong)?, rule))
    };
    let rules = config.creation_rules.into_iter().map(compile).collect::<Result<_, SecretsError>>()?;
    Ok(Rules { origin, rules })
}

impl fmt::Debug for Rules {
    /// Leaves the keys out: a private one may have been pasted by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|(regex, _)| regex)).finish()
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
        let Some((_, rule)) = self.rules.get(at) else {
            let rules = self.origin.file.as_deref().cloned().unwrap_or_default();
            return Err(SecretsError::NoRule { rules, path: path.to_owned() });
        };
        if let Some(field) = rule.unsupported() {
            return Err(SecretsError::RuleField { path: path.to_owned(), field, origin: self.origin.clone() });
        }
        let recipients = rule.age.iter().flat_map(Keys::each).map(|key| Recipient::parse(key, &self.origin));
        Ok(Rule {
            readers: recipients.collect::<Result<Vec<_>, _>>()?.into(),
            selector: rule.selector(&self.origin)?,
            mac_only_encrypted: rule.mac_only_encrypted,
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
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The place of the rule for a file, by its path from the folder of the rules.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.rules.iter().position(|(regex, _)| regex.as_ref().is_none_or(|regex| regex.is_match(path)))
    }

    /// The expression of the rule at a place; `None` where it holds for any path.
    pub fn pattern(&self, at: usize) -> Option<&str> {
        self.rules.get(at)?.0.as_ref().map(Regex::as_str)
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

    /// A field of the rule that asks for readers without age keys.
    fn unsupported(&self) -> Option<&'static str> {
        let fields = [
            ("kms", &self.kms),
            ("aws_profile", &self.aws_profile),
            ("pgp", &self.pgp),
            ("gcp_kms", &self.gcp_kms),
            ("hckms", &self.hckms),
            ("azure_keyvault", &self.azure_keyvault),
            ("hc_vault_transit_uri", &self.hc_vault_transit_uri),
            ("key_groups", &self.key_groups),
            ("shamir_threshold", &self.shamir_threshold),
        ];
        fields.into_iter().find(|(_, given)| given.is_some()).map(|(field, _)| field)
    }
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
