//! One encrypted leaf: `ENC[AES256_GCM,data:...,iv:...,tag:...,type:...]`, as SOPS' `aes/cipher.go` writes it.

use std::fmt;

use aes_gcm::aead::consts::U32;
use aes_gcm::aes::Aes256;
use aes_gcm::{AeadInPlace, AesGcm, KeyInit, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::leaf::Kind;
use weft_base::masked::Masked;

/// AES-256-GCM with the nonces of 32 bytes that SOPS has always used.
type Cipher = AesGcm<Aes256, U32>;

const PREFIX: &str = "ENC[AES256_GCM,";

/// The key of all leaves of one file.
#[derive(Clone, Debug)]
pub(super) struct DataKey(Masked<[u8; 32]>);

/// An encrypted leaf, taken apart.
#[derive(Clone)]
pub(super) struct Sealed {
    data: Vec<u8>,
    nonce: [u8; 32],
    tag: [u8; 16],
    pub(super) kind: Kind,
}

impl DataKey {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(Masked::new(bytes))
    }

    /// The bytes, to be wrapped for a recipient.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(self.0.expose().into())
    }

    /// Encrypts the plain bytes of a leaf; `bound` is the data that it is bound to. `None` only for texts of many GiB.
    pub(super) fn seal(&self, plain: &[u8], kind: Kind, bound: &str, nonce: [u8; 32]) -> Option<Sealed> {
        let mut data = plain.to_vec();
        let tag = self.cipher().encrypt_in_place_detached(&Nonce::from(nonce), bound.as_bytes(), &mut data).ok()?;
        Some(Sealed { data, nonce, tag: tag.into(), kind })
    }

    /// The plain bytes of a leaf; `None` where it, its place or the key is another than when it was sealed.
    pub(super) fn open(&self, sealed: &Sealed, bound: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut data = Zeroizing::new(sealed.data.clone());
        let nonce = Nonce::from(sealed.nonce);
        let tag = Tag::from(sealed.tag);
        self.cipher().decrypt_in_place_detached(&nonce, bound.as_bytes(), &mut data, &tag).ok().map(|()| data)
    }
}

impl Sealed {
    /// Takes a leaf apart; `None` where it has not exactly the form that [`fmt::Display`] writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let inside = text.strip_prefix(PREFIX)?.strip_suffix(']')?;
        let (data, rest) = inside.strip_prefix("data:")?.split_once(",iv:")?;
        let (nonce, rest) = rest.split_once(",tag:")?;
        let (tag, kind) = rest.split_once(",type:")?;
        Some(Self {
            data: STANDARD.decode(data).ok()?,
            nonce: STANDARD.decode(nonce).ok()?.try_into().ok()?,
            tag: STANDARD.decode(tag).ok()?.try_into().ok()?,
            kind: Kind::named(kind)?,
        })
    }

    /// Whether a text means to be an encrypted leaf, well-formed or not.
    pub(super) fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = STANDARD.encode(&self.data);
        let nonce = STANDARD.encode(self.nonce);
        let tag = STANDARD.encode(self.tag);
        write!(f, "{PREFIX}data:{data},iv:{nonce},tag:{tag},type:{}]", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf that the Go program wrote.
    const VECTOR: &str = "ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,\
                          tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]";

    #[test]
    fn a_leaf_of_the_go_program_opens_at_its_place_only_and_is_written_as_it_was() {
        let key = DataKey::new([b'f'; 32]);
        let sealed = Sealed::parse(VECTOR).unwrap();
        assert_eq!(key.open(&sealed, "bar:").unwrap().as_slice(), b"foo");
        assert!(key.open(&sealed, "baz:").is_none());
        assert_eq!(key.seal(b"foo", Kind::Str, "bar:", sealed.nonce).unwrap().to_string(), VECTOR);
    }

    #[test]
    fn every_changed_byte_of_data_nonce_and_tag_is_refused() {
        let key = DataKey::new([7; 32]);
        let sealed = key.seal(b"hunter2", Kind::Str, "a:", [9; 32]).unwrap();
        for (at, bit) in (0..7 + 32 + 16).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = sealed.clone();
            let mut bytes = changed.data.iter_mut().chain(&mut changed.nonce).chain(&mut changed.tag);
            *bytes.nth(at).unwrap() ^= 1 << bit;
            assert!(key.open(&changed, "a:").is_none());
        }
    }

    #[test]
    fn other_forms_are_not_leaves() {
        let broken = VECTOR.replace("data:oYyi", "data:oYy");
        for text in ["", "foo", "ENC[AES256_GCM,data:,iv:,tag:,type:str]", &broken, &VECTOR.replace(":str", ":set")] {
            assert!(Sealed::parse(text).is_none(), "{text}");
        }
    }
}
