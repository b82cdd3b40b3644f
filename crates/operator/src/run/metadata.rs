//! Objects as watches deliver them, with only the metadata that somebody uses. The rest, mostly managed fields, is
//! dropped while the answer is read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Deserializer};

use weft_engine::cluster::typed::Resource;

/// An object of a kind with only its metadata.
#[derive(Clone, Debug)]
pub(super) struct PartialObject<K> {
    /// The metadata, in part.
    pub metadata: ObjectMeta,
    kind: PhantomData<K>,
}

#[derive(Deserialize)]
struct PartialDocument {
    #[serde(default)]
    metadata: PartialMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialMetadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    deletion_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

impl<'de, K> Deserialize<'de> for PartialObject<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let part = PartialDocument::deserialize(deserializer)?.metadata;
        let metadata = ObjectMeta {
            name: part.name,
            namespace: part.namespace,
            uid: part.uid,
            resource_version: part.resource_version,
            deletion_timestamp: part.deletion_timestamp,
            labels: part.labels,
            annotations: part.annotations,
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, kind: PhantomData })
    }
}

impl<K: Resource> Resource for PartialObject<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn metadata_api() -> bool {
        true
    }

    fn kind(of: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &Self::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &Self::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
