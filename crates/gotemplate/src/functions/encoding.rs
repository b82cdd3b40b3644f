//! Base 64, base 32 and hashes: parts of sprig's `strings.go` and `crypto.go`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use sha2::Digest;

use super::arguments::text;
use super::base::{base32, base32_of, base64_of};
use crate::{Function, Type, Value};

const S: Type = Type::Str;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("b64enc", &[S], |_, args| Ok(STANDARD.encode(text(args, 0)?.as_bytes()).into())),
    Function::new("b64dec", &[S], |_, args| Ok(or_message(base64_of(text(args, 0)?)))),
    Function::new("b32enc", &[S], |_, args| Ok(base32(text(args, 0)?).into())),
    Function::new("b32dec", &[S], |_, args| Ok(or_message(base32_of(text(args, 0)?)))),
    Function::new("sha1sum", &[S], |_, args| {
        Ok(HEXLOWER.encode(&sha1::Sha1::digest(text(args, 0)?.as_bytes())).into())
    }),
    Function::new("sha256sum", &[S], |_, args| {
        Ok(HEXLOWER.encode(&sha2::Sha256::digest(text(args, 0)?.as_bytes())).into())
    }),
    Function::new("sha512sum", &[S], |_, args| {
        Ok(HEXLOWER.encode(&sha2::Sha512::digest(text(args, 0)?.as_bytes())).into())
    }),
    Function::new("adler32sum", &[S], |_, args| Ok(adler32(text(args, 0)?).to_string().into())),
];

/// The text; of one that cannot be decoded, the message, as sprig has it.
fn or_message(decoded: Result<Vec<u8>, String>) -> Value {
    decoded.map_or_else(Value::from, Value::from)
}

/// The sum of RFC 1950.
fn adler32(text: &[u8]) -> u32 {
    let (low, high) = text.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    high << 16 | low
}
