//! The way back: an archive into a registry, as Helm puts it there.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::digest::sha256;
use super::registry::Registry;
use super::{Charts, FetchError, LAYERS, PROVENANCE, named, provenance};
use crate::network;
use weft_base::masked::Masked;
use weft_base::tree::archive;
use weft_base::value::Value;
use weft_base::yaml::{self, Rules};

/// The kinds of a manifest and of a chart's `Chart.yaml` in it.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushResult {
    /// Where it is: `oci://HOST/PATH/NAME:TAG`.
    pub reference: String,
    /// The digest of its manifest.
    pub digest: String,
}

impl Charts {
    /// Pushes an archive below the address `oci://HOST/PATH`, with its provenance file if it has one.
    pub fn push(&self, repo: &str, archive: &[u8], provenance: Option<&[u8]>) -> Result<PushResult, FetchError> {
        network::wait(self.pushed(repo, archive, provenance))?
    }

    async fn pushed(&self, repo: &str, bytes: &[u8], provenance: Option<&[u8]>) -> Result<PushResult, FetchError> {
        let files = archive::unpack(bytes, "the archive")?;
        let (name, version) = named("the archive", &files)?;
        let address = format!("{}/{name}", repo.trim_end_matches('/'));
        let reach = self.reach()?;
        let registry = Registry::at(&address, &reach.network, &reach.logins)?;
        let (config, annotations) = described(&files)?;
        let mut layers = vec![layer(&registry, LAYERS[0], bytes).await?];
        if let Some(provenance) = provenance {
            layers.push(layer(&registry, PROVENANCE, provenance).await?);
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": layer(&registry, CONFIG, &config).await?,
            "layers": layers,
            "annotations": annotations,
        });
        let tag = version.replace('+', "_");
        let digest = registry.put_manifest(&tag, MANIFEST, manifest.to_string().as_bytes()).await?;
        Ok(PushResult { reference: format!("{address}:{tag}"), digest })
    }
}

/// Puts bytes into a registry, and describes them.
async fn layer(registry: &Registry<'_>, kind: &str, bytes: &[u8]) -> Result<Json, FetchError> {
    let digest = registry.put_blob(bytes).await?;
    Ok(json!({"mediaType": kind, "digest": digest, "size": bytes.len()}))
}

/// `Chart.yaml` as JSON, and what Helm tells of it in annotations.
fn described(files: &[(String, Vec<u8>)]) -> Result<(Vec<u8>, Json), FetchError> {
    let wrong = |problem: &str| FetchError::NotTheChart { what: "the archive".into(), problem: problem.into() };
    let text = files.iter().find(|(path, _)| path == "Chart.yaml").map(|(_, bytes)| String::from_utf8_lossy(bytes));
    let text = text.ok_or_else(|| wrong("has no `Chart.yaml`"))?;
    let chart = yaml::document(&text, &Arc::new("Chart.yaml".to_owned()), Rules::Kubernetes)
        .map_err(|error| wrong(&error.to_string()))?;
    let config = serde_json::to_vec(&chart).map_err(|error| wrong(&error.to_string()))?;
    let mut annotations = serde_json::Map::new();
    for entry in chart.get("annotations").and_then(Value::as_map).into_iter().flat_map(|it| it.iter()) {
        if let Some(text) = entry.value.as_str() {
            annotations.insert(entry.key.to_string(), text.into());
        }
    }
    for (field, name) in [("description", "description"), ("name", "title"), ("version", "version"), ("home", "url")] {
        if let Some(text) = chart.get(field).and_then(Value::as_str).filter(|it| !it.trim().is_empty()) {
            annotations.insert(format!("org.opencontainers.image.{name}"), text.into());
        }
    }
    Ok((config, Json::Object(annotations)))
}

/// Signs an archive with a secret key, as `provenance` describes it; gives the provenance file.
pub fn sign(
    archive: &[u8],
    keyring: &[u8],
    user: Option<&str>,
    passphrase: &Masked<String>,
) -> Result<String, FetchError> {
    let files = archive::unpack(archive, "the archive")?;
    let (name, version) = named("the archive", &files)?;
    let metadata = files.iter().find(|(path, _)| path == "Chart.yaml").map(|(_, bytes)| bytes.as_slice());
    let metadata = String::from_utf8_lossy(metadata.unwrap_or_default());
    provenance::signed(&format!("{name}-{version}.tgz"), archive, &metadata, keyring, user, passphrase)
}

/// The digest of an archive, as lock files and indexes have it.
pub fn digest(archive: &[u8]) -> String {
    sha256(archive)
}
