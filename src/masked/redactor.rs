//! Removing known secrets from texts that others wrote.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{MASK, Masked};

/// Secrets shorter than this are left alone: replacing every `1` of a message would hide the message, not the secret.
const SHORTEST: usize = 4;

/// Knows secret values, and replaces them and their base64 forms in any text.
#[derive(Default)]
pub struct Redactor {
    /// Longest first, so that a secret that holds another is replaced whole.
    needles: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// A redactor of these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Masked<String>>) -> Self {
        let mut needles: Vec<Zeroizing<String>> = Vec::new();
        for secret in secrets {
            let text = secret.0.trim();
            if text.len() < SHORTEST {
                continue;
            }
            let whole = secret.0.as_bytes();
            let encoded = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD].map(|b| b.encode(whole));
            let lines = text.lines().map(str::trim).filter(|l| l.len() >= SHORTEST * 2).map(str::to_owned);
            needles.extend(
                lines.chain([text.to_owned(), format!("{text:?}").trim_matches('"').to_owned()]).map(Zeroizing::new),
            );
            needles.extend(encoded.map(Zeroizing::new));
        }
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles }
    }

    /// The text without any known secret.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for needle in self.needles.iter().filter(|n| !n.is_empty()) {
            if out.contains(needle.as_str()) {
                out = out.replace(needle.as_str(), MASK);
            }
        }
        out
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor of {} texts", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_removed_plain_and_in_base64() {
        let redactor = Redactor::new([&Masked::new("hunter2".to_owned())]);
        let said = "spec.env: Invalid value: \"hunter2\" (aHVudGVyMg==)";
        assert_eq!(redactor.redact(said), "spec.env: Invalid value: \"(masked)\" ((masked))");
    }
}
