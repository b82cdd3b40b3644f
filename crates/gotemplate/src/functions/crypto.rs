//! Passwords and encryption: parts of sprig's `crypto.go`.

use aes::Aes256;
use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::arguments::text;
use super::base::base64_of;
use super::chance::{Source, keyed, made, source};
use crate::{Fault, Function, Run, Type, Value};

const S: Type = Type::Str;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[S], |run, args| {
        let hash = bcrypt(run, "bcrypt", args, 0)?;
        finish(run, "bcrypt", hash, "$2a$")
    }),
    Function::new("htpasswd", &[S, S], htpasswd),
    Function::new("derivePassword", &[Type::Any, S, S, S, S], derive_password),
    Function::new("encryptAES", &[S, S], encrypt),
    Function::new("decryptAES", &[S, S], decrypt),
];

/// How much work a hash is: Go's default.
const COST: u32 = 10;

/// What hashing a password gave.
enum Hash {
    GeneratedText(String),
    /// A text that says why there is none.
    Refused(String),
    /// What stands in for it.
    StandIn {
        fixed: bool,
        text: String,
    },
}

/// The hash of the password at a position, with a salt drawn for this call.
fn bcrypt(run: &Run<'_>, function: &str, args: &[Value], at: usize) -> Result<Hash, Fault> {
    let password = text(args, at)?;
    let mut stream = match source(run, function, args)? {
        Source::Stream(stream) => stream,
        Source::StandIn("FIXED") => {
            return Ok(Hash::StandIn { fixed: true, text: format!("FIXED-{}", password.lossy()) });
        }
        Source::StandIn(word) => return Ok(Hash::StandIn { fixed: false, text: word.to_owned() }),
    };
    if password.len() > 72 {
        let why = "bcrypt: password length exceeds 72 bytes";
        return Ok(Hash::Refused(format!("failed to encrypt string with bcrypt: {why}")));
    }
    let hash = ::bcrypt::hash_with_salt(password.as_bytes(), COST, stream.bytes());
    let hash = hash.map_err(|error| format!("failed to encrypt string with bcrypt: {error}"))?;
    Ok(Hash::GeneratedText(hash.format_for_version(::bcrypt::Version::TwoA)))
}

fn finish(run: &Run<'_>, function: &'static str, hash: Hash, prefix: &str) -> Result<Value, Fault> {
    match hash {
        Hash::Refused(text) => Ok(text.into()),
        Hash::StandIn { fixed: true, text } => Ok(format!("{prefix}{text}").into()),
        Hash::GeneratedText(text) | Hash::StandIn { text, .. } => made(run, function, text),
    }
}

fn htpasswd(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let user = text(args, 0)?.lossy();
    match bcrypt(run, "htpasswd", args, 1)? {
        Hash::StandIn { fixed: true, text } => Ok(format!("{user}:{text}").into()),
        _ if user.contains(':') => Ok(format!("invalid username: {user}").into()),
        Hash::Refused(text) => Ok(format!("{user}:{text}").into()),
        Hash::GeneratedText(text) | Hash::StandIn { text, .. } => {
            made(run, "htpasswd", text.clone())?;
            Ok(format!("{user}:{text}").into())
        }
    }
}

/// The templates of passwords, by the name of the kind: the Master Password algorithm.
const TEMPLATES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

/// The characters that a letter of a template stands for.
fn characters(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// A whole number as Go's `uint32`.
fn counter(value: &Value) -> Result<u32, Fault> {
    match value.underlying() {
        Value::Int(it) | Value::Int64(it) => Ok(u32::try_from(it.rem_euclid(1 << 32)).unwrap_or_default()),
        _ => Err(format!("wrong type for value; expected uint32; got {}", value.type_name()).into()),
    }
}

const MASTER_SEED: &[u8] = b"com.lyndir.masterpassword";

fn derive_password(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let counter = counter(&args[0])?;
    let kind = text(args, 1)?;
    let password = text(args, 2)?;
    let user = text(args, 3)?;
    let site = text(args, 4)?;
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *kind == *name) else {
        return Ok(format!("cannot find password template {}", kind.lossy()).into());
    };
    let salt = |text: &[u8]| [MASTER_SEED, &u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes(), text].concat();
    let mut key = [0; 64];
    scrypt::Params::new(15, 8, 2, 64)
        .map_err(|error| error.to_string())
        .and_then(|params| scrypt::scrypt(password, &salt(user), &params, &mut key).map_err(|error| error.to_string()))
        .map_err(|error| format!("failed to derive password: {error}"))?;
    let seed = keyed(&key, &[&salt(site)[..], &counter.to_be_bytes()].concat());
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letters = template.bytes().zip(&seed[1..]).map(|(letter, byte)| {
        let from = characters(letter);
        char::from(from[usize::from(*byte) % from.len()])
    });
    made(run, "derivePassword", letters.collect::<String>())
}

/// A password as a key: cut, or filled up with zeros.
fn aes_key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    for (place, byte) in key.iter_mut().zip(password) {
        *place = *byte;
    }
    key
}

fn encrypt(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let password = text(args, 0)?;
    let plain = text(args, 1)?;
    let mut stream = match source(run, "encryptAES", args)? {
        Source::StandIn("FIXED") => return Ok(format!("FIXEDAES-{}", plain.lossy()).into()),
        Source::StandIn(word) => return Ok(word.into()),
        Source::Stream(_) if plain.is_empty() => return Ok("".into()),
        Source::Stream(stream) => stream,
    };
    let start: [u8; 16] = stream.bytes();
    let cipher = cbc::Encryptor::<Aes256>::new(&aes_key(password).into(), &start.into());
    let encrypted = cipher.encrypt_padded_vec_mut::<Pkcs7>(plain);
    Ok(STANDARD.encode([&start[..], &encrypted].concat()).into())
}

fn decrypt(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let password = text(args, 0)?;
    let encoded = text(args, 1)?;
    if encoded.is_empty() {
        return Ok("".into());
    }
    let bytes = base64_of(encoded)?;
    let (start, encrypted) = bytes.split_first_chunk::<16>().ok_or_else(|| {
        format!("runtime error: slice bounds out of range [:16] with capacity {}", encoded.len() / 4 * 3)
    })?;
    let cipher = cbc::Decryptor::<Aes256>::new(&aes_key(password).into(), start.into());
    let plain = cipher.decrypt_padded_vec_mut::<NoPadding>(encrypted);
    let mut plain = plain.map_err(|_| "crypto/cipher: input not full blocks")?;
    let padding = plain.last().copied().map_or(0, usize::from);
    let kept = plain.len().checked_sub(padding).ok_or("runtime error: slice bounds out of range")?;
    plain.truncate(kept);
    Ok(plain.into())
}
