//! Why a patch cannot be read or applied.

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Excerpt, Kind};
use weft_base::value::Origin;
use weft_base::yaml::YamlError;

/// Why a patch cannot be read or applied. Messages name fields and kinds, never values of the object.
#[derive(Debug, Error)]
pub enum PatchError {
    /// A document that is neither a map nor a list.
    #[error("a patch is a map or a list of operations, not {found}")]
    NoPatch {
        /// What it is.
        found: &'static str,
        /// Where.
        origin: Origin,
    },
    /// A `$patch` of an unknown word.
    #[error("`$patch: {found}` is not known")]
    Directive {
        /// The word.
        found: String,
        /// Where.
        origin: Origin,
    },
    /// A patch has another sort of node than the object.
    #[error("`{path}` is a {expected} in the object, and a {found} in the patch")]
    WrongKind {
        /// The field.
        path: String,
        /// What the object has.
        expected: &'static str,
        /// What the patch has.
        found: &'static str,
        /// Where the patch has it.
        origin: Origin,
    },
    /// A patch that does not say what it is for.
    #[error("the patch does not say which object it is for")]
    NoTarget {
        /// The patch.
        origin: Origin,
    },
    /// An operation that is no map.
    #[error("an operation of a JSON patch is a map, not {found}")]
    NoOperation {
        /// What it is.
        found: &'static str,
        /// Where.
        origin: Origin,
    },
    /// An operation without a field that it needs.
    #[error("the operation `{action}` has no `{field}`")]
    MissingField {
        /// The operation.
        action: String,
        /// The field.
        field: &'static str,
        /// Where the operation is.
        origin: Origin,
    },
    /// An operation that does not exist.
    #[error("`{found}` is no operation of a JSON patch")]
    UnknownAction {
        /// The word.
        found: String,
        /// Where.
        origin: Origin,
    },
    /// A path that leads nowhere.
    #[error("`{action}` does not apply: the object has no `{path}`{}", stops(.reached.as_ref()))]
    NoPath {
        /// The operation.
        action: &'static str,
        /// The path as it is written.
        path: String,
        /// The part of the path that there is, and the keys there.
        reached: Option<(String, Vec<String>)>,
        /// The nearest key to the one that is not there.
        nearest: Option<String>,
        /// Where the path is written.
        origin: Origin,
    },
    /// A part of a path that is no place of its list.
    #[error("`{action}` does not apply: `{part}` of `{path}` is no place of a list of {length}")]
    Index {
        /// The operation.
        action: &'static str,
        /// The part.
        part: String,
        /// The path.
        path: String,
        /// How many items the list has.
        length: usize,
        /// Where the path is written.
        origin: Origin,
    },
    /// A `test` that the object does not pass.
    #[error("the object has another value at `{path}` than the patch's `test` asks for")]
    Test {
        /// The path.
        path: String,
        /// Where the operation is.
        origin: Origin,
    },
    /// A pattern that is none.
    #[error("`{pattern}` in `{field}` is no regular expression: {message}")]
    Pattern {
        /// The field of the selector.
        field: &'static str,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
        /// Where.
        origin: Origin,
    },
    /// A label selector that is none.
    #[error("`{text}` is no selector of labels: {reason}")]
    Labels {
        /// The selector.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// The text is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
}

fn stops(reached: Option<&(String, Vec<String>)>) -> String {
    match reached {
        Some((path, _)) if path.is_empty() => " (nothing of the path is there)".to_owned(),
        Some((path, _)) => format!(" (there is `{path}`)"),
        None => String::new(),
    }
}

impl Diagnose for PatchError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::NoPatch { origin, .. }
            | Self::NoTarget { origin }
            | Self::Directive { origin, .. }
            | Self::WrongKind { origin, .. }
            | Self::NoOperation { origin, .. }
            | Self::MissingField { origin, .. }
            | Self::UnknownAction { origin, .. }
            | Self::NoPath { origin, .. }
            | Self::Index { origin, .. }
            | Self::Test { origin, .. }
            | Self::Pattern { origin, .. } => origin.file.is_some().then_some(origin),
            Self::Labels { .. } => None,
            Self::Yaml(error) => error.origin(),
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Yaml(error) => error.excerpt(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPatch { .. } => "Write the fields to be merged, or a list of `op`, `path` and `value`.".into(),
            Self::NoTarget { .. } => "Add a `target`, or the `kind` and `metadata.name` of the object.".into(),
            Self::Directive { .. } => "Write `delete`, `replace` or `merge`.".into(),
            Self::WrongKind { .. } => "Write the field as the object has it, or remove it first.".into(),
            Self::NoOperation { .. } | Self::MissingField { .. } => {
                "Each operation has `op` and `path`, and `value` or `from` where it needs them.".into()
            }
            Self::UnknownAction { .. } => "Write `add`, `remove`, `replace`, `move`, `copy` or `test`.".into(),
            Self::NoPath { nearest: Some(nearest), .. } => format!("Did you mean `{nearest}`?"),
            Self::NoPath { reached: Some((_, keys)), .. } if !keys.is_empty() => {
                format!("There is: {}.", keys.join(", "))
            }
            Self::NoPath { .. } => "Add the fields above it first.".into(),
            Self::Index { .. } => "Write a place from 0, or `-` to add at the end.".into(),
            Self::Test { .. } => "Look at the object as it is before this patch, and correct the `test`.".into(),
            Self::Pattern { .. } => "Patterns are regular expressions that match the whole name.".into(),
            Self::Labels { .. } => "Write as in `app=web,tier in (a,b),!legacy`.".into(),
            Self::Yaml(error) => return error.hint(),
        })
    }
}
