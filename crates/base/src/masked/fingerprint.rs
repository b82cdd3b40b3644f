//! Keyed fingerprints of secrets.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::value::{Data, Value};

/// The key of fingerprints: random, kept in the state namespace of a cluster or made for one run.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FingerprintKey([u8; 32]);

/// The first 32 bits of a secret's HMAC: enough to see that two values differ. Equal secrets have equal fingerprints, so
/// whoever can have guesses fingerprinted can tell a secret: see [`FingerprintKey::digest_at`] for what others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u32);

impl FingerprintKey {
    /// A key of these random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key itself as a secret, to be kept elsewhere: its hexadecimal digits.
    pub fn masked(&self) -> Value {
        Value::from(HEXLOWER.encode(&self.0)).masked()
    }

    /// The key that [`FingerprintKey::masked`] gave; `None` for anything else.
    pub fn read(secret: &Value) -> Option<Self> {
        let digits = match &secret.data {
            Data::Masked(leaf) => match leaf.expose() {
                Data::Text(text) => text.as_str(),
                _ => return None,
            },
            _ => secret.as_str()?,
        };
        let byte = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
        let mut key = Self([0; 32]);
        for (at, place) in key.0.iter_mut().enumerate() {
            *place = byte(at)?;
        }
        (digits.len() == 64).then_some(key)
    }

    /// What tells this key from others, and says nothing about it.
    pub fn mark(&self) -> String {
        let digest = self.digest(b"the mark of a fingerprint key");
        HEXLOWER.encode(&digest[..8])
    }

    /// The fingerprint of a secret's bytes.
    pub fn fingerprint(&self, secret: &[u8]) -> Fingerprint {
        let digest = self.digest(secret);
        Fingerprint(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
    }

    /// What is shown of the digest of a secret at a place: equal secrets at two places do not look equal, so nobody can
    /// tell a secret by putting guesses beside it.
    pub fn digest_at(&self, object: &str, path: &str, digest: &str) -> String {
        let object_length = object.len();
        let path_length = path.len();
        let bound = format!("shown {object_length} {path_length} {object}{path}{digest}");
        HEXLOWER.encode(&self.digest(bound.as_bytes()))
    }

    /// The whole HMAC-SHA-256 of some bytes; records that hold hashes of secrets use it.
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        // An HMAC takes a key of any length, so the empty default is never used.
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(secret {:08x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_depend_on_the_key_and_on_the_secret() {
        let one = FingerprintKey::new([1; 32]);
        let two = FingerprintKey::new([2; 32]);
        assert_eq!(one.fingerprint(b"a"), one.fingerprint(b"a"));
        assert_ne!(one.fingerprint(b"a"), one.fingerprint(b"b"));
        assert_ne!(one.fingerprint(b"a"), two.fingerprint(b"a"));
        assert!(one.fingerprint(b"a").to_string().starts_with("(secret "));
    }

    #[test]
    fn what_is_shown_depends_on_the_place() {
        let key = FingerprintKey::new([1; 32]);
        let shown = key.digest_at("Secret app/a", "data.x", "12ab");
        assert_eq!(shown, key.digest_at("Secret app/a", "data.x", "12ab"));
        for (object, path, digest) in [
            ("Secret app/b", "data.x", "12ab"),
            ("Secret app/a", "data.y", "12ab"),
            ("Secret app/a", "data.x", "12ac"),
            ("Secret app/ad", "ata.x", "12ab"),
        ] {
            assert_ne!(shown, key.digest_at(object, path, digest));
        }
    }

    #[test]
    fn a_key_is_kept_as_a_secret() {
        let key = FingerprintKey::new([0xa5; 32]);
        assert_eq!(format!("{:?}", key.masked()), "(masked)");
        let again = FingerprintKey::read(&key.masked()).unwrap();
        assert_eq!((again.digest(b"a"), again.mark()), (key.digest(b"a"), key.mark()));
        for broken in ["", "a5", &"zz".repeat(32), &"a5".repeat(33)] {
            assert!(FingerprintKey::read(&broken.into()).is_none(), "{broken}");
        }
        assert_ne!(key.mark(), FingerprintKey::new([1; 32]).mark());
    }
}
