//! Digests of archives and of files.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::FetchError;

/// The SHA-256 of bytes, as `sha256:` and 64 hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// The digest of files by their paths and bytes, however they were packed: the SHA-256 of a line
/// `<SHA-256 of the bytes>  <path>` for each, sorted by path, as `files:` and 64 hexadecimal digits.
pub(super) fn of_files(files: &[(String, Vec<u8>)]) -> String {
    let mut lines: Vec<(&str, String)> =
        files.iter().map(|(path, bytes)| (path.as_str(), HEXLOWER.encode(&Sha256::digest(bytes)))).collect();
    lines.sort_unstable();
    let mut all = Sha256::new();
    for (path, sum) in lines {
        all.update(format!("{sum}  {path}\n"));
    }
    format!("files:{}", HEXLOWER.encode(&all.finalize()))
}

/// Refuses what has another digest than it should.
pub(super) fn same(what: &str, by: &'static str, expected: &str, actual: String) -> Result<(), FetchError> {
    if expected == actual {
        return Ok(());
    }
    Err(FetchError::Digest { what: what.to_owned(), by, expected: expected.to_owned(), actual })
}
