//! Signatures of charts: by cosign in a registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::FetchError;
use super::bundle::{self, BUNDLE};
use super::digest::sha256;
use super::registry::{Descriptor, Registry};
use weft_stages::project::Verified;

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

/// How many bundles of a manifest are looked at.
const BUNDLES: usize = 100;

/// Checks that the manifest of a chart was signed by cosign with a key: in a bundle, as version 3 writes it, or at a tag,
/// as those before it do.
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
    let mut found = in_bundles(point, manifest, registry).await?;
    if found != SignatureMatch::Ours {
        found = found.max(at_tag(point, manifest, registry).await?);
    }
    match found {
        SignatureMatch::Ours => Ok(Verified { keys: sha256(key), by: format!("cosign {}", sha256(point)) }),
        SignatureMatch::Others => Err(unsigned("none of its signatures was made by the key".into())),
        SignatureMatch::Nothing => Err(unsigned("the registry has no signature of cosign for it".into())),
    }
}

/// What was found of signatures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SignatureMatch {
    Nothing,
    /// Signatures by other keys, or of other things.
    Others,
    Ours,
}

/// Looks at what refers to a manifest.
async fn in_bundles(point: &[u8], manifest: &str, registry: &Registry<'_>) -> Result<SignatureMatch, FetchError> {
    let mut found = SignatureMatch::Nothing;
    let mut signed = None;
    for referrer in registry.referrers(manifest).await?.iter().filter(|it| may_be_bundle(it)).take(BUNDLES) {
        let layers = registry.manifest(&referrer.digest).await?.body.layers;
        for layer in layers.iter().filter(|it| it.media_type.starts_with(BUNDLE)) {
            let bundle = registry.blob(&layer.digest).await?;
            if signed.is_none() {
                signed = Some(registry.manifest(manifest).await?.bytes);
            }
            if bundle::signs(point, &bundle, signed.as_deref().unwrap_or_default(), manifest) {
                return Ok(SignatureMatch::Ours);
            }
            found = SignatureMatch::Others;
        }
    }
    Ok(found)
}

/// Whether what refers to a manifest can be a bundle. Lists that clients keep may not say what their entries are.
fn may_be_bundle(referrer: &Descriptor) -> bool {
    let kind = referrer.artifact_type.as_deref().unwrap_or_default();
    kind.is_empty() || kind.starts_with(BUNDLE) || kind == "application/vnd.oci.empty.v1+json"
}

/// Looks at the tag that a digest has for signatures.
async fn at_tag(point: &[u8], manifest: &str, registry: &Registry<'_>) -> Result<SignatureMatch, FetchError> {
    let tag = format!("{}.sig", manifest.replace(':', "-"));
    let signatures = match registry.manifest(&tag).await {
        Err(FetchError::Network(error)) if error.status() == Some(http::StatusCode::NOT_FOUND) => {
            return Ok(SignatureMatch::Nothing);
        }
        other => other?,
    };
    for layer in signatures.body.layers.iter().filter(|it| it.media_type == SIGNED) {
        let payload = registry.blob(&layer.digest).await?;
        let signature = layer.annotations.get(SIGNATURE).and_then(|it| STANDARD.decode(it).ok()).unwrap_or_default();
        if signs(point, &payload, &signature, manifest) {
            return Ok(SignatureMatch::Ours);
        }
    }
    Ok(SignatureMatch::Others)
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
