//! What may be told of a secret: a fingerprint, how long it is, and what it looks like.

use std::fmt;
use std::fmt::Write as _;

use serde::de::IgnoredAny;

/// A shorter secret could be guessed from its length.
const SHORT: usize = 32;
/// What stands before every sketch.
const HEAD: &str = "(secret ";
/// How a secret may look, as [`Sketch`] prints it.
const SORTS: [&str; 9] =
    ["text", "binary", "number", "boolean", "JSON", "PEM", "PEM certificate", "PEM private key", "PEM public key"];

/// What stands in an output in place of a secret, such as `(secret 1a2b3c4d, under 32 bytes, text)`. Equal secrets have
/// equal sketches, so that a rotation shows as a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch(String);

impl Sketch {
    /// A sketch of which only the first 32 bits of its digest are known; of longer ones the rest is left out.
    pub fn of_digest(digest: &str) -> Self {
        Self(format!("{HEAD}{})", head(digest)))
    }

    /// A sketch of a text or of bytes.
    pub fn of_bytes(digest: &str, bytes: &[u8]) -> Self {
        Self::new(digest, bytes.len(), sort(bytes))
    }

    /// A sketch of what is no text: `number` or `boolean`.
    pub fn of_scalar(digest: &str, sort: &'static str) -> Self {
        Self::new(digest, 0, sort)
    }

    /// Whether a text is a sketch, and so holds no secret.
    pub fn is_one(text: &str) -> bool {
        let inner = text.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(')'));
        let mut parts = inner.into_iter().flat_map(|inner| inner.splitn(3, ", "));
        let (Some(digest), size, sort) = (parts.next(), parts.next(), parts.next()) else { return false };
        let digits = digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits
            && size.is_some() == sort.is_some()
            && size.is_none_or(is_size)
            && sort.is_none_or(|it| SORTS.contains(&it))
    }

    fn new(digest: &str, length: usize, sort: &str) -> Self {
        let mut text = format!("{HEAD}{}, ", head(digest));
        // Writing to a string cannot fail.
        let _ = match length {
            ..SHORT => write!(text, "under {SHORT} bytes, {sort})"),
            _ => write!(text, "{length} bytes, {sort})"),
        };
        Self(text)
    }
}

impl fmt::Display for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn head(digest: &str) -> &str {
    digest.get(..8).unwrap_or(digest)
}

fn is_size(text: &str) -> bool {
    let number = text.strip_suffix(" bytes").map(|it| it.strip_prefix("under ").unwrap_or(it));
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

fn sort(bytes: &[u8]) -> &'static str {
    let Ok(text) = std::str::from_utf8(bytes) else { return "binary" };
    let text = text.trim();
    if let Some((label, _)) = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----")) {
        return match () {
            () if label.ends_with("CERTIFICATE") => "PEM certificate",
            () if label.ends_with("PRIVATE KEY") => "PEM private key",
            () if label.ends_with("PUBLIC KEY") => "PEM public key",
            () => "PEM",
        };
    }
    // A number alone is JSON too, and nobody would call it that.
    let is_json = text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
    let is_binary = text.contains(|c: char| c.is_control() && !c.is_whitespace());
    match () {
        () if is_json => "JSON",
        () if is_binary => "binary",
        () => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_tells_the_sort_and_the_size_of_what_is_long_enough() {
        let of = |bytes: &[u8]| Sketch::of_bytes("1a2b3c4d5e", bytes).to_string();
        assert_eq!(of(b"hunter2"), "(secret 1a2b3c4d, under 32 bytes, text)");
        assert_eq!(of(&[b'x'; 31]), of(b""));
        assert_eq!(of(&[b'x'; 32]), "(secret 1a2b3c4d, 32 bytes, text)");
        assert_eq!(of(&[0xff; 40]), "(secret 1a2b3c4d, 40 bytes, binary)");
        assert_eq!(of(b"\0\x01"), "(secret 1a2b3c4d, under 32 bytes, binary)");
        assert_eq!(of(br#"{"auths": {"registry": {"auth": "eA=="}}}"#), "(secret 1a2b3c4d, 41 bytes, JSON)");
        assert!(
            of(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").ends_with("56 bytes, PEM certificate)")
        );
        assert!(of(b"-----BEGIN OPENSSH PRIVATE KEY-----\n").ends_with("36 bytes, PEM private key)"));
        assert_eq!(Sketch::of_scalar("1a2b3c4d", "number").to_string(), "(secret 1a2b3c4d, under 32 bytes, number)");
    }

    #[test]
    fn a_sketch_is_known_from_other_texts() {
        for bytes in [b"x".as_slice(), &[b'x'; 99], &[0xff]] {
            assert!(Sketch::is_one(&Sketch::of_bytes("1a2b3c4d", bytes).to_string()));
        }
        assert!(Sketch::is_one(&Sketch::of_digest("1a2b3c4d5e6f").to_string()));
        for other in
            ["(secret hunter2!)", "(secret 1a2b3c4d, hunter2, text)", "(secret 1a2b3c4d, 3 bytes, hunter2)", "x"]
        {
            assert!(!Sketch::is_one(other), "{other}");
        }
    }
}
