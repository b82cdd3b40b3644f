//! A kustomization -> objects, as kustomize 5.8 builds it.
//!
//! [`build`] reads `kustomization.yaml` of a folder and what it names, through [`Files`]: the resources of files and
//! bases, what generators make, components, then the transformers in kustomize's order, and in the end the hashes of
//! names, the references to renamed objects and variables. Programs (executable, container and Go plugins) are refused.
//!
//! The output is kustomize's, byte for byte. Values of Secrets that come from encrypted files are masked.

mod build;
mod charts;
mod config;
mod error;
mod fields;
mod files;
mod generate;
mod hash;
mod hint;
mod id;
mod needs;
mod objects;
mod path;
mod plugins;
mod provenance;
mod read;
mod references;
mod remote;
mod resource;
mod resources;
mod scopes;
mod sort;
mod spec;
mod structured;
mod texts;
mod transform;
mod variables;

pub use self::build::build;
pub use self::error::KustomizeError;
pub use self::files::Files;
pub use self::id::Id;
pub use self::needs::{ChartNeed, charts, elsewhere, folders, needs, overlays};
pub use self::remote::Remote;
pub use self::resource::Behavior;
use crate::chart::{LookupRequest, RenderOptions};
use weft_base::value::Value;
use weft_base::yaml;

/// How a kustomization is built; kustomize's own flags.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether kinds are put in kustomize's order (`--reorder legacy`), where the kustomization does not say itself.
    pub legacy_order: bool,
    /// Whether objects get the label `app.kubernetes.io/managed-by` (`--enable-managedby-label`).
    pub managed_by: bool,
    /// Whether files outside of a kustomization's folder are read (`--load-restrictor LoadRestrictionsNone`).
    pub unrestricted: bool,
    /// Where what templates of charts make up comes from.
    pub making: RenderOptions,
}

/// What a kustomization came to.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The objects in order.
    pub resources: Vec<Value>,
    /// What is suspicious but not wrong, each a full sentence.
    pub warnings: Vec<String>,
    /// Whether placeholders stand where charts make up passwords, keys or certificates.
    pub placeholders: bool,
    /// The live objects that templates of charts asked for.
    pub lookups: Vec<LookupRequest>,
}

impl Build {
    /// The objects as YAML; secrets as masks.
    pub fn to_yaml(&self) -> String {
        self.resources.iter().map(yaml::write).collect::<Vec<_>>().join("---\n")
    }
}
