//! Changes of who can read files, and what tells encrypted files from others.

use std::sync::Arc;

use super::access::{Group, Readers};
use super::decrypt::sections;
use super::identity::is_age;
use super::metadata::Metadata;
use super::wrap::pgp;
use super::{Recipient, SecretsError};

/// Whether a file is an encrypted one, by what only the section of SOPS or the header of age looks like. Opening it
/// tells for sure.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    is_age(bytes) || has_section(bytes)
}

/// Whether a file looks encrypted in the layout of SOPS, which names its readers; a whole file of age's does not.
pub fn has_section(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let section = |line: &str| {
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || c == '{' || c == '"');
        line.starts_with("sops:") || line.starts_with("sops_mac=") || (bare.starts_with("sops\"") && text.contains('{'))
    };
    text.contains("ENC[AES256_GCM,") && text.lines().any(section)
}

/// Who can read an encrypted file. Needs no key.
pub fn readers_of(bytes: &[u8], file: &Arc<String>) -> Result<Readers, SecretsError> {
    section(bytes, file).map(|metadata| metadata.readers)
}

/// What an encrypted file holds for PGP keys: the fingerprint of each, and the message with the data key.
pub fn pgp_messages(bytes: &[u8], file: &Arc<String>) -> Result<Vec<(String, String)>, SecretsError> {
    section(bytes, file).map(|metadata| pgp(metadata.written()))
}

fn section(bytes: &[u8], file: &Arc<String>) -> Result<Metadata, SecretsError> {
    Ok(sections(&String::from_utf8_lossy(bytes), file)?.1)
}

impl Readers {
    /// These and one more, in the group of this number.
    #[must_use]
    pub fn with(&self, recipient: &Recipient, group: usize) -> Self {
        let mut readers = self.clone();
        if let Some(Group { recipients, .. }) = readers.groups.get_mut(group)
            && !recipients.contains(recipient)
        {
            recipients.push(recipient.clone());
        }
        readers
    }

    /// These without one, in whatever group; an error where that would leave a group without any key.
    pub fn without(&self, recipient: &Recipient, file: &str) -> Result<Self, SecretsError> {
        let mut readers = self.clone();
        for group in &mut readers.groups {
            let before = group.recipients.len();
            group.recipients.retain(|it| it != recipient);
            if group.recipients.len() < before && group.recipients.is_empty() && group.others.is_empty() {
                return Err(SecretsError::NoRecipient { file: file.to_owned() });
            }
        }
        Ok(readers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_files_are_told_from_others() {
        let encrypted = [
            "a: ENC[AES256_GCM,data:x]\nsops:\n  age: []\n",
            "{\n\t\"data\": \"ENC[AES256_GCM,data:x]\",\n\t\"sops\": {}\n}\n",
            "{\"data\":\"ENC[AES256_GCM,data:x]\",\n\"sops\":{}}\n",
            "A=ENC[AES256_GCM,data:x]\nsops_mac=ENC[AES256_GCM,data:x]\n",
            "age-encryption.org/v1\n-> X25519 x\n",
            "-----BEGIN AGE ENCRYPTED FILE-----\n",
        ];
        for text in encrypted {
            assert!(is_encrypted(text.as_bytes()), "{text}");
        }
        for text in ["a: 1\nsops: x\n", "# ENC[AES256_GCM,data:x]\n", "", "- age1x\n"] {
            assert!(!is_encrypted(text.as_bytes()), "{text}");
        }
    }
}
