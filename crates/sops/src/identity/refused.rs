//! What a text is that is no key of ours.

use std::fmt;

use age::ssh::UnsupportedKey;

/// What stands where a private key should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// A native key that does not fit its check sum.
    Damaged,
    /// A public key.
    Public,
    /// A key of age's own post-quantum kind.
    PostQuantum,
    /// The key of a plugin that does not fit its check sum.
    Plugin,
    /// An SSH key with a passphrase in the PEM form of old.
    SshPem,
    /// An SSH key that is encrypted in a way that age does not read.
    SshCipher,
    /// An SSH key that stays on a security key.
    SshHardware,
    /// An SSH key of another kind.
    SshKind,
    /// A damaged SSH key.
    SshDamaged,
    /// A private key in PEM that is not in the form of SSH.
    Pem,
    /// Something else.
    Other,
}

impl NoKey {
    /// What a line seems to be.
    pub(super) fn of_line(line: &str) -> Self {
        match line {
            _ if line.starts_with("AGE-PLUGIN-") => Self::Plugin,
            _ if line.starts_with("AGE-SECRET-KEY-PQ-") => Self::PostQuantum,
            _ if line.starts_with("AGE-SECRET-KEY-") => Self::Damaged,
            _ if line.starts_with("age1") || line.starts_with("ssh-") => Self::Public,
            _ => Self::Other,
        }
    }

    /// What a text that begins as PEM seems to be.
    pub(super) fn of_pem(text: &str) -> Self {
        let ours = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"];
        match text.trim_start() {
            text if ours.iter().any(|begin| text.starts_with(begin)) => Self::SshDamaged,
            text if text.lines().next().is_some_and(|line| line.contains("PRIVATE KEY")) => Self::Pem,
            _ => Self::Other,
        }
    }

    /// What to do.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Damaged | Self::Plugin | Self::SshDamaged => "Take the key from where it was made, or from a backup.",
            Self::Public => "Take the private half; a line `AGE-SECRET-KEY-1...` or an SSH key's file without `.pub`.",
            Self::PostQuantum | Self::SshHardware | Self::SshKind => {
                "Make a key with `weft secrets keygen`, and have the files encrypted to it as well."
            }
            Self::SshPem | Self::SshCipher | Self::Pem => {
                "Write an SSH key anew in a form that is understood with `ssh-keygen -p -f FILE`."
            }
            Self::Other => {
                "A key file holds lines `AGE-SECRET-KEY-1...` or `AGE-PLUGIN-...` and comments, an SSH key, or such \
                 lines encrypted by age with a passphrase."
            }
        }
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "the line is a damaged age key",
            Self::Public => "the line is a public key, where the private one is needed",
            Self::PostQuantum => "post-quantum keys of age (mlkem768x25519) are not supported",
            Self::Plugin => "the line is a damaged key of an age plugin",
            Self::SshPem => "SSH keys with a passphrase in the old PEM form are not supported",
            Self::SshCipher => "SSH keys that are encrypted with this cipher are not supported",
            Self::SshHardware => "SSH keys on a security key are not supported: they sign, and cannot decrypt",
            Self::SshKind => "SSH keys of this kind are not supported: age knows ssh-ed25519 and ssh-rsa",
            Self::SshDamaged => "the SSH key is damaged",
            Self::Pem => "private keys in this PEM form are not supported",
            Self::Other => "the line is no age key",
        })
    }
}

impl From<UnsupportedKey> for NoKey {
    fn from(key: UnsupportedKey) -> Self {
        match key {
            UnsupportedKey::EncryptedPem => Self::SshPem,
            UnsupportedKey::EncryptedSsh(_) => Self::SshCipher,
            UnsupportedKey::Hardware(_) => Self::SshHardware,
            UnsupportedKey::Type(_) => Self::SshKind,
        }
    }
}
