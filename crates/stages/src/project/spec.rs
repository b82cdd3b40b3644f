//! The typed form of `environment.yaml` and `defaults.yaml`. Every key that is not here is refused.
//!
//! Fields with an underscore are only checked here: what they hold is taken from the file's nodes, which know places.

use std::collections::BTreeMap;

use serde::Deserialize;

use weft_base::value::Value;

/// A whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EnvironmentSpec {
    pub inherits: Option<Vec<String>>,
    pub cluster: Option<ClusterSpec>,
    pub inputs: Option<BTreeMap<String, Option<InputSpec>>>,
    #[serde(rename = "values")]
    pub _values: Option<BTreeMap<String, Value>>,
    #[serde(rename = "identity")]
    pub _identity: Option<String>,
    #[serde(rename = "stateNamespace")]
    pub _state_namespace: Option<String>,
    pub ignore: Option<Vec<IgnoreSpec>>,
    #[serde(rename = "wait")]
    pub _wait: Option<Value>,
    pub history: Option<HistorySpec>,
    pub conflicts: Option<Vec<ConflictSpec>>,
    pub replace: Option<Vec<ReplaceSpec>>,
    pub releases: Option<Vec<ReleaseSpec>>,
}

/// `history:`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct HistorySpec {
    pub keep: Option<u32>,
}

/// `cluster:`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClusterSpec {
    #[serde(rename = "kubeconfig")]
    pub _kubeconfig: Option<String>,
    pub context: Option<String>,
    pub in_cluster: Option<bool>,
    pub server: Option<String>,
    pub tls_server_name: Option<String>,
    pub insecure: Option<bool>,
    pub proxy: Option<String>,
    pub secret_ref: Option<SecretRefSpec>,
}

/// `cluster.secretRef:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecretRefSpec {
    pub environment: String,
    pub namespace: String,
    pub name: String,
    pub key: Option<String>,
}

/// One entry of `inputs:`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InputSpec {
    pub env: Option<String>,
    pub required: Option<bool>,
    pub default: Option<String>,
}

/// One entry of `releases:`. A field that is not written is inherited.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReleaseSpec {
    pub name: String,
    pub namespace: Option<String>,
    pub create_namespace: Option<bool>,
    pub enabled: Option<bool>,
    pub chart: Option<Value>,
    pub manifests: Option<String>,
    pub kustomization: Option<String>,
    pub load_restrictor: Option<String>,
    pub needs: Option<Vec<String>>,
    pub labels: Option<BTreeMap<String, String>>,
    pub when: Option<String>,
    pub values: Option<Vec<Value>>,
    pub secrets: Option<Vec<String>>,
    pub wait: Option<Value>,
    pub prune: Option<Value>,
    pub lookup: Option<bool>,
    pub rollback: Option<bool>,
    pub ignore: Option<Vec<IgnoreSpec>>,
    pub conflicts: Option<Vec<ConflictSpec>>,
    pub replace: Option<Vec<ReplaceSpec>>,
    pub exposes: Option<Vec<ExposureSpec>>,
    pub patches: Option<Vec<PatchSpec>>,
}

/// One entry of `patches:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PatchSpec {
    pub target: Option<TargetSpec>,
    #[serde(rename = "path")]
    pub _path: Option<String>,
    #[serde(rename = "patch")]
    pub _patch: Option<Value>,
}

/// The objects that a patch is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TargetSpec {
    pub group: Option<String>,
    pub version: Option<String>,
    pub kind: Option<String>,
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub label_selector: Option<String>,
    pub annotation_selector: Option<String>,
}

/// One entry of `exposes:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExposureSpec {
    #[serde(rename = "paths")]
    pub _paths: Option<Vec<String>>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub reason: Option<String>,
}

/// One entry of `ignore:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IgnoreSpec {
    pub default: Option<String>,
    #[serde(rename = "paths")]
    pub _paths: Option<Vec<String>>,
    pub manager: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    #[serde(rename = "do")]
    pub meaning: Option<Do>,
    pub reason: Option<String>,
    pub until: Option<String>,
}

/// What an entry of `ignore:` does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Do {
    Hide,
    Leave,
    Show,
}

/// One entry of `conflicts:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConflictSpec {
    #[serde(rename = "paths")]
    pub _paths: Option<Vec<String>>,
    pub manager: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    #[serde(rename = "do")]
    pub decision: Option<ConflictDo>,
    pub reason: Option<String>,
}

/// What an entry of `conflicts:` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ConflictDo {
    Take,
    Stop,
    Adopt,
}

/// One entry of `replace:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplaceSpec {
    #[serde(rename = "paths")]
    pub _paths: Option<Vec<String>>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub reason: Option<String>,
}

/// The long form of `wait:`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WaitSpec {
    pub timeout: Option<String>,
    pub rules: Option<Vec<HealthRuleSpec>>,
}

/// One entry of `wait.rules:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct HealthRuleSpec {
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub condition: Option<String>,
    #[serde(rename = "current")]
    pub _current: Option<String>,
    #[serde(rename = "failed")]
    pub _failed: Option<String>,
    #[serde(rename = "message")]
    pub _message: Option<String>,
    pub timeout: Option<String>,
}

impl ReleaseSpec {
    /// This declaration over one of the same name from further up the lineage.
    pub fn over(self, below: Self) -> Self {
        let sourced = self.chart.is_some() || self.manifests.is_some() || self.kustomization.is_some();
        let (chart, manifests, kustomization) =
            if sourced { (None, None, None) } else { (below.chart, below.manifests, below.kustomization) };
        let load_restrictor = if sourced { None } else { below.load_restrictor };
        let labels = match (below.labels, self.labels) {
            (Some(mut all), Some(more)) => {
                all.extend(more);
                Some(all)
            }
            (below, above) => above.or(below),
        };
        Self {
            name: self.name,
            namespace: self.namespace.or(below.namespace),
            create_namespace: self.create_namespace.or(below.create_namespace),
            enabled: self.enabled.or(below.enabled),
            chart: self.chart.or(chart),
            manifests: self.manifests.or(manifests),
            kustomization: self.kustomization.or(kustomization),
            load_restrictor: self.load_restrictor.or(load_restrictor),
            needs: self.needs.or(below.needs),
            labels,
            when: self.when.or(below.when),
            values: self.values.or(below.values),
            secrets: self.secrets.or(below.secrets),
            wait: self.wait.or(below.wait),
            prune: self.prune.or(below.prune),
            lookup: self.lookup.or(below.lookup),
            rollback: self.rollback.or(below.rollback),
            ignore: self.ignore.or(below.ignore),
            conflicts: self.conflicts.or(below.conflicts),
            replace: self.replace.or(below.replace),
            exposes: self.exposes.or(below.exposes),
            patches: self.patches.or(below.patches),
        }
    }
}
