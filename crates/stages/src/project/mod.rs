//! The project's files -> [`Environment`]: what an environment consists of, inheritance resolved, releases in order.
//!
//! Files come in two steps, so that a run reads only what it needs. A [`Tree`](weft_base::tree::Tree) of `environments/` is
//! enough for [`load`]; [`select`] then leaves the releases that the run is about, [`folders`] says what else these
//! need, and once that is in the tree [`check`] finds every reference that leads nowhere.
//!
//! How files of the lineage come together (`defaults.yaml`, then each inherited environment once, depth first, then the
//! environment itself):
//!
//! | key | rule |
//! | --- | --- |
//! | `values` | maps merge, anything else replaces, null removes |
//! | `inputs` | by name; the later declaration replaces the earlier |
//! | `releases` | by name, in the order of their first declaration; their fields as below |
//! | `cluster`, `identity`, `stateNamespace`, `ignore`, `wait`, `conflicts`, `replace`, `history` | the last one, whole |
//! | `labels` of a release | merge |
//! | `chart`, `manifests`, `kustomization` of a release | the last of them |
//! | other fields of a release | the last one, lists whole |
//!
//! A key without a value counts as not written.
//!
//! What a release may say beside its name, `namespace` and source: `createNamespace` (true), `enabled` (true), `needs`,
//! `labels`, `when`, `values`, `secrets`, `prune` (true, false or `orphan`), `rollback` (false), `ignore`, `conflicts`, `replace`, `exposes`, `patches`, and
//! `wait`: true for five minutes (the default), false, or `{timeout: 90s, rules: [...]}`, each over the `wait` of the
//! environment. To need a disabled release is an error; to need one whose `when` does not hold is none, see
//! [`select`].
//!
//! Paths in `values:` and `patches:` are relative to the file that names them. Paths in `secrets:` are relative to
//! `secrets/<environment>/` of the environment that is rendered: each has its own secrets, and an inherited release
//! reads those of the heir. All others are relative to the root, but `./` and `../` begin at the file. A leading `/` is
//! always the root. Nothing is read from outside the repository.

mod cluster;
mod conflicts;
mod dependencies;
mod duration;
mod error;
mod exposes;
mod files;
mod hint;
mod ignore;
mod inputs;
mod lineage;
mod load;
mod lock;
mod needs;
mod objects;
mod overlay;
mod own_files;
mod owner;
mod patches;
mod release;
mod remote;
mod replace;
mod select;
mod spec;
mod wait;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::conflicts::ConflictRule;
pub use self::dependencies::{Dependency, dependencies};
pub use self::duration::seconds;
pub use self::error::ProjectError;
pub use self::exposes::ExposureRule;
pub use self::files::{check, folders};
pub use self::ignore::{Condition, IgnoreRule, Ignored, Meaning, ShippedRule, shipped};
pub use self::inputs::{inputs, stand_ins, without_default};
pub use self::lineage::{names, places};
pub use self::load::load;
pub use self::lock::{Lock, Locked, VENDOR, Verified};
pub use self::objects::{ObjectPattern, fits};
pub use self::overlay::{Nulls, leaves, overlay};
pub use self::owner::{Owner, PROJECT_FILE, Repository, project_file, project_id};
pub use self::patches::{PatchContent, PatchEntry};
pub use self::remote::{ChartPlace, RemoteChart, Verify};
pub use self::replace::{GUARDED, ReplaceRule};
pub use self::select::{Selection, select, select_any};
pub use self::wait::{HealthRule, HealthTest, Wait};
use weft_base::value::{Origin, Value};

/// One environment, with everything that it inherits merged in.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its name: the folder under `environments/`.
    pub name: String,
    /// The identity of its project; `None` for a project that has none yet.
    pub project: Option<String>,
    /// The environments it is made of, `defaults` first, itself last.
    pub lineage: Vec<String>,
    /// The cluster it lives in.
    pub cluster: ClusterRef,
    /// The values for all releases, with the origin of every leaf.
    pub values: Value,
    /// The same before they were merged: the map of each file of the lineage that has one, lowest first.
    pub value_layers: Vec<Value>,
    /// The declared inputs, by name.
    pub inputs: BTreeMap<String, Input>,
    /// The age identity file that the environment names (only a public throwaway may be named so).
    pub identity: Option<String>,
    /// The namespace that keeps the state.
    pub state_namespace: String,
    /// The ignore rules for all releases, those of `conflicts` that leave fields to their owners among them.
    pub ignore: Vec<IgnoreRule>,
    /// How many revisions of each release are kept; 0 for none.
    pub revisions: usize,
    /// Who decides about fields that others own, in all releases.
    pub conflicts: Vec<ConflictRule>,
    /// Which objects of all releases may be made again.
    pub replace: Vec<ReplaceRule>,
    /// The enabled releases, each after all that it needs.
    pub releases: Vec<Release>,
    /// The charts from elsewhere that they name.
    pub remote: Vec<RemoteChart>,
    /// Which charts from elsewhere exactly.
    pub lock: Lock,
    /// What the lineage writes for all releases besides values, inputs and the releases themselves, the last of each key.
    pub written: Value,
}

/// How an environment names its cluster. At most one of `context`, `server`, `in_cluster` and `secret` is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterRef {
    /// A kubeconfig file, relative to the root; the usual ones where it is missing.
    pub kubeconfig: Option<String>,
    /// A context of the kubeconfig.
    pub context: Option<String>,
    /// The service account of the pod we run in.
    pub in_cluster: bool,
    /// The server's address, in place of the kubeconfig's.
    pub server: Option<String>,
    /// The name that the server's certificate must hold, where it is not the address.
    pub tls_server_name: Option<String>,
    /// Whether the server's certificate is not checked. Each run warns.
    pub insecure: bool,
    /// A proxy for all requests.
    pub proxy: Option<String>,
    /// A kubeconfig that a Secret of another environment's cluster holds.
    pub secret: Option<SecretRef>,
    /// Where the cluster was named.
    pub origin: Origin,
}

/// A kubeconfig in a Secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretRef {
    /// The environment in whose cluster the Secret is.
    pub environment: String,
    /// The Secret's namespace.
    pub namespace: String,
    /// The Secret's name.
    pub name: String,
    /// The key of its data; `value` by default, as Cluster API writes it.
    pub key: String,
}

/// A declared input: the only way the environment of the process gets in.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The variable it is read from.
    pub env: String,
    /// Whether a run without it fails.
    pub required: bool,
    /// What it is where the variable is not set.
    pub default: Option<String>,
    /// Where it was declared.
    pub origin: Origin,
}

/// One release: a source of objects with its values, in a namespace.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name, unique in the environment.
    pub name: Arc<str>,
    /// The namespace of its objects.
    pub namespace: String,
    /// Whether the namespace is created where it is missing. It is never deleted with the release.
    pub create_namespace: bool,
    /// Where its objects come from.
    pub source: ReleaseSource,
    /// Where that was written.
    pub source_origin: Origin,
    /// Which files its kustomization may name.
    pub load_restrictor: LoadRestrictor,
    /// The releases that must be there first; [`select`] leaves only those that are there.
    pub needs: Vec<String>,
    /// Labels to select it by.
    pub labels: BTreeMap<String, String>,
    /// An expression over `values`, `environment` and `inputs`; a release whose expression is false is not there.
    pub when: Option<(String, Origin)>,
    /// Its own layers of values, in order: the file named after it along the lineage, then the entries of `values:`.
    pub values: Vec<ValuesLayer>,
    /// The encrypted files, relative to the root, in order.
    pub secrets: Vec<(String, Origin)>,
    /// How it is waited for.
    pub wait: Wait,
    /// What becomes of objects that leave it.
    pub prune: Prune,
    /// Whether its templates may look live objects up.
    pub lookup: bool,
    /// Whether it goes back to its last good revision by itself where a run fails.
    pub rollback: bool,
    /// Its own ignore rules, which go before those of the environment.
    pub ignore: Vec<IgnoreRule>,
    /// Who decides about fields that others own, before what the environment says.
    pub conflicts: Vec<ConflictRule>,
    /// Which of its objects may be made again.
    pub replace: Vec<ReplaceRule>,
    /// Where its secret values may stand outside Secrets.
    pub exposes: Vec<ExposureRule>,
    /// What the lineage writes of it, field by field, the last of each.
    pub entry: Arc<Value>,
    /// What is changed in its objects after it was rendered, in order.
    pub patches: Vec<PatchEntry>,
    /// Where it was declared last.
    pub origin: Origin,
}

/// Which files a kustomization may name, in kustomize's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// `LoadRestrictionsRootOnly`: those in and below its folder.
    #[default]
    RootOnly,
    /// `LoadRestrictionsNone`: all of the repository.
    None,
}

/// What becomes of objects that leave a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prune {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay, and stay in the inventory.
    Keep,
    /// They stay, and are managed no more.
    Orphan,
}

/// Where a release's objects come from.
#[derive(Clone, Debug, PartialEq)]
pub enum ReleaseSource {
    /// A chart's folder or archive, relative to the root. One from elsewhere stands where it would be vendored.
    Chart(String),
    /// A folder (or file) of plain manifests, relative to the root.
    Manifests(String),
    /// A folder with a kustomization, relative to the root.
    Kustomization(String),
}

impl ReleaseSource {
    /// The folder of the chart, where it is one.
    pub fn chart(&self) -> Option<&String> {
        match self {
            Self::Chart(folder) => Some(folder),
            Self::Manifests(_) | Self::Kustomization(_) => None,
        }
    }

    /// The folder of the kustomization, where it is one.
    pub fn kustomization(&self) -> Option<&String> {
        match self {
            Self::Kustomization(folder) => Some(folder),
            Self::Chart(_) | Self::Manifests(_) => None,
        }
    }
}

/// One layer of a release's values.
#[derive(Clone, Debug)]
pub enum ValuesLayer {
    /// A YAML file, relative to the root.
    File(String, Origin),
    /// A template over the layers before it (`.yaml.j2`), relative to the root.
    Template(String, Origin),
    /// Values in the environment's own file.
    Inline(Value),
}
