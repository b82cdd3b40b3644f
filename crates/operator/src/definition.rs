//! The CustomResourceDefinition of the kind, generated from the Rust types.

use serde_json::Value as Json;
use thiserror::Error;

use crate::ConfigMapSync;
use crate::marks::NamespacedName;
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::value::{Origin, Value};
use weft_engine::cluster::ClusterError;
use weft_engine::cluster::typed::CustomResourceExt as _;

/// Why there is no definition.
#[derive(Debug, Error)]
pub enum OperatorError {
    /// The Rust types do not make a definition.
    #[error("the definition of ConfigMapSync could not be made")]
    Definition(#[from] serde_json::Error),
    /// The cluster's address or credentials cannot be used.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Credentials would come from a program that the operator would have to run.
    #[error("the kubeconfig gets its credentials from the program `{program}`, and the operator runs none")]
    Plugin {
        /// The program.
        program: String,
    },
    /// There is no such object.
    #[error("there is no ConfigMapSync `{key}`")]
    NoObject {
        /// Namespace and name.
        key: NamespacedName,
    },
    /// An object cannot be read.
    #[error("the ConfigMapSync `{key}` cannot be read")]
    Unreadable {
        /// Namespace and name.
        key: NamespacedName,
        source: Box<ClusterError>,
    },
}

impl Diagnose for OperatorError {
    fn kind(&self) -> Kind {
        match self {
            Self::Definition(_) => Kind::Machine,
            Self::NoObject { .. } | Self::Plugin { .. } => Kind::Input,
            Self::Unreadable { .. } => Kind::Cluster,
            Self::Cluster(error) => error.kind(),
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Cluster(error) => error.origin(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::NoObject { key } => {
                Some(format!("`kubectl get configmapsyncs --namespace {}` lists those that there are.", key.namespace))
            }
            Self::Plugin { .. } => Some(
                "Give it a token: leave `--kubeconfig` out in a pod, or name a file that holds the token of its service account."
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// The CustomResourceDefinition `configmapsyncs.weaver.example.com`.
pub fn crd() -> Result<Value, OperatorError> {
    let mut definition = serde_json::to_value(ConfigMapSync::crd())?;
    for version in definition["spec"]["versions"].as_array_mut().into_iter().flatten() {
        strict(&mut version["schema"]["openAPIV3Schema"]);
    }
    Ok(serde_json::from_value(definition)?)
}

/// Refuses null for an optional field: a rule's `has()` is true for a null, which it then cannot compare.
fn strict(schema: &mut Json) {
    match schema {
        Json::Object(keys) => {
            keys.remove("nullable");
            keys.values_mut().for_each(strict);
        }
        Json::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}
