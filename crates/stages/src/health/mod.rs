//! Whether an object is as its kind says it should be: `GroupKind` -> rule, object -> [`Health`]; and, from what was seen
//! around it, why it is not: [`cause`]. Rules of an environment go before those of this module: [`judge`].
//!
//! The rules are those of kstatus (cli-utils), corrected where it is content too early or never: a Job must complete
//! (kstatus is content when it has started), a failed Pod has failed (kstatus calls it current), a crash or a pod
//! without a node is no failure at once (see [`TroubleKind::patience`]), a Service of type `LoadBalancer` waits for its address
//! (kstatus looks at the cluster IP), a paused Deployment has nothing to become, and a lost claim has failed.

mod cause;
mod conditions;
mod kinds;
mod pods;
mod rules;
mod secrets;
mod storage;
mod trouble;
mod workloads;

use std::fmt;

pub use self::cause::{Around, Cause, ObjectEvent, cause, ended, runs_pods, waits_for_consumer};
pub use self::pods::trouble;
pub use self::rules::{judge, patience};
pub use self::trouble::{Trouble, TroubleKind};
use crate::project::HealthRule;
use weft_base::value::Value;
use weft_schema::Gvk;

/// How an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Current,
    /// Not yet; this is what is missing.
    InProgress(String),
    /// It failed, for this reason, and will not recover by waiting.
    Failed(String),
    /// It is being deleted.
    Terminating,
}

type Rule = fn(&Value) -> Health;

/// Kinds of which nothing becomes by itself, as `group/Kind`.
const PASSIVE: &str = include_str!("passive.txt");

const EXTERNAL_SECRETS: &str = "external-secrets.io";

/// What is missing of an object without a status.
const UNSEEN: &str = "its controller has not looked at it yet";

/// The kinds with a rule of their own; all others go by the table of [`kinds`], or by their conditions.
const RULES: [(&str, &str, Rule); 21] = [
    ("", "Pod", pods::pod),
    ("", "Service", storage::service),
    ("", "PersistentVolumeClaim", storage::claim),
    ("", "PersistentVolume", storage::volume),
    ("", "Namespace", storage::namespace),
    ("", "ReplicationController", workloads::replica_set),
    ("apps", "Deployment", workloads::deployment),
    ("apps", "ReplicaSet", workloads::replica_set),
    ("apps", "StatefulSet", workloads::stateful_set),
    ("apps", "DaemonSet", workloads::daemon_set),
    ("batch", "Job", workloads::job),
    ("apiextensions.k8s.io", "CustomResourceDefinition", conditions::definition),
    ("apiregistration.k8s.io", "APIService", conditions::api_service),
    ("policy", "PodDisruptionBudget", conditions::disruption_budget),
    ("bitnami.com", "SealedSecret", secrets::sealed),
    (EXTERNAL_SECRETS, "ExternalSecret", secrets::synced),
    (EXTERNAL_SECRETS, "PushSecret", secrets::synced),
    (EXTERNAL_SECRETS, "ClusterExternalSecret", secrets::ready),
    (EXTERNAL_SECRETS, "ClusterPushSecret", secrets::ready),
    (EXTERNAL_SECRETS, "SecretStore", secrets::ready),
    (EXTERNAL_SECRETS, "ClusterSecretStore", secrets::ready),
];

/// How an object is, by what the server says about it.
pub fn of(object: &Value) -> Health {
    judge(object, &[])
}

/// Whether nothing is to be waited for: the object is as it should be in the very answer to its apply, and its kind is
/// one of which nothing becomes by itself.
pub fn is_settled(object: &Value, rules: &[HealthRule]) -> bool {
    let gvk = Gvk::new(text(object, &["apiVersion"]), text(object, &["kind"]));
    let is_it = |row: &str| row.split_once('/') == Some((gvk.group.as_str(), gvk.kind.as_str()));
    PASSIVE.lines().any(is_it) && judge(object, rules) == Health::Current
}

/// An object that is being deleted is that, whatever else it says.
fn terminating(object: &Value) -> Option<Health> {
    object.dig(&["metadata", "deletionTimestamp"]).is_some().then_some(Health::Terminating)
}

/// How an object is by the rule of its kind. `Stalled` and `Reconciling` (kstatus) hold for all kinds.
fn shipped(object: &Value) -> Health {
    let gvk = Gvk::new(text(object, &["apiVersion"]), text(object, &["kind"]));
    let rule = RULES.iter().find(|(group, kind, _)| *group == gvk.group && *kind == gvk.kind);
    let by_kind = || match rule {
        Some((_, _, rule)) => rule(object),
        None => kinds::listed(object, &gvk).unwrap_or_else(|| conditions::generic(object)),
    };
    match observed(object) {
        Some(missing) => Health::InProgress(missing),
        None => conditions::standard(object).unwrap_or_else(by_kind),
    }
}

/// What is missing where the controller has not yet seen the newest version.
fn observed(object: &Value) -> Option<String> {
    let generation = object.dig(&["metadata", "generation"]).and_then(Value::as_i64)?;
    let seen = object.dig(&["status", "observedGeneration"]).and_then(Value::as_i64)?;
    (seen < generation).then(|| format!("its controller has seen generation {seen} of {generation}"))
}

/// The text under nested keys; empty where there is none.
fn text<'v>(object: &'v Value, keys: &[&str]) -> &'v str {
    object.dig(keys).and_then(Value::as_str).unwrap_or_default()
}

/// The integer under nested keys.
fn integer(object: &Value, keys: &[&str]) -> Option<i64> {
    object.dig(keys).and_then(Value::as_i64)
}

/// The items under nested keys.
fn items<'v>(object: &'v Value, keys: &[&str]) -> &'v [Value] {
    object.dig(keys).and_then(Value::as_list).unwrap_or_default()
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::InProgress(missing) => write!(f, "in progress: {missing}"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
            Self::Terminating => f.write_str("terminating"),
        }
    }
}
