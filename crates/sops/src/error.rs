//! What can be wrong with encrypted files, keys and rules. No message holds a value, nor a line of a file: only paths,
//! places and public keys.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

use super::{AgeError, NoKey, hint};
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::tree::TreeError;
use weft_base::value::{Mark, Origin, Path};
use weft_base::yaml::YamlError;

/// Why something cannot be decrypted or encrypted.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The text is no YAML. The lines around the place are left out, as they may hold plain secrets.
    #[error("{message}")]
    Yaml {
        /// What the reader said.
        message: String,
        /// Where.
        origin: Origin,
        /// What to do.
        hint: Option<String>,
    },
    /// The file cannot be read from the tree.
    #[error(transparent)]
    File(#[from] TreeError),
    /// A file that something names is not there.
    #[error("there is no file `{path}`")]
    Missing {
        /// The file.
        path: String,
        /// Where it is named.
        origin: Origin,
    },
    /// The document is a list or a single value.
    #[error("a file of secrets has to be a map, this one is a {kind}")]
    NotMap {
        /// What it is.
        kind: &'static str,
        /// Where.
        origin: Origin,
    },
    /// The file is not encrypted at all.
    #[error("`{file}` is not encrypted: it has no `sops` section")]
    Unencrypted {
        /// The file.
        file: String,
        /// The same, as a place.
        origin: Origin,
    },
    /// The file is encrypted already.
    #[error("`{file}` is encrypted already: it has a `sops` section")]
    Encrypted {
        /// The file.
        file: String,
        /// Where the section is.
        origin: Origin,
    },
    /// The `sops` section is not as it should be.
    #[error("`{field}` {problem}")]
    Section {
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// Where.
        origin: Origin,
    },
    /// Keys of several groups are needed together, and not all are at hand.
    #[error("the file needs keys of {needed} groups together, and the keys at hand open {opened}")]
    Groups {
        /// How many groups are needed.
        needed: usize,
        /// How many opened.
        opened: usize,
        /// For each group that did not, whose keys would open it.
        missing: Vec<String>,
        /// The public keys of the identities that were tried, with where each came from.
        tried: Vec<String>,
        /// Where.
        origin: Origin,
    },
    /// An indentation that a format does not have.
    #[error("`{field}` is no indentation")]
    Indent {
        /// The field.
        field: String,
        /// The file of the rules.
        origin: Origin,
    },
    /// The groups cannot be needed together in this number.
    #[error("{threshold} of {groups} key groups cannot be needed together")]
    Threshold {
        /// How many are to be needed.
        threshold: usize,
        /// How many there are.
        groups: usize,
    },
    /// A group has no key.
    #[error("key group {group} of `{file}` has no key")]
    EmptyGroup {
        /// Which one, from 1.
        group: usize,
        /// The file.
        file: String,
    },
    /// No recipient is an age key.
    #[error("no recipient of the file is an age key, only: {}", keys.join(", "))]
    NoAge {
        /// The other keys, each with its service.
        keys: Vec<String>,
        /// Where.
        origin: Origin,
    },
    /// There is no key at all.
    #[error("there is no key to decrypt with; the file is encrypted to {}", recipients.join(", "))]
    NoIdentity {
        /// The public keys of those who can read the file.
        recipients: Vec<String>,
        /// Where keys were looked for.
        looked: Vec<String>,
        /// The file.
        origin: Origin,
    },
    /// No key fits.
    #[error("none of the keys at hand can decrypt the file; it is encrypted to {}", recipients.join(", "))]
    WrongIdentity {
        /// The public keys of those who can read the file.
        recipients: Vec<String>,
        /// The public keys of the identities that were tried, with where each came from.
        tried: Vec<String>,
        /// The file.
        origin: Origin,
    },
    /// The wrapped data key is damaged.
    #[error("the data key for `{recipient}` is damaged")]
    DataKey {
        /// For whom it is.
        recipient: String,
        /// Where.
        origin: Origin,
        /// What is wrong with it; none where the key has the wrong length.
        #[source]
        source: Option<AgeError>,
    },
    /// No key fits, and one that may fit cannot be used.
    #[error("no key at hand opens the data key for `{recipient}`")]
    Unusable {
        /// For whom it is.
        recipient: String,
        /// Where.
        origin: Origin,
        /// Which key, and why it cannot be used.
        source: AgeError,
    },
    /// A value that the rules of the file want encrypted is not.
    #[error("the value at `{path}` is not encrypted, or not in the form of SOPS")]
    PlainLeaf {
        /// Which value.
        path: Path,
        /// Where.
        origin: Origin,
    },
    /// An encrypted value does not open.
    #[error("the value at `{path}` was changed, or moved here from another key, after it was encrypted")]
    Tampered {
        /// Which value.
        path: Path,
        /// Where.
        origin: Origin,
    },
    /// An encrypted value opens, but is not what it says.
    #[error("the value at `{path}` does not hold the `{kind}` that it says")]
    WrongKind {
        /// Which value.
        path: Path,
        /// The kind that it says.
        kind: String,
        /// Where.
        origin: Origin,
    },
    /// An encrypted comment does not open.
    #[error("an encrypted comment was changed or moved after it was encrypted")]
    Comment {
        /// Where.
        origin: Origin,
    },
    /// The code over all values does not fit.
    #[error("the file was changed after it was encrypted: its values do not fit their authentication code")]
    Mac {
        /// Where the code is.
        origin: Origin,
    },
    /// A number that the layout cannot hold.
    #[error("the number at `{path}` does not fit 64 bits with a sign, which is all that the layout has")]
    TooLarge {
        /// Which value.
        path: Path,
        /// Where.
        origin: Origin,
    },
    /// A value that a flat format cannot hold.
    #[error("the value at `{path}` cannot stand in a file of `KEY=value` lines")]
    NotText {
        /// Which value.
        path: Path,
    },
    /// A file that has to be text is not.
    #[error("`{file}` is no text in UTF-8")]
    NotUtf8 {
        /// The file.
        file: String,
    },
    /// A format that is not supported.
    #[error("`{file}` is an INI file, which is not supported")]
    Ini {
        /// The file.
        file: String,
    },
    /// Values have to be one map.
    #[error("a file of values has one document, this one has {count}")]
    Documents {
        /// How many it has.
        count: usize,
        /// Where.
        origin: Origin,
    },
    /// A file that age encrypted as a whole does not open.
    #[error("`{file}` does not open")]
    Whole {
        /// The file.
        file: String,
        /// Where keys were looked for, if there is none; the keys that were tried else.
        looked: Vec<String>,
        /// Where.
        origin: Origin,
        /// What age said.
        #[source]
        source: AgeError,
    },
    /// A file that age encrypted as a whole cannot be changed in place.
    #[error("`{file}` is encrypted by age as a whole, and can only be read")]
    WholeFile {
        /// The file.
        file: String,
    },
    /// A text is too long to be encrypted.
    #[error("the text at `{path}` is too long to be encrypted")]
    TooLong {
        /// Which value.
        path: Path,
    },
    /// There is nobody to encrypt to.
    #[error("there is no recipient to encrypt `{file}` to")]
    NoRecipient {
        /// The file.
        file: String,
    },
    /// A key of another service cannot be given the data key.
    #[error("only its own service can encrypt for the key `{key}`")]
    Foreign {
        /// The key, with its service.
        key: String,
    },
    /// What a service gave is no data key.
    #[error("what was decrypted is no data key")]
    NoDataKey,
    /// A path leads to no place where a value can be.
    #[error("there is no place for a value at `{path}`")]
    NoPlace {
        /// The path.
        path: Path,
    },
    /// The data key cannot be wrapped.
    #[error("the data key cannot be encrypted to `{recipient}`")]
    Wrap {
        /// For whom.
        recipient: String,
        /// What age said.
        #[source]
        source: Box<age::EncryptError>,
    },
    /// The source of randomness failed.
    #[error("this machine gives no random bytes")]
    Random(#[source] Box<dyn Error + Send + Sync>),
    /// A line of a key file is no identity that is understood. The line itself is never shown.
    #[error("{what}")]
    Identity {
        /// What it is instead.
        what: NoKey,
        /// Where.
        origin: Origin,
    },
    /// A public key is none that is understood.
    #[error("`{text}` is {what}")]
    Recipient {
        /// The text.
        text: String,
        /// What it is instead.
        what: &'static str,
        /// Where.
        origin: Origin,
    },
    /// An expression of a rule is wrong.
    #[error("`{field}` is no regular expression")]
    Regex {
        /// The field.
        field: String,
        /// Where.
        origin: Origin,
        /// What is wrong.
        #[source]
        source: regex::Error,
    },
    /// A rule has more than one way to choose what is encrypted.
    #[error("{} cannot be used together", fields.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" and "))]
    Selectors {
        /// The ways.
        fields: Vec<&'static str>,
        /// Where.
        origin: Origin,
    },
    /// No rule is for a file.
    #[error("no rule of `{rules}` is for `{path}`")]
    NoRule {
        /// The file of the rules.
        rules: String,
        /// The file that has no rule.
        path: String,
    },
}

impl SecretsError {
    /// What the YAML reader said, without the lines that it would show, and without the name of an alias: a password
    /// that begins with `*` reads as one.
    pub(super) fn yaml(error: &YamlError, file: &Arc<String>) -> Self {
        let origin = error.origin().cloned().unwrap_or_else(|| Origin::new(file, Mark::default()));
        let (message, hint) = match error {
            YamlError::UnknownAnchor { .. } | YamlError::Recursive { .. } => (
                "there is no anchor above this alias".to_owned(),
                Some("Put a text that begins with `*` in quotes.".to_owned()),
            ),
            other => (other.to_string(), other.hint()),
        };
        Self::Yaml { message, origin, hint }
    }
}

impl Diagnose for SecretsError {
    fn kind(&self) -> Kind {
        match self {
            Self::Yaml { .. }
            | Self::Missing { .. }
            | Self::NotMap { .. }
            | Self::Encrypted { .. }
            | Self::TooLarge { .. }
            | Self::TooLong { .. }
            | Self::NoRecipient { .. }
            | Self::Foreign { .. }
            | Self::NoPlace { .. }
            | Self::NoDataKey
            | Self::Recipient { .. }
            | Self::Regex { .. }
            | Self::Indent { .. }
            | Self::Threshold { .. }
            | Self::EmptyGroup { .. }
            | Self::NotText { .. }
            | Self::NotUtf8 { .. }
            | Self::Ini { .. }
            | Self::Documents { .. }
            | Self::WholeFile { .. }
            | Self::Selectors { .. }
            | Self::NoRule { .. } => Kind::Input,
            Self::File(error) => error.kind(),
            Self::Random(_) => Kind::Machine,
            _ => Kind::Secret,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Yaml { origin, .. }
            | Self::Missing { origin, .. }
            | Self::NotMap { origin, .. }
            | Self::Unencrypted { origin, .. }
            | Self::Encrypted { origin, .. }
            | Self::Section { origin, .. }
            | Self::Groups { origin, .. }
            | Self::NoAge { origin, .. }
            | Self::NoIdentity { origin, .. }
            | Self::WrongIdentity { origin, .. }
            | Self::DataKey { origin, .. }
            | Self::Unusable { origin, .. }
            | Self::PlainLeaf { origin, .. }
            | Self::Tampered { origin, .. }
            | Self::WrongKind { origin, .. }
            | Self::Comment { origin }
            | Self::Mac { origin }
            | Self::TooLarge { origin, .. }
            | Self::Identity { origin, .. }
            | Self::Recipient { origin, .. }
            | Self::Regex { origin, .. }
            | Self::Documents { origin, .. }
            | Self::Indent { origin, .. }
            | Self::Whole { origin, .. }
            | Self::Selectors { origin, .. } => Some(origin),
            Self::File(error) => error.origin(),
            Self::TooLong { .. }
            | Self::Threshold { .. }
            | Self::EmptyGroup { .. }
            | Self::NotText { .. }
            | Self::NotUtf8 { .. }
            | Self::Ini { .. }
            | Self::WholeFile { .. }
            | Self::NoRecipient { .. }
            | Self::Foreign { .. }
            | Self::NoPlace { .. }
            | Self::NoDataKey
            | Self::Wrap { .. }
            | Self::Random(_)
            | Self::NoRule { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        hint::of(self)
    }
}
