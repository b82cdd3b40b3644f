//! Public keys of age.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use age::ssh::ParseRecipientKeyError;
use age::{EncryptError, NoCallbacks, plugin, ssh, tag, tagpq, x25519};
use age_core::format::{FileKey, Stanza};

use super::envelope::missing;
use crate::SecretsError;
use weft_base::masked::MASK;
use weft_base::value::{Mark, Origin};

/// A public key: native (`age1...`), of a key on a token (`age1tag1...` and, safe from quantum computers,
/// `age1tagpq1...`), of SSH (`ssh-ed25519`, `ssh-rsa`), or of a plugin (`age1NAME1...`). Two are equal if their texts are.
#[derive(Clone)]
pub struct Recipient(pub(crate) Wraps);

/// What encrypts to a public key, with the key's text.
#[derive(Clone)]
pub(crate) struct Wraps {
    text: String,
    key: Arc<dyn age::Recipient + Send + Sync>,
}

impl Recipient {
    /// Reads a public key that was written at `origin`. The comment of an SSH key is left out.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, SecretsError> {
        let text = text.trim();
        read(text).map_err(|what| {
            // A private key that was pasted here is not to be shown.
            let shown = if is_private(text) { MASK } else { text };
            SecretsError::Recipient { text: shown.to_owned(), what, origin: origin.clone() }
        })
    }

    pub(super) fn native(key: x25519::Recipient) -> Self {
        Self::new(key.to_string(), key)
    }

    pub(super) fn ssh(key: ssh::Recipient) -> Self {
        Self::new(key.to_string(), key)
    }

    fn new(text: String, key: impl age::Recipient + Send + Sync + 'static) -> Self {
        Self(Wraps { text, key: Arc::new(key) })
    }
}

/// Reads a public key; what the text is, if it is none.
fn read(text: &str) -> Result<Recipient, &'static str> {
    if is_private(text) {
        return Err("a private key, where the public one is needed");
    }
    if text.starts_with("age1pq1") {
        return Err("a post-quantum key of age (mlkem768x25519), which is not supported");
    }
    if let Ok(key) = text.parse::<x25519::Recipient>() {
        return Ok(Recipient::native(key));
    }
    if let Ok(key) = text.parse::<tag::Recipient>() {
        return Ok(Recipient::new(text.to_owned(), key));
    }
    if let Ok(key) = text.parse::<tagpq::Recipient>() {
        return Ok(Recipient::new(text.to_owned(), key));
    }
    if let Ok(key) = text.parse::<plugin::Recipient>() {
        return Ok(Recipient::new(text.to_owned(), Plugin(key)));
    }
    text.parse::<ssh::Recipient>().map(Recipient::ssh).map_err(|error| match error {
        ParseRecipientKeyError::RsaModulusTooSmall => "an SSH key of RSA with less than 2048 bits, which is too weak",
        ParseRecipientKeyError::RsaModulusTooLarge => {
            "an SSH key of RSA with more than 4096 bits, which is not supported"
        }
        _ if ["ssh-ed25519 ", "ssh-rsa "].iter().any(|kind| text.starts_with(kind)) => "a damaged SSH key",
        _ if ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| text.starts_with(kind)) => {
            "an SSH key of a kind that age does not know (it knows ssh-ed25519 and ssh-rsa)"
        }
        _ if text.starts_with("age1") && text.matches('1').count() > 1 && text.len() != 62 => {
            "a damaged key of an age plugin"
        }
        _ => "no public key of age",
    })
}

fn is_private(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    ["SECRET", "AGE-PLUGIN-", "PRIVATE KEY"].iter().any(|mark| text.contains(mark))
}

/// The public key of a plugin, whose program is looked for once something is encrypted. A program that asks something
/// meanwhile is told that nobody can be asked.
struct Plugin(plugin::Recipient);

impl age::Recipient for Plugin {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let keys = std::slice::from_ref(&self.0);
        let program = plugin::RecipientPluginV1::new(self.0.plugin(), keys, &[], NoCallbacks);
        program.map_err(|error| EncryptError::Io(io::Error::other(missing(&error))))?.wrap_file_key(file_key)
    }
}

impl age::Recipient for Wraps {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        self.key.wrap_file_key(file_key)
    }
}

impl FromStr for Recipient {
    type Err = SecretsError;

    /// Reads a public key from the command line.
    fn from_str(text: &str) -> Result<Self, SecretsError> {
        Self::parse(text, &Origin::new(&Arc::new("--recipient".to_owned()), Mark::default()))
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Recipient {}

impl Hash for Recipient {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}
