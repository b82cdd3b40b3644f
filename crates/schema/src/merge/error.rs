//! Why objects cannot be merged.

use thiserror::Error;

use crate::fields::FieldsError;
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::value::{Origin, Path, Step};

/// Two objects that cannot be merged.
#[derive(Debug, Error)]
pub enum MergeError {
    /// Two items of a list have the same keys.
    #[error("`{path}` is there twice")]
    Duplicate {
        /// The item.
        path: Path,
        /// Where the second one was written.
        origin: Origin,
    },
    /// The schema has no such field.
    #[error("the field `{path}` is not declared in the schema of its kind")]
    Undeclared {
        /// The field.
        path: Path,
        /// Where it was written.
        origin: Origin,
    },
    /// A value is not of the kind that the schema says.
    #[error("`{path}` is of kind `{found}`, and the schema of its kind says `{expected}`")]
    WrongKind {
        /// The field.
        path: Path,
        /// What the schema says.
        expected: &'static str,
        /// What it is.
        found: &'static str,
        /// Where it was written.
        origin: Origin,
    },
    /// An item of a list cannot be told from the others.
    #[error("`{path}` {problem}")]
    Item {
        /// The item, by its place.
        path: Path,
        /// What is wrong with it.
        problem: String,
        /// Where it was written.
        origin: Origin,
    },
    /// The live object does not fit the schema.
    #[error("the live object does not fit the schema of its kind")]
    Live {
        /// In what.
        #[source]
        source: Box<MergeError>,
    },
    /// Somebody owns fields in another version, which only a server can convert.
    #[error("`{manager}` owns fields in the version `{version}`, which only the server can convert to `{wanted}`")]
    OtherVersion {
        /// The field manager.
        manager: String,
        /// The version of its entry.
        version: String,
        /// The version of the desired object.
        wanted: String,
    },
    /// What somebody owns cannot be read.
    #[error(transparent)]
    Fields(#[from] FieldsError),
}

impl MergeError {
    /// The same error, below one more step.
    pub(super) fn below(mut self, step: &Step) -> Self {
        match &mut self {
            Self::Duplicate { path, .. }
            | Self::Undeclared { path, .. }
            | Self::WrongKind { path, .. }
            | Self::Item { path, .. } => path.0.insert(0, step.clone()),
            Self::Live { .. } | Self::OtherVersion { .. } | Self::Fields(_) => {}
        }
        self
    }
}

impl Diagnose for MergeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Duplicate { .. } | Self::Undeclared { .. } | Self::WrongKind { .. } | Self::Item { .. } => {
                Kind::Input
            }
            Self::Live { .. } | Self::OtherVersion { .. } => Kind::Unknown,
            Self::Fields(error) => error.kind(),
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Duplicate { origin, .. }
            | Self::Undeclared { origin, .. }
            | Self::WrongKind { origin, .. }
            | Self::Item { origin, .. } => origin.file.is_some().then_some(origin),
            Self::Live { .. } | Self::OtherVersion { .. } | Self::Fields(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Duplicate { .. } => Some("Remove one of the two items, or give it other keys.".into()),
            Self::Undeclared { .. } => Some("Check the spelling of the field, and the version of the object.".into()),
            Self::WrongKind { expected, .. } => Some(format!("Write a value of kind `{expected}`.")),
            Self::Item { .. } => Some("Give each item of the list what the schema tells items apart by.".into()),
            Self::Live { .. } => Some("Compare with the schemas of the target instead of the shipped ones.".into()),
            Self::OtherVersion { .. } => Some("Ask the server for a dry run.".into()),
            Self::Fields(error) => error.hint(),
        }
    }
}
