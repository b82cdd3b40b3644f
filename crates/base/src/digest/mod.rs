//! Digests of what has several parts.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// A SHA-256 of parts, each behind its length (eight bytes, the highest first): no two sequences of parts are the same
/// bytes.
#[derive(Clone, Debug, Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Adds a part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(part);
    }

    /// The digest.
    pub fn end(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The digest in hexadecimal digits.
    pub fn hex(self) -> String {
        HEXLOWER.encode(&self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let of = |parts: &[&str]| {
            let mut digest = Parts::default();
            for part in parts {
                digest.add(part);
            }
            digest.hex()
        };
        let all = [of(&[]), of(&[""]), of(&["ab"]), of(&["a", "b"]), of(&["", "ab"]), of(&["ab", ""])];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        // Digests are kept in clusters: `printf '\0\0\0\0\0\0\0\2ab' | sha256sum`.
        assert_eq!(all[2], "9caccc24b5d7e06c21c0277b6530d66664273e11f326515c58eaa3691afccfff");
    }
}
