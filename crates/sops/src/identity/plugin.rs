//! Keys of plugins: programs `age-plugin-NAME`, which the crate of age finds and runs.

use std::sync::Arc;

use age::secrecy::SecretString;
use age::{Callbacks, DecryptError, plugin};
use age_core::format::{FileKey, Stanza};

use super::Asks;

/// The key of a plugin. Its program is looked for once the key is needed.
pub(super) struct Plugin {
    key: plugin::Identity,
    asks: Arc<dyn Asks>,
}

impl Plugin {
    pub fn new(key: plugin::Identity, asks: Arc<dyn Asks>) -> Self {
        Self { key, asks }
    }
}

impl age::Identity for Plugin {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let name = self.key.plugin();
        let keys = std::slice::from_ref(&self.key);
        match plugin::IdentityPluginV1::new(name, keys, Questions(self.asks.clone())) {
            Ok(program) => program.unwrap_stanzas(stanzas),
            Err(error) => Some(Err(DecryptError::PluginResolve(error))),
        }
    }
}

/// What a plugin asks, passed on.
#[derive(Clone)]
struct Questions(Arc<dyn Asks>);

impl Callbacks for Questions {
    fn display_message(&self, message: &str) {
        self.0.say(message);
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.0.confirm(message, yes, no)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.answer(description)
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        let passphrase = self.0.passphrase(description, 0).ok()?;
        Some(SecretString::from(passphrase.expose().as_str()))
    }
}
