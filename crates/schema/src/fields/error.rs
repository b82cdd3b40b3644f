//! What can be wrong with a set of fields.

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};

/// A set of fields that cannot be read.
#[derive(Debug, Error)]
pub enum FieldsError {
    /// The JSON within a step is broken.
    #[error("the field `{element}` is not valid")]
    Element {
        /// The step.
        element: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The JSON within a step is not what its prefix says.
    #[error("the field `{element}` is not valid")]
    Shape {
        /// The step.
        element: String,
    },
    /// A node is no map.
    #[error("a set of fields has a node of kind `{kind}`")]
    Node {
        /// What it is.
        kind: &'static str,
    },
}

impl Diagnose for FieldsError {
    fn kind(&self) -> Kind {
        Kind::Unknown
    }

    fn hint(&self) -> Option<String> {
        Some("Look at `metadata.managedFields` of the object with `kubectl get -o yaml --show-managed-fields`.".into())
    }
}
