//! Signatures of charts: by cosign in a registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::FetchError;
use super::digest::sha256;
use super::registry::Registry;
use crate::project::Verified;

/// The layer that cosign signs.
const SIGNED: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that holds the signature.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// How the public key of the curve P-256 begins, by RFC 5480; a point follows.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The files with the keys that a chart has to be signed by.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// `OpenPGP` keys.
    pub keyring: Option<Vec<u8>>,
    /// The public key of cosign, as PEM.
    pub cosign: Option<Vec<u8>>,
}

impl Keys {
    /// The digest by which a lock file names a file with keys.
    pub fn digest(file: &[u8]) -> String {
        sha256(file)
    }
}

/// Checks that the manifest of a chart was signed by cosign with a key.
pub(super) async fn cosign(
    chart: &str,
    key: &[u8],
    manifest: &str,
    registry: &Registry<'_>,
) -> Result<Verified, FetchError> {
    let unsigned = |reason: String| FetchError::Unsigned { chart: chart.to_owned(), reason };
    let spki = SubjectPublicKeyInfoDer::from_pem_slice(key).ok();
    let point = spki.as_ref().and_then(|it| it.strip_prefix(&P256));
    let point = point.ok_or_else(|| unsigned("the file with the key is no PEM of a public key on P-256".into()))?;
    let tag = format!("{}.sig", manifest.replace(':', "-"));
    let signatures = match registry.manifest(&tag).await {
        Err(FetchError::Network(error)) if error.status() == Some(http::StatusCode::NOT_FOUND) => {
            return Err(unsigned("the registry has no signature of cosign for it".into()));
        }
        other => other?,
    };
    for layer in signatures.body.layers.iter().filter(|it| it.media_type == SIGNED) {
        let payload = registry.blob(&layer.digest).await?;
        let signature = layer.annotations.get(SIGNATURE).and_then(|it| STANDARD.decode(it).ok()).unwrap_or_default();
        if signs(point, &payload, &signature, manifest) {
            return Ok(Verified { keys: sha256(key), by: format!("cosign {}", sha256(point)) });
        }
    }
    Err(unsigned("none of its signatures was made by the key".into()))
}

/// Whether a signature holds, and is about this manifest.
fn signs(point: &[u8], payload: &[u8], signature: &[u8], manifest: &str) -> bool {
    #[derive(Deserialize)]
    struct Payload {
        critical: Critical,
    }
    #[derive(Deserialize)]
    struct Critical {
        image: Image,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Image {
        docker_manifest_digest: String,
    }
    let holds = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(payload, signature).is_ok();
    let payload = serde_json::from_slice::<Payload>(payload);
    holds && payload.is_ok_and(|it| it.critical.image.docker_manifest_digest == manifest)
}
