//! JSON, base64 and digests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use minijinja::value::Kwargs;
use minijinja::{Error, Value as Dynamic};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::convert::{self, invalid};
use crate::format;
use crate::node::{self, Secrets};
use crate::trace::unmarked;
use weft_base::value::Value;

/// `x | tojson`, `x | tojson(indent=2)`.
pub fn tojson(value: &Dynamic, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let value = convert::value(value)?;
    let text = match indent {
        None => serde_json::to_string(&value),
        Some(width) => pretty(&value, width),
    };
    text.map_err(|error| invalid(error.to_string()))
}

fn pretty(value: &Value, width: usize) -> serde_json::Result<String> {
    let indent = " ".repeat(width.min(16));
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut out, formatter))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// `text | fromjson`.
pub fn fromjson(text: &str) -> Result<Dynamic, Error> {
    let value: Value =
        serde_json::from_str(&unmarked(text)).map_err(|error| invalid(format!("the text is not JSON: {error}")))?;
    Ok(node::dynamic(&value, Secrets::Refused))
}

/// `x | b64encode`: of the text that `{{ x }}` prints.
pub fn b64encode(value: &Dynamic) -> Result<String, Error> {
    Ok(STANDARD.encode(unmarked(&format::text(value)?).as_bytes()))
}

/// `text | b64decode`. What it decodes to must be text.
pub fn b64decode(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(unmarked(text).trim()).map_err(|_| invalid("the text is not base64"))?;
    String::from_utf8(bytes).map_err(|_| invalid("the base64 does not hold UTF-8 text"))
}

/// `x | sha256`: of the text that `{{ x }}` prints, in hexadecimal digits.
pub fn sha256(value: &Dynamic) -> Result<String, Error> {
    Ok(sha256_of(&format::text(value)?))
}

/// `x | sha1`: of the text that `{{ x }}` prints, in hexadecimal digits.
pub fn sha1(value: &Dynamic) -> Result<String, Error> {
    Ok(HEXLOWER.encode(&Sha1::digest(unmarked(&format::text(value)?).as_bytes())))
}

/// `x | hash8`: the first 8 digits of its SHA-256, for names.
pub fn hash8(value: &Dynamic) -> Result<String, Error> {
    Ok(hash8_of(&format::text(value)?))
}

pub(super) fn sha256_of(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(unmarked(text).as_bytes()))
}

pub(super) fn hash8_of(text: &str) -> String {
    sha256_of(text)[..8].to_owned()
}
