//! What stands in for a certificate until somebody writes one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use weft_base::value::Value;

/// Whether a `caBundle` of the repository holds no certificate: it is empty, or a stand-in such as `Cg==`. One that came
/// from a secret is taken for a certificate.
pub fn is_placeholder(bundle: &Value) -> bool {
    if bundle.is_masked() {
        return false;
    }
    let bytes = bundle.as_str().map(|text| STANDARD.decode(text.trim()).unwrap_or_default()).unwrap_or_default();
    !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_certificate_is_one() {
        let bundle = STANDARD.encode("# ours\n-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n");
        assert!(!is_placeholder(&bundle.into()));
        for text in ["", "Cg==", "\n", "TODO", "dGhlIENBIGNvbWVzIGxhdGVy"] {
            assert!(is_placeholder(&text.into()), "{text}");
        }
        assert!(!is_placeholder(&Value::from("x").masked()));
    }
}
