//! What an encrypted file tells without a key.

use std::sync::Arc;

use super::decrypt::sections;
use super::identity::is_age;
use super::metadata::Metadata;
use super::selector::Selector;
use super::{Readers, SecretsError};
use crate::value::Value;

/// An encrypted file, not opened: its keys, its ciphertexts, and who can read it.
#[derive(Debug)]
pub struct Outline {
    /// The content, in which encrypted leaves are their ciphertexts.
    pub value: Value,
    /// Who can read it.
    pub readers: Readers,
    /// Which of its leaves are encrypted.
    pub selector: Selector,
}

/// Whether a file is one that age encrypted as a whole: it tells nothing of its content, nor who can read it.
pub fn is_whole(bytes: &[u8]) -> bool {
    is_age(bytes)
}

impl Outline {
    /// Reads an encrypted file.
    pub fn read(bytes: &[u8], file: &Arc<String>) -> Result<Self, SecretsError> {
        let (value, Metadata { readers, selector, .. }) = sections(&String::from_utf8_lossy(bytes), file)?;
        Ok(Self { value, readers, selector })
    }
}
