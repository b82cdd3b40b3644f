//! Private keys: made, read, written, and signed with.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use p256::elliptic_curve::Field;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{NonZeroScalar, ProjectivePoint, Scalar, SecretKey, U256};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::der::{Reader, bits, element, integer, oid, sequence};
use super::pem;
use crate::functions::chance::{Stream, keyed};

const OID_RSA: &[u8] = &[42, 134, 72, 134, 247, 13, 1, 1, 1];
const OID_SHA256_RSA: &[u8] = &[42, 134, 72, 134, 247, 13, 1, 1, 11];
const OID_EC: &[u8] = &[42, 134, 72, 206, 61, 2, 1];
const OID_P256: &[u8] = &[42, 134, 72, 206, 61, 3, 1, 7];
const OID_SHA256_ECDSA: &[u8] = &[42, 134, 72, 206, 61, 4, 3, 2];
const OID_ED25519: &[u8] = &[43, 101, 112];
/// The head of a signed SHA-256 hash.
const SHA256_PREFIX: &[u8] = &[48, 49, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 1, 5, 0, 4, 32];

/// What an RSA key is derived from, and its size.
type RsaSeed = ([u8; 32], usize);

/// The RSA keys that were made.
static RSA_KEYS: LazyLock<Mutex<HashMap<RsaSeed, Box<RsaPrivateKey>>>> = LazyLock::new(Mutex::default);

/// A private key.
pub(super) enum PrivateKey {
    /// RSA.
    Rsa(Box<RsaPrivateKey>),
    /// ECDSA on the curve P-256.
    P256(SecretKey),
    /// Ed25519.
    Ed25519(Box<rcgen::KeyPair>, [u8; 32]),
}

impl PrivateKey {
    /// An RSA key of so many bits. It takes long to make one, and a release is rendered more than once: those that were
    /// derived before are remembered.
    pub fn rsa(stream: &mut Stream, size: usize) -> Result<Self, String> {
        let seed = (stream.bytes::<32>(), size);
        if let Some(known) = RSA_KEYS.lock().ok().and_then(|keys| keys.get(&seed).cloned()) {
            return Ok(Self::Rsa(known));
        }
        let key = RsaPrivateKey::new(&mut Stream::new(&seed.0), size)
            .map(Box::new)
            .map_err(|error| format!("error generating rsa key: {error}"))?;
        if let Ok(mut keys) = RSA_KEYS.lock() {
            keys.insert(seed, key.clone());
        }
        Ok(Self::Rsa(key))
    }

    /// A key of P-256.
    pub fn p256(stream: &mut Stream) -> Self {
        loop {
            if let Ok(key) = SecretKey::from_slice(&stream.bytes::<32>()) {
                return Self::P256(key);
            }
        }
    }

    /// An Ed25519 key of a seed.
    pub fn ed25519(seed: [u8; 32]) -> Result<Self, String> {
        let key = rcgen::KeyPair::try_from(ed25519_pkcs8(&seed).as_slice()).map_err(|error| error.to_string())?;
        Ok(Self::Ed25519(Box::new(key), seed))
    }

    /// The key of a PEM text.
    pub fn read(text: &str) -> Result<Self, String> {
        let block = pem::decode(text).ok_or("no PEM data in input")?;
        match block.label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(&block.bytes),
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&block.bytes)
                .map(|key| Self::Rsa(Box::new(key)))
                .map_err(|error| format!("parsing RSA private key from PEM: {error}")),
            "EC PRIVATE KEY" => Self::from_sec1(&block.bytes)
                .ok_or_else(|| "parsing EC private key from PEM: only the curve P-256 is read".to_owned()),
            "DSA PRIVATE KEY" => Err("DSA keys are not read".to_owned()),
            label => match label.strip_suffix(" PRIVATE KEY") {
                Some(kind) => Err(format!("invalid private key type {kind}")),
                None => Err(format!("no private key data in PEM block of type {label}")),
            },
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Result<Self, String> {
        let parts = || {
            let mut reader = Reader(bytes).sequence()?;
            reader.expect(2)?;
            let mut algorithm = reader.sequence()?;
            Some((algorithm.expect(6)?.contents, reader.expect(4)?.contents))
        };
        let wrong = |reason: &str| format!("decoding PEM as PKCS#8: {reason}");
        match parts() {
            Some((OID_RSA, _)) => RsaPrivateKey::from_pkcs8_der(bytes)
                .map(|key| Self::Rsa(Box::new(key)))
                .map_err(|error| wrong(&error.to_string())),
            Some((OID_EC, key)) => Self::from_sec1(key).ok_or_else(|| wrong("only the curve P-256 is read")),
            Some((OID_ED25519, key)) => {
                let seed = Reader(key).expect(4).and_then(|it| it.contents.try_into().ok());
                Self::ed25519(seed.ok_or_else(|| wrong("invalid Ed25519 key"))?)
            }
            Some(_) => Err(wrong("x509: PKCS#8 wrapping contained private key with unknown algorithm")),
            None => Err(wrong("asn1: structure error")),
        }
    }

    fn from_sec1(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes).sequence()?;
        reader.expect(2)?;
        SecretKey::from_slice(reader.expect(4)?.contents).ok().map(Self::P256)
    }

    /// The key as a PEM text, in the form that sprig gives each kind.
    pub fn write(&self) -> Result<String, String> {
        Ok(match self {
            Self::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|error| error.to_string())?;
                pem::encode("RSA PRIVATE KEY", der.as_bytes())
            }
            Self::P256(key) => {
                let public = element(0xa1, &bits(key.public_key().to_encoded_point(false).as_bytes(), 0));
                let parts = [integer(&[1]), element(4, &key.to_bytes()), element(0xa0, &oid(OID_P256)), public];
                pem::encode("EC PRIVATE KEY", &element(0x30, &parts.concat()))
            }
            Self::Ed25519(_, seed) => pem::encode("PRIVATE KEY", &ed25519_pkcs8(seed)),
        })
    }

    /// The public key as it stands in a certificate, and its bits alone.
    pub fn public(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => {
                let der = key.to_public_key().to_pkcs1_der().map_err(|error| error.to_string())?;
                (sequence(&[&oid(OID_RSA), &[5, 0]]), der.as_bytes().to_vec())
            }
            Self::P256(key) => (
                sequence(&[&oid(OID_EC), &oid(OID_P256)]),
                key.public_key().to_encoded_point(false).as_bytes().to_vec(),
            ),
            Self::Ed25519(key, _) => (sequence(&[&oid(OID_ED25519)]), key.public_key_raw().to_vec()),
        };
        Ok((sequence(&[&algorithm, &bits(&key, 0)]), key))
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => sequence(&[&oid(OID_SHA256_RSA), &[5, 0]]),
            Self::P256(_) => sequence(&[&oid(OID_SHA256_ECDSA)]),
            Self::Ed25519(..) => sequence(&[&oid(OID_ED25519)]),
        }
    }

    /// The signature of a message; the same each time.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa(key) => {
                let padding = Pkcs1v15Sign { hash_len: Some(32), prefix: SHA256_PREFIX.into() };
                key.sign(padding, &Sha256::digest(message)).map_err(|error| error.to_string())
            }
            Self::P256(key) => Ok(ecdsa(key, message)),
            Self::Ed25519(key, _) => rcgen::SigningKey::sign(&**key, message).map_err(|error| error.to_string()),
        }
    }
}

fn ed25519_pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    let algorithm = sequence(&[&oid(OID_ED25519)]);
    sequence(&[&integer(&[0]), &algorithm, &element(4, &element(4, seed))])
}

/// A signature whose secret number is derived from the key and the message, so that it never repeats for another one.
fn ecdsa(key: &SecretKey, message: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(message);
    let hashed = <Scalar as Reduce<U256>>::reduce_bytes(&hash);
    let secret: NonZeroScalar = key.to_nonzero_scalar();
    let mut stream = Stream::new(&keyed(&key.to_bytes(), &hash));
    loop {
        let Some(nonce) = Option::<NonZeroScalar>::from(NonZeroScalar::from_repr(stream.bytes::<32>().into())) else {
            continue;
        };
        let point = (ProjectivePoint::GENERATOR * *nonce).to_affine();
        let r = <Scalar as Reduce<U256>>::reduce_bytes(&point.x());
        let s = nonce.as_ref().invert().unwrap_or(Scalar::ZERO) * (hashed + r * *secret);
        if !bool::from(r.is_zero()) && !bool::from(s.is_zero()) {
            return sequence(&[&integer(&r.to_bytes()), &integer(&s.to_bytes())]);
        }
    }
}
