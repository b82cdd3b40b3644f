//! Files that age or rage encrypted as a whole, binary or armored. Beneath the ending `.age`, their names say the format
//! of their content.

use std::sync::Arc;

use super::{Format, Identities, SecretsError, store};
use weft_base::masked::Masked;
use weft_base::value::{Mark, Origin, Value};

/// The ending of the names of such files.
const ENDING: &str = ".age";

/// The content of a file.
pub(super) fn open(bytes: &[u8], file: &Arc<String>, identities: &Identities) -> Result<Masked<Vec<u8>>, SecretsError> {
    identities.open(bytes, file).map_err(|source| {
        let looked = if identities.is_empty() { identities.looked().to_vec() } else { identities.described() };
        SecretsError::Whole { file: file.to_string(), looked, origin: Origin::new(file, Mark::default()), source }
    })
}

/// The values of a file, all of them masked. Content whose name says no format is YAML.
pub(super) fn values(bytes: &[u8], file: &Arc<String>, identities: &Identities) -> Result<Value, SecretsError> {
    let content = open(bytes, file, identities)?;
    let format = match Format::of(file.strip_suffix(ENDING).unwrap_or(file)) {
        Format::Binary => Format::Yaml,
        other => other,
    };
    let text = std::str::from_utf8(content.expose()).map_err(|_| SecretsError::NotUtf8 { file: file.to_string() })?;
    Ok(store::read(text, file, format)?.masked())
}
