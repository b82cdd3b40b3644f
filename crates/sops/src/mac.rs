//! The message authentication code over all leaves of a file.

use std::fmt::Write as _;

use sha2::{Digest, Sha256, Sha512};

use super::leaf;
use weft_base::value::Data;

/// Hashes the plain bytes of leaves in document order, one after the other without keys or separators. Comments and
/// nulls take no part. Where only encrypted leaves take part, a first block keeps the two sorts of codes apart.
pub(super) struct Mac {
    hash: Sha512,
    only_encrypted: bool,
}

impl Mac {
    pub(super) fn new(only_encrypted: bool) -> Self {
        let mut hash = Sha512::new();
        if only_encrypted {
            hash.update(Sha256::digest(b"sops"));
        }
        Self { hash, only_encrypted }
    }

    /// Adds a leaf in its plain form.
    pub(super) fn add(&mut self, plain: &Data, encrypted: bool) {
        if let Some((_, bytes)) = leaf::plain(plain).filter(|_| encrypted || !self.only_encrypted) {
            self.hash.update(bytes.as_bytes());
        }
    }

    /// Adds an encrypted leaf by its bytes.
    pub(super) fn add_bytes(&mut self, plain: &[u8]) {
        self.hash.update(plain);
    }

    /// The code: upper-case hexadecimal.
    pub(super) fn finish(self) -> String {
        self.hash.finalize().iter().fold(String::with_capacity(128), |mut code, byte| {
            // Writing to a string cannot fail.
            let _ = write!(code, "{byte:02X}");
            code
        })
    }
}
