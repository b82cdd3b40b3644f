//! What an encrypted file tells without a key.

use std::sync::Arc;

use super::decrypt::sections;
use super::identity::is_age;
use super::metadata::Metadata;
use super::selector::Selector;
use super::store::{self, Layout};
use super::{Format, Readers, SecretsError};
use weft_base::masked::Masked;
use weft_base::value::{Data, Map, Value};

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

/// The content of an encrypted file that stays closed: each ciphertext stands, masked, for its secret, so that what is
/// encrypted anew is seen to be another. One that age encrypted as a whole tells nothing, and is empty.
pub fn closed(bytes: &[u8], file: &Arc<String>) -> Result<Value, SecretsError> {
    if is_age(bytes) {
        return Ok(Value::from(Map::new()));
    }
    Ok(hidden(Outline::read(bytes, file)?.value))
}

/// The same as a file in its own format, without its section.
pub fn closed_bytes(bytes: &[u8], file: &Arc<String>) -> Result<Masked<Vec<u8>>, SecretsError> {
    if is_age(bytes) {
        return Ok(Masked::new(Vec::new()));
    }
    let value = Outline::read(bytes, file)?.value;
    let format = Format::of(file);
    let text = match (format, value.get("data").and_then(Value::as_str)) {
        (Format::Binary, Some(text)) => text.to_owned(),
        _ => store::write(format, Layout::default(), &value, None, Vec::new(), &mut |_, _| Ok(String::new()))?,
    };
    Ok(Masked::new(text.into_bytes()))
}

fn hidden(mut value: Value) -> Value {
    match &mut value.data {
        Data::Map(map) => map.iter_mut().for_each(|it| it.value = hidden(std::mem::take(&mut it.value))),
        Data::List(list) => list.iter_mut().for_each(|it| *it = hidden(std::mem::take(it))),
        Data::Text(text) if text.starts_with("ENC[") => return value.masked(),
        _ => {}
    }
    value
}
