//! Keys behind a passphrase, which is asked for once, and only for a file that the key may open.

use std::io;
use std::sync::{Arc, OnceLock};

use age::secrecy::SecretString;
use age::{DecryptError, ssh};
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Asks, Identities, envelope};
use weft_base::masked::Masked;

/// How often a person may try.
const ATTEMPTS: usize = 3;

/// A key file whose keys a passphrase protects.
pub(super) struct Locked {
    contents: Contents,
    from: String,
    asks: Arc<dyn Asks>,
    opened: OnceLock<Result<Opened, String>>,
}

enum Contents {
    /// An SSH key, with what a stanza for it begins with.
    Ssh { key: ssh::EncryptedKey, tag: &'static str, print: String },
    /// A file of age's.
    File(Zeroizing<Vec<u8>>),
}

enum Opened {
    Ssh(Box<ssh::Identity>),
    Keys(Identities),
}

impl Locked {
    /// An encrypted SSH key.
    pub fn ssh(key: ssh::EncryptedKey, public: &ssh::Recipient, from: &str, asks: Arc<dyn Asks>) -> Self {
        let (tag, bytes) = match public {
            ssh::Recipient::SshRsa(bytes, _) => ("ssh-rsa", bytes),
            ssh::Recipient::SshEd25519(bytes, _) => ("ssh-ed25519", bytes),
        };
        let print = BASE64_STANDARD_NO_PAD.encode(&Sha256::digest(bytes)[..4]);
        Self::new(Contents::Ssh { key, tag, print }, from, asks)
    }

    /// A key file that age encrypted.
    pub fn file(file: &[u8], from: &str, asks: Arc<dyn Asks>) -> Self {
        Self::new(Contents::File(Zeroizing::new(file.to_owned())), from, asks)
    }

    fn new(contents: Contents, from: &str, asks: Arc<dyn Asks>) -> Self {
        Self { contents, from: from.to_owned(), asks, opened: OnceLock::new() }
    }

    /// Whether one of the stanzas may be for a key in here. A stanza for an SSH key names it.
    fn may_open(&self, stanzas: &[Stanza]) -> bool {
        match &self.contents {
            Contents::Ssh { tag, print, .. } => {
                stanzas.iter().any(|it| it.tag == *tag && it.args.first() == Some(print))
            }
            Contents::File(_) => stanzas.iter().any(|it| it.tag != "scrypt"),
        }
    }

    /// Asks until a passphrase fits.
    fn open(&self) -> Result<Opened, String> {
        for attempt in 0..ATTEMPTS {
            let passphrase = self.asks.passphrase(&format!("`{}`", self.from), attempt)?;
            if let Some(opened) = self.open_with(&passphrase)? {
                return Ok(opened);
            }
        }
        Err("its passphrase was wrong".to_owned())
    }

    /// The keys; `None` if the passphrase is wrong.
    fn open_with(&self, passphrase: &Masked<String>) -> Result<Option<Opened>, String> {
        match &self.contents {
            Contents::Ssh { key, .. } => match key.decrypt(SecretString::from(passphrase.expose().as_str())) {
                Ok(key) => Ok(Some(Opened::Ssh(Box::new(key.into())))),
                Err(DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed) => Ok(None),
                Err(error) => Err(error.to_string()),
            },
            Contents::File(file) => {
                let Some(text) = envelope::with_passphrase(file, passphrase).map_err(|error| error.to_string())? else {
                    return Ok(None);
                };
                let keys =
                    Identities::read(text.expose(), &self.from, &self.asks).map_err(|error| error.to_string())?;
                Ok(Some(Opened::Keys(keys)))
            }
        }
    }
}

impl age::Identity for Locked {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        if !self.may_open(stanzas) {
            return None;
        }
        match self.opened.get_or_init(|| self.open()) {
            Ok(Opened::Ssh(key)) => key.unwrap_stanzas(stanzas),
            Ok(Opened::Keys(keys)) => keys.in_turn().find_map(|it| it.key.unwrap_stanzas(stanzas)),
            Err(problem) => Some(Err(DecryptError::Io(io::Error::other(problem.clone())))),
        }
    }
}
