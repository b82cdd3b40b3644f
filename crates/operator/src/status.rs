//! What the operator found and did. It is written only where it changes, and can be made anew from the copies.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use weft_engine::cluster::typed::KubeSchema;

/// The state of a ConfigMapSync.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapSyncStatus {
    /// The generation of the spec that all of this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Available`, `Progressing` and `Degraded`, each with one of the documented reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The source as it was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
    /// How many namespaces are to have a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<i32>,
    /// How many have one that equals the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<i32>,
    /// How many are waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<i32>,
    /// How many failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<i32>,
    /// How many have a ConfigMap of that name that is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<i32>,
    /// The first 50 that failed, by namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["namespace".into()]))]
    pub failed_targets: Vec<FailedTarget>,
    /// Whether more failed than are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// The annotation `weaver.example.com/reconcile-at` of the last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A source as it was read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Its UID.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// The SHA-256 of what is copied.
    pub hash: String,
    /// The size of its data, in bytes.
    pub bytes: i64,
}

/// A namespace that failed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct FailedTarget {
    /// The namespace.
    pub namespace: String,
    /// Why, for programs.
    pub reason: SyncReason,
    /// Why, for people.
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// Why a condition or a target is as it is. The names are part of the API.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum SyncReason {
    /// Every target equals the source.
    Synced,
    /// No namespace is to have a copy.
    NoTargets,
    /// It was not looked at yet.
    Pending,
    /// The object is paused.
    Paused,
    /// Some targets do not equal the source.
    PartiallySynced,
    /// The source does not exist.
    SourceNotFound,
    /// The account may not read the source.
    SourceForbidden,
    /// The account does not exist.
    ServiceAccountNotFound,
    /// No token was given for the account.
    TokenDenied,
    /// The account may not write to the target.
    TargetForbidden,
    /// A ConfigMap of the name exists that is not ours.
    TargetConflict,
    /// The target would be the source.
    TargetIsSource,
    /// The namespace does not exist.
    NamespaceMissing,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// A quota of the namespace is used up.
    QuotaExceeded,
    /// The copy would be larger than an object may be.
    TooLarge,
    /// Somebody changed or deleted the copy, and that is only reported.
    Drifted,
    /// The copy is immutable and may not be replaced.
    ImmutableTarget,
    /// The source is itself a copy.
    SyncLoop,
    /// An admission policy or webhook refused the write.
    AdmissionDenied,
    /// The API server could not be consulted.
    ApiUnavailable,
    /// Copies were left behind by a deletion that took too long.
    CleanupIncomplete,
}
