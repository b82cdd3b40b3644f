//! What others keep in the cluster, and objects as they are: what is read to take them into a repository.

use std::fmt;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;

use super::kinds::{config_maps, secrets};
use super::{Cluster, ClusterError};
use weft_base::percent;
use weft_base::value::Value;
use weft_schema::{Discovery, Resource};

/// How large a record of Helm may be when it is unpacked, in bytes.
const LARGEST: u64 = 64 << 20;

/// A revision of a release, as Helm keeps it.
#[derive(Debug)]
pub struct HelmRecord {
    /// The number of the revision.
    pub revision: i64,
    /// What became of it: `deployed`, `superseded`, `failed`, `pending-upgrade`.
    pub status: String,
    /// All of it: chart, values, manifest and hooks. `None` where it cannot be read.
    pub content: Option<Whole>,
}

/// What came from the cluster with all that is secret in it. It is never shown as a whole.
pub struct Whole(Value);

impl Whole {
    /// The content.
    pub fn body(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(weft_base::masked::MASK)
    }
}

impl Cluster {
    /// The revisions of a Helm release in a namespace, oldest first, from Secrets and from ConfigMaps.
    pub async fn helm_records(&self, namespace: &str, release: &str) -> Result<Vec<HelmRecord>, ClusterError> {
        let selector = format!("&labelSelector=owner%3Dhelm,name%3D{}", percent::segment(release));
        let mut found = Vec::new();
        for (resource, in_base64) in [(secrets(), true), (config_maps(), false)] {
            let mut each = |object: Value| found.push(record(&object, in_base64));
            self.list(&resource, Some(namespace), &selector, &mut each).await?;
        }
        found.sort_by_key(|it| it.revision);
        Ok(found)
    }

    /// The objects of a kind in a namespace that no other object owns, whole.
    pub async fn whole_objects(&self, resource: &Resource, namespace: &str) -> Result<Vec<Whole>, ClusterError> {
        let mut found = Vec::new();
        let owned = |it: &Value| {
            it.dig(&["metadata", "ownerReferences"]).and_then(Value::as_list).is_some_and(|it| !it.is_empty())
        };
        let api_version = resource.gvk.api_version();
        let kind = resource.gvk.kind.as_str();
        let mut each = |mut object: Value| {
            // Items of a LIST do not say what they are.
            if let Some(map) = object.as_map_mut() {
                map.insert("apiVersion", api_version.as_str());
                map.insert("kind", kind);
            }
            if !owned(&object) {
                found.push(Whole(object));
            }
        };
        self.list(resource, Some(namespace), "", &mut each).await?;
        Ok(found)
    }

    /// The objects of all kinds in a namespace that no other object owns, whole, without those that every namespace has.
    pub async fn whole_namespace(&self, namespace: &str, discovery: &Discovery) -> Result<Vec<Whole>, ClusterError> {
        let ids = self.objects_in(namespace, discovery).await?;
        let mut found = Vec::new();
        let mut kinds: Vec<&weft_schema::GroupKind> = ids.iter().map(|id| &id.kind).collect();
        kinds.dedup();
        for kind in kinds {
            let Some(resource) = discovery.versions(kind).first() else { continue };
            let named = |it: &Whole| {
                let name = it.body().dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
                ids.iter().any(|id| id.kind == *kind && id.name == name)
            };
            found.extend(self.whole_objects(resource, namespace).await?.into_iter().filter(named));
        }
        Ok(found)
    }
}

fn record(object: &Value, in_base64: bool) -> HelmRecord {
    let label = |key: &str| object.dig(&["metadata", "labels", key]).and_then(Value::as_str).unwrap_or_default();
    let data = object.dig(&["data", "release"]).and_then(Value::as_str).unwrap_or_default();
    let text = if in_base64 { STANDARD.decode(data).ok() } else { Some(data.as_bytes().to_vec()) };
    HelmRecord {
        revision: label("version").parse().unwrap_or_default(),
        status: label("status").to_owned(),
        content: text.and_then(|text| decoded(&text)).map(Whole),
    }
}

/// What Helm wrote: JSON, packed by gzip, as base64. Records of early versions are not packed.
fn decoded(text: &[u8]) -> Option<Value> {
    let bytes = STANDARD.decode(text).ok()?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return serde_json::from_slice(&bytes).ok();
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(&bytes[..]).take(LARGEST).read_to_end(&mut plain).ok()?;
    serde_json::from_slice(&plain).ok()
}
