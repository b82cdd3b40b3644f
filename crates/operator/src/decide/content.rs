//! The content of a copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value as Json, json};

use super::KeyPattern;
use crate::marks::{NamespacedName, OWNER_NAME, OWNER_NAMESPACE, OWNER_UID, SOURCE_HASH, SOURCE_NAME};
use crate::{ConfigMapSyncSpec, ImmutablePolicy};
use weft_base::digest::Parts;

/// The largest data and binary data together, in bytes (`ValidateConfigMap`).
const MOST_DATA: usize = 1_048_576;
/// The largest annotations together, keys and values, in bytes (`ValidateAnnotations`).
const MOST_ANNOTATIONS: usize = 262_144;
/// The largest body of a request, in bytes (`MaxRequestBodyBytes`).
const MOST_BODY: usize = 3 * 1024 * 1024;

/// Whose a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOwner {
    /// Namespace and name.
    pub key: NamespacedName,
    pub uid: String,
}

/// The content of a copy, in whatever namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredCopy {
    pub name: String,
    /// Its texts.
    pub data: BTreeMap<String, String>,
    /// Its bytes.
    pub binary: BTreeMap<String, ByteString>,
    /// The labels that it has; others may set more.
    pub labels: BTreeMap<String, String>,
    /// The annotations that it has; others may set more.
    pub annotations: BTreeMap<String, String>,
    /// Whether it is immutable.
    pub immutable: bool,
    /// The SHA-256 of all of that but the marks of the owner.
    pub hash: Arc<str>,
    /// How large its data is, in bytes.
    pub bytes: usize,
}

/// How a copy differs from the desired one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Keys of `data` that it should not have.
    pub extra_data: Vec<String>,
    /// Keys of `binaryData` that it should not have.
    pub extra_binary: Vec<String>,
    /// Whether keys are missing, or have another value.
    pub content: bool,
    /// Whether labels or annotations are missing, or have another value.
    pub metadata: bool,
    /// Whether it is immutable and should not be, or the other way round.
    pub immutable: bool,
}

impl DesiredCopy {
    /// The copies of a source.
    pub fn new(owner: &CopyOwner, spec: &ConfigMapSyncSpec, source: &ConfigMap) -> Self {
        let meta = &source.metadata;
        let mut labels = copied(meta.labels.as_ref(), &spec.propagate.labels, &spec.target.labels);
        let mut annotations = copied(meta.annotations.as_ref(), &spec.propagate.annotations, &spec.target.annotations);
        let data = source.data.clone().unwrap_or_default();
        let binary = source.binary_data.clone().unwrap_or_default();
        let immutable = match spec.target.immutable {
            ImmutablePolicy::Never => false,
            ImmutablePolicy::Preserve => source.immutable == Some(true),
            ImmutablePolicy::Always => true,
        };
        let hash: Arc<str> = hash(&data, &binary, &labels, &annotations, immutable).into();
        let bytes = data.values().map(String::len).chain(binary.values().map(|it| it.0.len())).sum();
        let from = format!("{}/{}", meta.namespace.as_deref().unwrap_or_default(), spec.source.name);
        labels.insert(OWNER_NAMESPACE.into(), owner.key.namespace.clone());
        labels.insert(OWNER_NAME.into(), owner.key.name.clone());
        annotations.insert(OWNER_UID.into(), owner.uid.clone());
        annotations.insert(SOURCE_NAME.into(), from);
        annotations.insert(SOURCE_HASH.into(), hash.to_string());
        Self { name: target_name(spec).to_owned(), data, binary, labels, annotations, immutable, hash, bytes }
    }

    /// The object as JSON, as it is created: a request's path says in which namespace.
    pub fn body(&self) -> String {
        let mut object = self.object("");
        object.metadata.namespace = None;
        json!(object).to_string()
    }

    /// The object in a namespace.
    pub fn object(&self, namespace: &str) -> ConfigMap {
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(namespace.to_owned()),
                labels: Some(self.labels.clone()),
                annotations: Some(self.annotations.clone()),
                ..ObjectMeta::default()
            },
            data: Some(self.data.clone()).filter(|it| !it.is_empty()),
            binary_data: Some(self.binary.clone()).filter(|it| !it.is_empty()),
            immutable: self.immutable.then_some(true),
        }
    }

    /// The merge patch that makes the object of this resource version a copy, and leaves what others added to its labels
    /// and annotations. A server refuses it where the object has another version by then.
    pub fn patch(&self, difference: &Difference, version: Option<&String>) -> Json {
        let mut data: Map<String, Json> = nulls(&difference.extra_data);
        data.extend(self.data.iter().map(|(key, value)| (key.clone(), json!(value))));
        let mut binary: Map<String, Json> = nulls(&difference.extra_binary);
        binary.extend(self.binary.iter().map(|(key, value)| (key.clone(), json!(value))));
        let mut patch = json!({"metadata": {
            "resourceVersion": version, "labels": self.labels, "annotations": self.annotations,
        }});
        if difference.immutable {
            patch["immutable"] = json!(self.immutable.then_some(true));
        }
        for (field, keys) in [("data", data), ("binaryData", binary)] {
            if !keys.is_empty() && difference.is_of_data() {
                patch[field] = Json::Object(keys);
            }
        }
        patch
    }

    /// Why a server would refuse it for its size, if it would. It is checked before anything is sent.
    pub fn too_large(&self) -> Option<String> {
        let annotations = self.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
        let over = |what: &str, size: usize, most: usize| {
            (size > most).then(|| format!("{what} {size} bytes, and at most {most} are allowed"))
        };
        over("its data has", self.bytes, MOST_DATA)
            .or_else(|| over("its annotations have", annotations, MOST_ANNOTATIONS))
            // Text grows by escapes: at most six bytes for one. Only what comes near is measured.
            .or_else(|| {
                let body = if self.bytes > MOST_BODY / 8 { self.body().len() } else { 0 };
                over("as a request it has", body, MOST_BODY)
            })
    }

    /// In what a copy differs.
    pub fn difference(&self, found: &ConfigMap) -> Difference {
        let no_texts = BTreeMap::new();
        let no_bytes = BTreeMap::new();
        let data = found.data.as_ref().unwrap_or(&no_texts);
        let binary = found.binary_data.as_ref().unwrap_or(&no_bytes);
        Difference {
            extra_data: extra(data, &self.data),
            extra_binary: extra(binary, &self.binary),
            content: !has(data, &self.data) || !has(binary, &self.binary),
            metadata: !has(found.metadata.labels.as_ref().unwrap_or(&no_texts), &self.labels)
                || !has(found.metadata.annotations.as_ref().unwrap_or(&no_texts), &self.annotations),
            immutable: (found.immutable == Some(true)) != self.immutable,
        }
    }
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the copy has keys that it should not have.
    pub fn has_extra(&self) -> bool {
        !self.extra_data.is_empty() || !self.extra_binary.is_empty()
    }

    /// Whether it concerns what an immutable copy keeps for ever.
    pub fn is_of_data(&self) -> bool {
        self.content || self.has_extra() || self.immutable
    }
}

/// The name of the copies.
pub fn target_name(spec: &ConfigMapSyncSpec) -> &str {
    spec.target.name.as_deref().unwrap_or(&spec.source.name)
}

fn copied(
    of_source: Option<&BTreeMap<String, String>>,
    patterns: &[String],
    added: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let taken = |key: &str| patterns.iter().any(|pattern| KeyPattern(pattern).takes(key));
    let from_source = of_source.into_iter().flatten().filter(|(key, _)| taken(key));
    from_source.chain(added).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn nulls(keys: &[String]) -> Map<String, Json> {
    keys.iter().map(|key| (key.clone(), Json::Null)).collect()
}

fn extra<V>(found: &BTreeMap<String, V>, wanted: &BTreeMap<String, V>) -> Vec<String> {
    found.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect()
}

fn has<V: PartialEq>(found: &BTreeMap<String, V>, wanted: &BTreeMap<String, V>) -> bool {
    wanted.iter().all(|(key, value)| found.get(key) == Some(value))
}

/// Every part begins with its count, and every text with its length: no two contents have the same bytes.
fn hash(
    data: &BTreeMap<String, String>,
    binary: &BTreeMap<String, ByteString>,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    immutable: bool,
) -> String {
    let mut digest = Parts::default();
    for texts in [data, labels, annotations] {
        digest.add(texts.len().to_string());
        for (key, value) in texts {
            digest.add(key);
            digest.add(value);
        }
    }
    for (key, value) in binary {
        digest.add(key);
        digest.add(&value.0);
    }
    digest.add(if immutable { "immutable" } else { "" });
    digest.hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(source: &serde_json::Value, spec: &serde_json::Value) -> DesiredCopy {
        let owner = CopyOwner { key: NamespacedName::new("a", "sync"), uid: "u1".into() };
        let source: ConfigMap = serde_json::from_value(source.clone()).unwrap();
        DesiredCopy::new(&owner, &serde_json::from_value(spec.clone()).unwrap(), &source)
    }

    fn simple(data: &serde_json::Value) -> DesiredCopy {
        wanted(&json!({"metadata": {"namespace": "a", "name": "s"}, "data": data}), &json!({"source": {"name": "s"}}))
    }

    #[test]
    fn a_copy_has_what_is_allowed_and_the_marks_of_its_owner() {
        let made = wanted(
            &json!({
                "metadata": {
                    "namespace": "a", "name": "s", "ownerReferences": [], "finalizers": ["x"],
                    "labels": {"team": "red", "tier": "web"},
                    "annotations": {"example.com/a": "1", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
                },
                "data": {"k": "v"},
                "binaryData": {"b": "AAE="},
            }),
            &json!({
                "source": {"name": "s"},
                "target": {"name": "t", "labels": {"static": "yes"}, "immutable": "Always"},
                "propagate": {"labels": ["team"], "annotations": ["example.com/*", "kubectl.kubernetes.io/*"]},
            }),
        );
        let object = made.object("b");
        assert_eq!(object.metadata.name.as_deref(), Some("t"));
        assert_eq!(
            serde_json::to_value(object.metadata.labels).unwrap(),
            json!({"static": "yes", "team": "red", OWNER_NAMESPACE: "a", OWNER_NAME: "sync"})
        );
        assert_eq!(
            serde_json::to_value(object.metadata.annotations).unwrap(),
            json!({"example.com/a": "1", OWNER_UID: "u1", SOURCE_NAME: "a/s", SOURCE_HASH: *made.hash})
        );
        assert!(object.metadata.finalizers.is_none() && object.immutable == Some(true));
        assert_eq!(made.bytes, 3);
    }

    #[test]
    fn the_hash_is_of_everything_that_is_copied() {
        let hashes = [
            simple(&json!({})).hash,
            simple(&json!({"a": "b"})).hash,
            simple(&json!({"a": "", "b": ""})).hash,
            simple(&json!({"ab": ""})).hash,
            wanted(
                &json!({"metadata": {"namespace": "a", "name": "s"}, "binaryData": {"a": "Yg=="}}),
                &json!({"source": {"name": "s"}}),
            )
            .hash,
            wanted(
                &json!({"metadata": {"namespace": "a", "name": "s"}, "data": {"a": "b"}}),
                &json!({"source": {"name": "s"}, "target": {"immutable": "Always"}}),
            )
            .hash,
        ];
        let different: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
        assert_eq!(simple(&json!({"a": "1", "b": "2"})), simple(&json!({"b": "2", "a": "1"})));
    }

    #[test]
    fn what_a_server_would_refuse_for_its_size_is_known_before() {
        assert_eq!(simple(&json!({"a": "x".repeat(MOST_DATA)})).too_large(), None);
        let over = simple(&json!({"a": "x".repeat(MOST_DATA + 1)})).too_large().unwrap();
        assert_eq!(over, "its data has 1048577 bytes, and at most 1048576 are allowed");
        let escaped = simple(&json!({"a": "\u{1}".repeat(MOST_BODY / 6)})).too_large().unwrap();
        assert!(escaped.starts_with("as a request it has 31"), "{escaped}");
        let mut noted = simple(&json!({}));
        noted.annotations.insert("a".into(), "x".repeat(MOST_ANNOTATIONS));
        assert!(noted.too_large().unwrap().starts_with("its annotations have 262"));
    }

    #[test]
    fn what_others_add_to_the_metadata_is_no_difference() {
        let made = simple(&json!({"a": "1"}));
        let mut found = made.object("b");
        found.metadata.labels.as_mut().unwrap().insert("theirs".into(), "x".into());
        assert!(made.difference(&found).is_none());
        found.data.as_mut().unwrap().insert("extra".into(), "x".into());
        assert_eq!(made.difference(&found), Difference { extra_data: vec!["extra".into()], ..Difference::default() });
        found.metadata.labels.as_mut().unwrap().remove(OWNER_NAME);
        assert!(made.difference(&found).metadata);
    }
}
