//! Pointers of Git LFS: small files in place of large ones.

use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// How every pointer begins, by its specification.
const VERSION: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
/// No pointer is longer, by the same.
const LONGEST: usize = 1024;

/// The SHA-256 of the content that a file points to, in hexadecimal digits; `None` for what is no pointer.
pub(super) fn digest(file: &[u8]) -> Option<String> {
    let rest = file.strip_prefix(VERSION).filter(|_| file.len() <= LONGEST)?;
    let line = std::str::from_utf8(rest).ok()?.lines().find_map(|line| line.strip_prefix("oid sha256:"))?;
    let is_digest = line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| line.to_ascii_lowercase())
}

/// The content itself, where Git LFS keeps it below the repository and it is whole.
pub(super) fn content(repository: &Path, digest: &str) -> Option<Vec<u8>> {
    let place = repository.join("lfs/objects").join(digest.get(..2)?).join(digest.get(2..4)?).join(digest);
    let content = fs::read(place).ok()?;
    let found = HEXLOWER.encode(&Sha256::digest(&content));
    (found == digest).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_told_from_what_only_looks_like_one() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        assert_eq!(digest(text.as_bytes()).as_deref(), Some(oid));
        assert_eq!(digest(b"version https://git-lfs.github.com/spec/v1\noid sha256:x\nsize 1\n"), None);
        assert_eq!(digest(format!("{text}{}", " ".repeat(1024)).as_bytes()), None);
        assert_eq!(digest(b"version: 1\n"), None);
    }
}
