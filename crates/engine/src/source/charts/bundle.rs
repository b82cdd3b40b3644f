//! Signatures of cosign 3: bundles of Sigstore, by its `sigstore_bundle.proto`, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

/// How the types of bundles begin; a version follows.
pub(super) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// What a signature of cosign says of its subjects: nothing but that they are signed. Whoever attests something else of
/// an image with the same key (how it was built, what was found in it) did not sign it.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";
/// The type of a statement in an envelope.
const STATEMENT: &str = "application/vnd.in-toto+json";

/// A bundle, without what tells who made the key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
    message_signature: Option<Message>,
}

/// A statement that is signed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    #[serde(default)]
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

/// A signature of the bytes themselves.
#[derive(Deserialize)]
struct Message {
    signature: String,
}

/// What a statement is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
    #[serde(default)]
    subject: Vec<BundleSubject>,
}

#[derive(Deserialize)]
struct BundleSubject {
    #[serde(default)]
    digest: Digests,
}

#[derive(Default, Deserialize)]
struct Digests {
    sha256: Option<String>,
}

/// Whether a bundle holds a signature of these bytes, whose digest is `digest`, by the key at a point of P-256. One that
/// cannot be read holds none.
pub(super) fn signs(point: &[u8], bundle: &[u8], bytes: &[u8], digest: &str) -> bool {
    let Ok(bundle) = serde_json::from_slice::<Bundle>(bundle) else { return false };
    let holds = |message: &[u8], signature: &str| {
        let signature = STANDARD.decode(signature).unwrap_or_default();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, &signature).is_ok()
    };
    let by_statement = bundle.dsse_envelope.is_some_and(|envelope| {
        let Ok(payload) = STANDARD.decode(&envelope.payload) else { return false };
        let message = encoded(&envelope.payload_type, &payload);
        envelope.payload_type == STATEMENT
            && envelope.signatures.iter().any(|it| holds(&message, &it.sig))
            && is_about(&payload, digest)
    });
    by_statement || bundle.message_signature.is_some_and(|it| holds(bytes, &it.signature))
}

/// What is signed of an envelope: the pre-authentication encoding of DSSE.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut all = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    all.extend_from_slice(payload);
    all
}

/// Whether a statement signs what has this digest.
fn is_about(payload: &[u8], digest: &str) -> bool {
    let wanted = digest.strip_prefix("sha256:");
    serde_json::from_slice::<Statement>(payload).is_ok_and(|it| {
        it.predicate_type == SIGNED
            && it.subject.iter().any(|it| wanted.is_some() && it.digest.sha256.as_deref() == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_encoded_as_its_specification_shows() {
        let shown = encoded("http://example.com/HelloWorld", b"hello world");
        assert_eq!(shown, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn a_statement_is_about_its_subjects_alone() {
        let statement = |kind: &str, digest: &str| {
            serde_json::json!({"predicateType": kind, "subject": [{"digest": {"sha512": "x"}}, {"digest": {"sha256": digest}}]})
                .to_string()
                .into_bytes()
        };
        assert!(is_about(&statement(SIGNED, "ab"), "sha256:ab"));
        assert!(!is_about(&statement(SIGNED, "ab"), "sha256:abc"));
        assert!(!is_about(&statement("https://slsa.dev/provenance/v1", "ab"), "sha256:ab"));
        assert!(!is_about(&statement(SIGNED, ""), "sha512:x") && !is_about(b"{}", "sha256:ab"));
    }
}
