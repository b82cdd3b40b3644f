//! What other tools have -> the files of environments.
//!
//! Each function reads a [`Repository`], or objects of a cluster, and gives a [`Draft`]: the files to write, and notes about
//! what could not be carried over. Nothing is written here, so an import is decided as a whole or not at all.

mod draft;
mod entry;
mod error;
mod gotmpl;
mod helm;
mod helmfile;
mod kluctl;
mod kustomization;
mod names;
mod namespace;
mod secretive;

use std::collections::BTreeMap;

pub use self::draft::{Draft, Encryption, Rules};
pub use self::error::ImportError;
pub use self::helm::{HelmDraft, HelmRelease, Revision, helm};
pub use self::helmfile::{Helmfile, helmfile};
pub use self::kluctl::{Kluctl, kluctl};
pub use self::kustomization::{Overlays, kustomization};
pub use self::namespace::{Namespace, namespace};
use weft_base::tree::Tree;

/// The files that an import reads.
#[derive(Clone, Debug)]
pub struct Repository {
    project: Tree,
    elsewhere: Option<Tree>,
}

impl Repository {
    /// A repository that holds both what is imported and the environments.
    pub fn new(project: Tree) -> Self {
        Self { project, elsewhere: None }
    }

    /// The same for what is imported from a folder outside of the repository: environments cannot name its files.
    pub fn with_elsewhere(project: Tree, elsewhere: Tree) -> Self {
        Self { project, elsewhere: Some(elsewhere) }
    }

    /// The files that are there already.
    fn project(&self) -> &Tree {
        &self.project
    }

    /// The files that are imported.
    fn files(&self) -> &Tree {
        self.elsewhere.as_ref().unwrap_or(&self.project)
    }

    /// Whether an environment can name the files that are imported.
    fn is_inside(&self) -> bool {
        self.elsewhere.is_none()
    }
}

/// Names with the texts that people give them on the command line.
pub type Arguments = BTreeMap<String, String>;
