//! Why rendered text does not come to objects, and what to do about it.

use std::sync::Arc;

use thiserror::Error;

use super::hooks::UnknownWord;
use super::{ObjectId, PART_OF};
use weft_base::diagnostic::Place;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind};
use weft_base::value::{Origin, Path};
use weft_schema::patch::PatchError;
use weft_schema::{Gvk, Removed};

/// Why rendered text does not come to objects.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The text is YAML with stand-ins, but not with the secrets themselves.
    #[error("the text is not YAML once the secrets are in it")]
    SecretText {
        /// The file.
        origin: Origin,
    },
    /// A document is no map.
    #[error("a document has to be an object with `apiVersion` and `kind`, but this is of kind `{found}`")]
    NoObject {
        /// What it is.
        found: &'static str,
        /// Where.
        at: Place,
    },
    /// A field that every object has is missing, empty or no text.
    #[error("an object has no `{field}`")]
    Missing {
        /// The field.
        field: &'static str,
        /// Where the object begins.
        at: Place,
    },
    /// A field that has to be text is something else.
    #[error("`{field}` has to be text, but is of kind `{found}`")]
    NoText {
        /// The field.
        field: &'static str,
        /// What it is.
        found: &'static str,
        /// Where.
        at: Place,
    },
    /// The identity of an object comes from a secret.
    #[error("`{field}` comes from a secret")]
    SecretIdentity {
        /// The field.
        field: &'static str,
        /// Where.
        at: Place,
    },
    /// A key of a map comes from a secret.
    #[error("a key comes from a secret")]
    SecretKey {
        /// Where.
        at: Place,
    },
    /// A name that no server accepts.
    #[error("`{field}` cannot be `{name}`: {problem}")]
    Name {
        /// The field.
        field: &'static str,
        /// The name, on one line.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What a name has to be.
        hint: &'static str,
        /// Where.
        at: Place,
    },
    /// A field that only the server sets, or that makes an object without a name.
    #[error("`{id}` must not have `metadata.{field}`")]
    Forbidden {
        /// The object.
        id: String,
        /// The field.
        field: &'static str,
        /// Where.
        at: Place,
    },
    /// A file of another program.
    #[error("`{gvk}` is no object of a cluster: it is {what}")]
    Foreign {
        /// What it says it is.
        gvk: Box<Gvk>,
        /// What it is.
        what: &'static str,
        /// Where.
        at: Place,
    },
    /// A version that Kubernetes removed.
    #[error("Kubernetes {} removed `{gvk}`", .removed.since)]
    RemovedVersion {
        /// What is asked for.
        gvk: Box<Gvk>,
        /// Since when, and what to use.
        removed: Removed,
        /// Where.
        at: Place,
    },
    /// The kind is served, but not in this version.
    #[error("the server does not have `{gvk}`")]
    UnknownVersion {
        /// What is asked for.
        gvk: Box<Gvk>,
        /// The versions that are served.
        served: Vec<String>,
        /// Where.
        at: Place,
    },
    /// No server that is asked about has the kind, and no CRD of the project brings it.
    #[error("there is no kind `{gvk}`, and no CRD of a release brings it")]
    UnknownKind {
        /// What is asked for.
        gvk: Box<Gvk>,
        /// The nearest kinds, as `apiVersion kind`.
        near: Vec<String>,
        /// Where.
        at: Place,
    },
    /// The group's server could not be asked.
    #[error("whether `{gvk}` is there could not be told: the group `{}` could not be asked: {reason}", .gvk.group)]
    Unavailable {
        /// What is asked for.
        gvk: Box<Gvk>,
        /// Why.
        reason: String,
        /// Where.
        at: Place,
    },
    /// The same object twice.
    #[error("`{id}` is there twice: in release `{release}`, and in release `{first_release}` at {first}")]
    Duplicate {
        /// The object.
        id: Box<ObjectId>,
        /// The release of the second one.
        release: Arc<str>,
        /// The release of the first one.
        first_release: Arc<str>,
        /// Where the first one is.
        first: Origin,
        /// Where the second one is.
        at: Place,
    },
    /// Two items of an associative list have the same keys.
    #[error("`{id}` has two items with the same key: `{path}`")]
    DuplicateItem {
        /// The object.
        id: Box<ObjectId>,
        /// The item.
        path: Path,
        /// Where the second one is.
        at: Place,
    },
    /// A value of a Secret that no server takes.
    #[error("`{id}` has a value in `{field}` that is {problem}")]
    SecretData {
        /// The Secret.
        id: Box<ObjectId>,
        /// The field, such as `data.password`.
        field: Path,
        /// What is wrong with it.
        problem: String,
        /// Where.
        origin: Origin,
    },
    /// An annotation of a hook says nothing known.
    #[error("the hook `{name}` says `{}: {}`, which is not known", .unknown.key, .unknown.word)]
    Hook {
        /// The name of the object.
        name: String,
        /// The annotation.
        unknown: UnknownWord,
        /// Where.
        at: Place,
    },
    /// A hook that is kept until its release is deleted holds a secret.
    #[error("the hook `{id}` is run when its release is deleted, and holds a secret")]
    HookSecret {
        /// The object.
        id: Box<ObjectId>,
        /// Where.
        at: Place,
    },
    /// A patch that does not apply to an object.
    #[error("the patch of `{object}` does not apply: {source}")]
    Patch {
        /// The object.
        object: String,
        /// Why.
        source: Box<PatchError>,
        /// Where the patch is written.
        origin: Origin,
        /// The lines there.
        excerpt: Option<Box<Excerpt>>,
    },
    /// A patch of an object that is not there.
    #[error("release `{release}` has no object for the patch of `{wanted}`")]
    NothingToPatch {
        /// The release.
        release: String,
        /// What the patch is for.
        wanted: String,
        /// An object that may be meant.
        nearest: Option<String>,
        /// Where the patch is written.
        origin: Origin,
    },
    /// A label that is ours.
    #[error("`{id}` must not set the label `{PART_OF}`")]
    ReservedLabel {
        /// The object.
        id: Box<ObjectId>,
        /// Where.
        at: Place,
    },
}

impl ManifestError {
    fn place(&self) -> Option<&Place> {
        match self {
            Self::NoObject { at, .. }
            | Self::Missing { at, .. }
            | Self::NoText { at, .. }
            | Self::SecretIdentity { at, .. }
            | Self::SecretKey { at }
            | Self::Name { at, .. }
            | Self::Forbidden { at, .. }
            | Self::Foreign { at, .. }
            | Self::RemovedVersion { at, .. }
            | Self::UnknownVersion { at, .. }
            | Self::UnknownKind { at, .. }
            | Self::Unavailable { at, .. }
            | Self::Duplicate { at, .. }
            | Self::DuplicateItem { at, .. }
            | Self::Hook { at, .. }
            | Self::HookSecret { at, .. }
            | Self::ReservedLabel { at, .. } => Some(at),
            Self::SecretText { .. } | Self::SecretData { .. } | Self::Patch { .. } | Self::NothingToPatch { .. } => {
                None
            }
        }
    }
}

impl Diagnose for ManifestError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable { .. } => Kind::Unknown,
            Self::SecretText { .. } => Kind::Secret,
            _ => Kind::Input,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::SecretText { origin }
            | Self::SecretData { origin, .. }
            | Self::Patch { origin, .. }
            | Self::NothingToPatch { origin, .. } => Some(origin),
            _ => self.place().map(|at| &at.origin),
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Patch { excerpt, .. } => excerpt.as_deref(),
            _ => self.place()?.excerpt.as_deref(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SecretText { .. } => {
                "Put the secret in quotes in the template, such as `{{ value | quote }}`.".into()
            }
            Self::NoObject { .. } => "Move files that are no objects out of the folder of manifests.".into(),
            Self::Missing { field: "metadata.name", .. } => "Give the object a name under `metadata:`.".into(),
            Self::Missing { field, .. } => format!("Add `{field}:` at the top of the object."),
            Self::NoText { .. } => "Put the value in quotes.".into(),
            Self::SecretIdentity { .. } => {
                "Names are printed everywhere: take it from a value that is no secret.".into()
            }
            Self::SecretKey { .. } => {
                "Keys are printed everywhere: take it from a value that is no secret.".into()
            }
            Self::Name { hint, .. } => (*hint).into(),
            Self::Forbidden { field: "generateName", .. } => "Give it a name, so that it can be found again.".into(),
            Self::Forbidden { .. } => "Remove the field: only the server sets it.".into(),
            Self::Foreign { .. } => "Move the file out of the folder of manifests.".into(),
            Self::RemovedVersion { removed: Removed { replacement: Some(it), .. }, .. } => {
                format!("Write `{it}`, and see what changed between the two.")
            }
            Self::RemovedVersion { .. } => "Remove the object: nothing replaces its kind.".into(),
            Self::UnknownVersion { served, .. } => format!("It serves {}.", list(served)),
            Self::UnknownKind { near, .. } if near.is_empty() => {
                "Add the CRD that defines it to one of the releases, or install it first.".into()
            }
            Self::UnknownKind { near, .. } => format!("Did you mean {}?", list(near)),
            Self::Unavailable { .. } => "Run it again when the group's API server is up.".into(),
            Self::Duplicate { .. } => "Remove one of the two, or give it another name or namespace.".into(),
            Self::DuplicateItem { .. } => "Remove one of the two: a server refuses them.".into(),
            Self::SecretData { .. } => {
                "Values under `data` are text in base64, values under `stringData` are plain text in quotes.".into()
            }
            Self::HookSecret { .. } => {
                "It is kept in the inventory until then: put the value into a Secret of the release, and let it name that."
                    .into()
            }
            Self::Patch { source, .. } => return source.hint(),
            Self::NothingToPatch { nearest: Some(nearest), .. } => format!("Did you mean `{nearest}`?"),
            Self::NothingToPatch { .. } => "Correct the target, or take the patch out: `weft render` shows the objects.".into(),
            Self::Hook { unknown, .. } => format!("It may say {}.", unknown.known),
            Self::ReservedLabel { .. } => "Remove the label: it says which release the object belongs to.".into(),
        })
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
