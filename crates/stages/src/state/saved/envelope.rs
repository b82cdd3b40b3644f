//! The envelope of a plan file: the version of the format, and a digest of everything after it.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{FORMAT_VERSION, SavedError};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    format_version: u64,
    digest: String,
    #[serde(borrow)]
    plan: &'a RawValue,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct EnvelopeFields {
    #[serde(rename = "formatVersion")]
    number: Option<Json>,
    digest: Option<Json>,
    plan: Option<Json>,
}

/// The file of a document.
pub(super) fn close(document: &str) -> Result<Vec<u8>, SavedError> {
    let unwritten = |source| SavedError::Unwritten { source };
    let plan: &RawValue = serde_json::from_str(document).map_err(unwritten)?;
    let envelope = Envelope { format_version: FORMAT_VERSION, digest: digest(document), plan };
    let mut bytes = serde_json::to_vec(&envelope).map_err(unwritten)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The document of a file, exactly as it was written.
pub(super) fn open<'b>(bytes: &'b [u8], file: &str) -> Result<&'b str, SavedError> {
    let file = || file.to_owned();
    if let Ok(Envelope { format_version: FORMAT_VERSION, digest: said, plan }) = serde_json::from_slice(bytes) {
        return if digest(plan.get()) == said { Ok(plan.get()) } else { Err(SavedError::Damaged { file: file() }) };
    }
    match serde_json::from_slice(bytes) {
        Ok(EnvelopeFields { number: Some(found), digest: Some(_), plan: Some(_) }) => {
            Err(SavedError::Version { file: file(), found: found.to_string() })
        }
        Err(error) if error.is_eof() && bytes.starts_with(b"{\"formatVersion\":") => {
            Err(SavedError::Cut { file: file() })
        }
        // Of a file that begins like ours and is no JSON, a part was overwritten.
        Err(_) if bytes.starts_with(b"{\"formatVersion\":") => Err(SavedError::Damaged { file: file() }),
        Ok(_) | Err(_) => Err(SavedError::Foreign { file: file() }),
    }
}

fn digest(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}
