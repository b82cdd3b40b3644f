//! What a user asks of a ConfigMapSync.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ConfigMapSyncStatus;
use weft_engine::cluster::typed::{CustomResource, KubeSchema, Rule};

/// Copies a ConfigMap into other namespaces with the rights of a service account.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "weaver.example.com",
    version = "v1alpha1",
    kind = "ConfigMapSync",
    plural = "configmapsyncs",
    shortname = "cms",
    shortname = "cmsync",
    category = "weaver",
    namespaced,
    status = "ConfigMapSyncStatus",
    derive = "PartialEq",
    doc = "Copies a ConfigMap into other namespaces with the rights of a service account.",
    selectable = ".spec.source.name",
    validation = Rule::new("self.metadata.name.size() <= 63")
        .message("metadata.name: at most 63 characters, because it becomes the value of a label"),
    printcolumn(name = "Source", type_ = "string", json_path = ".spec.source.name"),
    printcolumn(name = "Synced", type_ = "integer", json_path = ".status.synced"),
    printcolumn(name = "Targets", type_ = "integer", json_path = ".status.targets"),
    printcolumn(
        name = "Available",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Available\")].status"
    ),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Available\")].reason"),
    printcolumn(name = "SA", type_ = "string", json_path = ".spec.serviceAccount.name", priority = 1),
    printcolumn(name = "Paused", type_ = "boolean", json_path = ".spec.paused", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.syncToNamespaces) || has(self.namespaceSelector)")
        .message("one of syncToNamespaces and namespaceSelector is required"),
    validation = Rule::new(
        "!has(self.namespaceSelector) || self.allNamespaces || size(self.namespaceSelector.matchLabels) > 0 || \
         size(self.namespaceSelector.matchExpressions) > 0"
    )
    .message("namespaceSelector: an empty selector takes every namespace, which needs allNamespaces: true"),
    validation = Rule::new(
        "!self.allNamespaces || (has(self.namespaceSelector) && size(self.namespaceSelector.matchLabels) == 0 && \
         size(self.namespaceSelector.matchExpressions) == 0)"
    )
    .message("allNamespaces: goes with an empty namespaceSelector only"),
    validation = Rule::new(
        "(has(self.target.name) ? self.target.name : self.source.name) == \
         (has(oldSelf.target.name) ? oldSelf.target.name : oldSelf.source.name)"
    )
    .message("target.name: is immutable, because the objects of the old name would be left behind")
)]
pub struct ConfigMapSyncSpec {
    /// The ConfigMap that is copied. Immutable.
    #[x_kube(validation = Rule::new("self == oldSelf").message("source: is immutable"))]
    pub source: Source,
    /// The account of this namespace whose rights every read and write is made with.
    #[serde(default)]
    pub service_account: ServiceAccountName,
    /// Namespaces to copy to, by name. One that does not exist is waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 63), regex(pattern = NAMESPACE)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub sync_to_namespaces: Vec<String>,
    /// Namespaces to copy to, by label, in addition to those that are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<Selector>,
    /// Allows an empty selector, which takes every namespace that is not excluded.
    #[serde(default)]
    pub all_namespaces: bool,
    /// Namespaces that are never copied to, whatever else is said.
    #[serde(default = "system_namespaces")]
    #[schemars(length(max = 1000), inner(length(min = 1, max = 63), regex(pattern = NAMESPACE)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub exclude_namespaces: Vec<String>,
    /// What the copies are like.
    #[serde(default)]
    pub target: Target,
    /// What else of the source is copied.
    #[serde(default)]
    pub propagate: Propagate,
    /// What happens where a ConfigMap of that name exists that this object does not own.
    #[serde(default)]
    pub conflict_policy: ConflictPolicy,
    /// What happens where somebody else changes or deletes a copy.
    #[serde(default)]
    pub drift_policy: DriftPolicy,
    /// What happens to copies of namespaces that are no longer wanted, and to all of them with this object.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// What happens to the copies where the source is gone.
    #[serde(default)]
    pub source_missing_policy: SourceMissingPolicy,
    /// Stops all writes. An object that is deleted while it is paused leaves its copies behind.
    #[serde(default)]
    pub paused: bool,
    /// How often everything is looked at again when no event came, as `10m`: at least `1m`, at most `24h`.
    #[serde(default = "ten_minutes")]
    #[schemars(length(max = 16), regex(pattern = DURATION))]
    #[x_kube(
        validation = Rule::new("duration(self) >= duration('1m') && duration(self) <= duration('24h')")
            .message("resyncInterval: from 1m to 24h")
    )]
    pub resync_interval: String,
    /// How long a deletion waits for the copies to be removed before it leaves them behind, as `5m`: at most `24h`.
    #[serde(default = "five_minutes")]
    #[schemars(length(max = 16), regex(pattern = DURATION))]
    #[x_kube(validation = Rule::new("duration(self) <= duration('24h')").message("cleanupTimeout: at most 24h"))]
    pub cleanup_timeout: String,
}

/// RFC 1123 label.
const NAMESPACE: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// RFC 1123 subdomain: no `/` and no `:`, so no name that means another namespace.
const NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// A qualified name, or all names of a prefix.
const KEY: &str = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?|\*)$";

/// Hours, minutes and seconds.
const DURATION: &str = "^([0-9]+[hms])+$";

fn system_namespaces() -> Vec<String> {
    ["kube-system", "kube-public", "kube-node-lease"].map(str::to_owned).to_vec()
}

fn ten_minutes() -> String {
    "10m".to_owned()
}

fn five_minutes() -> String {
    "5m".to_owned()
}

/// A ConfigMap.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Source {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME))]
    pub name: String,
    /// Its namespace, which is this object's where it is not given. In another one the account must be allowed to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = NAMESPACE))]
    pub namespace: Option<String>,
}

/// A service account of the object's own namespace.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ServiceAccountName {
    /// Its name.
    #[serde(default = "default_account")]
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME))]
    pub name: String,
}

fn default_account() -> String {
    "default".to_owned()
}

impl Default for ServiceAccountName {
    fn default() -> Self {
        Self { name: default_account() }
    }
}

/// Namespaces by their labels; all parts must hold.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// Labels with exactly these values.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = {"type": "string", "maxLength": 63}))]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions on labels.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub match_expressions: Vec<Requirement>,
}

/// A condition on a label.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(
    validation = Rule::new("(self.operator in ['In', 'NotIn']) == (size(self.values) > 0)")
        .message("values: required for In and NotIn, and refused for Exists and DoesNotExist")
)]
pub struct Requirement {
    /// The label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How its value relates to `values`.
    pub operator: Operator,
    /// The values.
    #[serde(default)]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub values: Vec<String>,
}

/// How a label's value relates to a list.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub enum Operator {
    /// The label has one of the values.
    In,
    /// The label has none of the values, or is not there.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

/// What the copies are like.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
pub struct Target {
    /// The name of the copies, which is the source's where it is not given. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = NAME))]
    pub name: Option<String>,
    /// Labels that are added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = {"type": "string", "maxLength": 63}))]
    #[x_kube(
        validation = Rule::new("self.all(key, key.size() <= 317 && !key.startsWith('weaver.example.com/'))")
            .message("target.labels: keys of weaver.example.com/ are the operator's own")
    )]
    pub labels: BTreeMap<String, String>,
    /// Annotations that are added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = {"type": "string", "maxLength": 4096}))]
    #[x_kube(
        validation = Rule::new("self.all(key, key.size() <= 317 && !key.startsWith('weaver.example.com/'))")
            .message("target.annotations: keys of weaver.example.com/ are the operator's own")
    )]
    pub annotations: BTreeMap<String, String>,
    /// Whether the copies are immutable. A change of an immutable copy deletes it and creates it again.
    #[serde(default)]
    pub immutable: ImmutablePolicy,
}

/// What else of the source is copied: keys, or `prefix/*`. Keys by which a tool marks what it owns are never copied.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
pub struct Propagate {
    /// Labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 317), regex(pattern = KEY)))]
    #[x_kube(merge_strategy = ListMerge::Set, validation = copied("propagate.labels"))]
    pub labels: Vec<String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 317), regex(pattern = KEY)))]
    #[x_kube(merge_strategy = ListMerge::Set, validation = copied("propagate.annotations"))]
    pub annotations: Vec<String>,
}

/// Refuses keys by which somebody else owns the source: copied, that tool would adopt or prune the copy.
fn copied(field: &str) -> Rule {
    let message = format!("{field}: keys by which a tool marks what it owns are not copied");
    Rule::new(
        "self.all(key, !(key in ['*', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/instance']) && \
         !key.startsWith('weaver.example.com/') && \
         !key.startsWith('kubectl.kubernetes.io/') && !key.startsWith('argocd.argoproj.io/') && \
         !key.startsWith('meta.helm.sh/') && !key.matches('^[a-z]+[.]toolkit[.]fluxcd[.]io/'))",
    )
    .message(message.as_str())
}

/// Whether the copies are immutable.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub enum ImmutablePolicy {
    /// They are not.
    #[default]
    Never,
    /// They are where the source is.
    Preserve,
    /// They are.
    Always,
}

/// What happens where a ConfigMap of the name exists that the object does not own.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub enum ConflictPolicy {
    /// It stays as it is, and the target counts as failed.
    #[default]
    Fail,
    /// It is taken over, unless another ConfigMapSync, Helm, Argo CD or Flux owns it.
    Adopt,
    /// It stays as it is, and the target does not count.
    Skip,
}

/// What happens where somebody else changes or deletes a copy.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub enum DriftPolicy {
    /// It is made right again.
    #[default]
    Correct,
    /// The status says so.
    Report,
    /// Nothing.
    Ignore,
}

/// What happens to copies that are no longer wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub enum DeletionPolicy {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay, without the marks of their owner.
    Orphan,
}

/// What happens to the copies where the source is gone.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub enum SourceMissingPolicy {
    /// They stay.
    #[default]
    Retain,
    /// They are deleted.
    Delete,
}
