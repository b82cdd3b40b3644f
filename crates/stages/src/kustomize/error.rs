//! Why a kustomization cannot be built, and what to do about it.

use thiserror::Error;

use super::id::Id;
use super::resource::Behavior;
use crate::chart::ChartError;
use weft_base::diagnostic::{Diagnose, Diagnostic, Excerpt, Kind};
use weft_base::value::Origin;
use weft_base::yaml::YamlError;
use weft_schema::patch::PatchError;

/// How many lines are shown before and after a place.
const CONTEXT: u32 = 1;

/// Why a kustomization cannot be built.
#[derive(Debug, Error)]
pub enum KustomizeError {
    /// A folder without a kustomization.
    #[error("there is no kustomization in `{folder}`")]
    NoFileInFolder {
        /// The folder.
        folder: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A folder with two.
    #[error("both `{first}` and `{second}` are there")]
    TwoFiles {
        /// One of them.
        first: String,
        /// Another.
        second: String,
        /// Where the folder is named.
        origin: Origin,
    },
    /// A kustomization that says nothing.
    #[error("the kustomization is empty")]
    Empty {
        /// The file.
        origin: Origin,
    },
    /// A file that is of another kind.
    #[error("`{api_version}` `{kind}` is no kustomization")]
    NoKustomization {
        /// Its kind.
        kind: String,
        /// Its version.
        api_version: String,
        /// The version of its kind.
        wanted: String,
        /// The file.
        origin: Origin,
    },
    /// A component among resources, or a kustomization among components.
    #[error("`{path}` is {found}, and stands in `{field}`")]
    WrongField {
        /// The path.
        path: String,
        /// What it is.
        found: &'static str,
        /// Where it is named.
        field: &'static str,
        /// The place.
        origin: Origin,
    },
    /// A file that is not there.
    #[error("there is no file `{path}` below `{folder}`")]
    NoFile {
        /// The path.
        path: String,
        /// The folder of the kustomization.
        folder: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A path that is neither a file nor a folder.
    #[error("`{path}` is neither a file nor a folder with a kustomization")]
    NoFolder {
        /// The path.
        path: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A path with `..` within a part.
    #[error("`{path}` holds `..` within a part, and so may not mean what was meant")]
    OddPath {
        /// The path.
        path: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A role binding with a subject in no namespace.
    #[error("a subject of `{id}` has a `namespace` without a name")]
    BlankNamespace {
        /// The role binding.
        id: Box<Id>,
        /// Its place.
        origin: Origin,
    },
    /// A file outside of the folder.
    #[error("`{path}` is outside of `{folder}`")]
    Restricted {
        /// The path.
        path: String,
        /// The folder of the kustomization.
        folder: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A folder that holds one that is being read.
    #[error("`{folder}` holds the kustomization that names it")]
    Cycle {
        /// The folder.
        folder: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A repository that cannot be read.
    #[error("the repository `{url}` cannot be read: {reason}")]
    Repository {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A file on the web that cannot be read.
    #[error("`{url}` cannot be read: {reason}")]
    Download {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A file that is not text.
    #[error("`{path}` is not UTF-8 text")]
    NotText {
        /// The file.
        path: String,
    },
    /// A secret that cannot be read.
    #[error("{}", diagnostic.reason())]
    Decrypt {
        /// Why.
        diagnostic: Box<Diagnostic>,
    },
    /// A document that is no object.
    #[error("an object is a map, not {found}")]
    NoObject {
        /// What it is.
        found: &'static str,
        /// Where.
        origin: Origin,
    },
    /// A field that must be there.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
        /// The object or entry.
        origin: Origin,
    },
    /// The items of a list of objects that are none.
    #[error("`items` is a list, not {found}")]
    Items {
        /// What it is.
        found: &'static str,
        /// Where.
        origin: Origin,
    },
    /// The same resource twice.
    #[error("`{id}` is there twice")]
    Duplicate {
        /// The resource.
        id: Box<Id>,
        /// Where it was before.
        first: Origin,
        /// Where it is again.
        origin: Origin,
    },
    /// A generator that changes what is not there.
    #[error("there is no `{id}` to {}", if *behavior == Behavior::Merge { "merge with" } else { "replace" })]
    NothingToChange {
        /// The resource.
        id: Box<Id>,
        /// What the generator would do.
        behavior: Behavior,
        /// The nearest name.
        nearest: Option<String>,
        /// The generator.
        origin: Origin,
    },
    /// A reference to a resource that is not there.
    #[error("no resource is `{id}`")]
    NoMatch {
        /// The resource.
        id: Box<Id>,
        /// The nearest name.
        nearest: Option<String>,
        /// Where it is named.
        origin: Origin,
    },
    /// A reference to more than one resource.
    #[error("more than one resource is, or was, `{id}`")]
    Ambiguous {
        /// The resource.
        id: Box<Id>,
        /// Where it is named.
        origin: Origin,
    },
    /// A name that several resources had.
    #[error("`{name}` in `{path}` of `{id}` may be {}", listed(found))]
    AmbiguousName {
        /// The name.
        name: String,
        /// The field.
        path: String,
        /// The resource with the field.
        id: Box<Id>,
        /// Those that it may be.
        found: Vec<Id>,
    },
    /// A field that holds a reference without a name.
    #[error("`{path}` of `{id}` has no `name`")]
    NoName {
        /// The field.
        path: String,
        /// The resource.
        id: Box<Id>,
    },
    /// A path that leads through something that is no map.
    #[error("a path leads through {found}")]
    NoMap {
        /// What it is.
        found: &'static str,
    },
    /// The same, with the field.
    #[error("`{path}` of `{id}` leads through {found}")]
    Field {
        /// The path.
        path: String,
        /// What it is.
        found: &'static str,
        /// The resource.
        id: Box<Id>,
        /// The resource's place.
        origin: Origin,
    },
    /// A field that is not there.
    #[error("`{id}` has no `{path}`")]
    NoField {
        /// The path.
        path: String,
        /// The resource.
        id: Box<Id>,
        /// The nearest key.
        nearest: Option<String>,
        /// Whether it is to be written, and could be made.
        is_target: bool,
        /// Where the path is written.
        origin: Origin,
    },
    /// Two declarations of a field that contradict each other.
    #[error("`{path}` is made where it is missing in one configuration, and not in another")]
    ConflictingFields {
        /// The path.
        path: String,
    },
    /// A source of a generator that is none.
    #[error("`{source_text}`: {reason}")]
    Source {
        /// The source.
        source_text: String,
        /// Why.
        reason: &'static str,
        /// The generator.
        origin: Origin,
    },
    /// No resource of the name that `replicas` gives.
    #[error("nothing of the name `{name}` has replicas")]
    NoReplicas {
        /// The name.
        name: String,
        /// The nearest name.
        nearest: Option<String>,
        /// The entry.
        origin: Origin,
    },
    /// A replacement that cannot be made.
    #[error("the replacement cannot be made: {reason}")]
    Replacement {
        /// Why.
        reason: &'static str,
        /// The entry.
        origin: Origin,
    },
    /// A JSON patch, or a transformer, without a target.
    #[error("there is no target")]
    NoTarget {
        /// The patch.
        origin: Origin,
    },
    /// Several patches for one target.
    #[error("a patch with a target is one document")]
    SeveralPatches {
        /// The patch.
        origin: Origin,
    },
    /// A patch that says nothing.
    #[error("the patch is empty")]
    EmptyPatch {
        /// The patch.
        origin: Origin,
    },
    /// A JSON patch that is none.
    #[error("a JSON patch is a list of operations")]
    NoOperations {
        /// The patch.
        origin: Origin,
    },
    /// Two fields of which only one may be there.
    #[error("{what}")]
    Contradiction {
        /// What contradicts what.
        what: &'static str,
        /// Where.
        origin: Origin,
    },
    /// A variable that is declared twice.
    #[error("the variable `{name}` is declared twice")]
    VariableTwice {
        /// The variable.
        name: String,
        /// Where it is again.
        origin: Origin,
    },
    /// A list for variables with something that is no text.
    #[error("`{path}` of `{id}` holds {found} where variables are put into texts")]
    VariableField {
        /// The field.
        path: String,
        /// What it holds.
        found: &'static str,
        /// The resource.
        id: Box<Id>,
    },
    /// Options of sorting that are none.
    #[error("`{order}` is no order that can be had with these options")]
    SortOptions {
        /// The order.
        order: String,
        /// Where.
        origin: Origin,
    },
    /// An `openapi` that is none.
    #[error("`{found}` is no version of OpenAPI that is built in")]
    OpenApi {
        /// What is written.
        found: String,
        /// Where.
        origin: Origin,
    },
    /// A generator or transformer that is a program.
    #[error("`{kind}` of `{api_version}` is a program of its own, and is not run")]
    Plugin {
        /// Its version.
        api_version: String,
        /// Its kind.
        kind: String,
        /// Where it is.
        origin: Origin,
    },
    /// A built-in transformer where a generator is asked for, or the other way round.
    #[error("`{kind}` is no {wanted}")]
    WrongPlugin {
        /// Its kind.
        kind: String,
        /// What is asked for.
        wanted: &'static str,
        /// Where it is.
        origin: Origin,
    },
    /// A validator that changed something.
    #[error("a validator changed `{id}`")]
    Validator {
        /// The resource.
        id: Box<Id>,
        /// Where the validators are named.
        origin: Origin,
    },
    /// A chart where none can be rendered.
    #[error("the chart `{name}` cannot be rendered: {reason}")]
    Chart {
        /// The chart.
        name: String,
        /// Why.
        reason: String,
        /// The entry.
        origin: Origin,
    },
    /// A chart that is not in its folder, and says not where else it is.
    #[error("there is no chart `{name}` in `{path}`")]
    NoChart {
        /// The chart.
        name: String,
        /// The folder.
        path: String,
        /// The entry.
        origin: Origin,
    },
    /// Encrypted values for a chart.
    #[error("`{path}` is encrypted, and values of a chart in a kustomization are not")]
    SecretValues {
        /// The file.
        path: String,
        /// The entry.
        origin: Origin,
    },
    /// A chart that cannot be read or rendered.
    #[error(transparent)]
    OfChart(#[from] ChartError),
    /// Another error, with the lines around its place.
    #[error(transparent)]
    Shown(Box<Shown>),
    /// A patch that cannot be read or applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A file that is not the YAML it should be.
    #[error(transparent)]
    Yaml(#[from] YamlError),
}

/// An error with the lines around its place.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct Shown {
    /// The error.
    error: KustomizeError,
    /// The lines.
    excerpt: Excerpt,
}

impl KustomizeError {
    /// The same error with the lines around its place, where it has none yet. `text` gives the text of a file.
    #[must_use]
    pub fn shown(self, text: impl FnOnce(&str) -> Option<String>) -> Self {
        if self.excerpt().is_some() {
            return self;
        }
        let excerpt = self.origin().and_then(|origin| {
            let text = text(origin.file.as_deref()?)?;
            Excerpt::of_word(&text, origin.mark, CONTEXT)
        });
        match excerpt {
            Some(excerpt) => Self::Shown(Box::new(Shown { error: self, excerpt })),
            None => self,
        }
    }

    /// Whether it is the load restrictor that refuses a file.
    pub fn is_restriction(&self) -> bool {
        matches!(self.bare(), Self::Restricted { .. })
    }

    /// The error without the lines around its place.
    fn bare(&self) -> &Self {
        match self {
            Self::Shown(shown) => shown.error.bare(),
            other => other,
        }
    }
}

fn listed(ids: &[Id]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" or ")
}

impl Diagnose for KustomizeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Decrypt { diagnostic } => diagnostic.kind,
            Self::OfChart(error) => error.kind(),
            Self::Shown(shown) => shown.error.kind(),
            _ => Kind::Input,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        let origin = match self {
            Self::NoFileInFolder { origin, .. }
            | Self::TwoFiles { origin, .. }
            | Self::Empty { origin }
            | Self::NoKustomization { origin, .. }
            | Self::WrongField { origin, .. }
            | Self::NoFile { origin, .. }
            | Self::NoFolder { origin, .. }
            | Self::OddPath { origin, .. }
            | Self::BlankNamespace { origin, .. }
            | Self::Restricted { origin, .. }
            | Self::Cycle { origin, .. }
            | Self::Repository { origin, .. }
            | Self::Download { origin, .. }
            | Self::NoObject { origin, .. }
            | Self::Missing { origin, .. }
            | Self::Items { origin, .. }
            | Self::Duplicate { origin, .. }
            | Self::NothingToChange { origin, .. }
            | Self::NoMatch { origin, .. }
            | Self::Ambiguous { origin, .. }
            | Self::Field { origin, .. }
            | Self::NoField { origin, .. }
            | Self::Source { origin, .. }
            | Self::NoReplicas { origin, .. }
            | Self::Replacement { origin, .. }
            | Self::NoTarget { origin }
            | Self::SeveralPatches { origin }
            | Self::EmptyPatch { origin }
            | Self::NoOperations { origin }
            | Self::Contradiction { origin, .. }
            | Self::VariableTwice { origin, .. }
            | Self::SortOptions { origin, .. }
            | Self::OpenApi { origin, .. }
            | Self::Plugin { origin, .. }
            | Self::WrongPlugin { origin, .. }
            | Self::Validator { origin, .. }
            | Self::NoChart { origin, .. }
            | Self::SecretValues { origin, .. }
            | Self::Chart { origin, .. } => origin,
            Self::OfChart(error) => return error.origin(),
            Self::Shown(shown) => return shown.error.origin(),
            Self::Decrypt { diagnostic } => return diagnostic.origin.as_ref(),
            Self::Patch(error) => return error.origin(),
            Self::Yaml(error) => return error.origin(),
            Self::NotText { .. }
            | Self::AmbiguousName { .. }
            | Self::NoName { .. }
            | Self::NoMap { .. }
            | Self::ConflictingFields { .. }
            | Self::VariableField { .. } => return None,
        };
        origin.file.is_some().then_some(origin)
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Patch(error) => error.excerpt(),
            Self::OfChart(error) => error.excerpt(),
            Self::Shown(shown) => Some(&shown.excerpt),
            Self::Yaml(error) => error.excerpt(),
            Self::Decrypt { diagnostic } => diagnostic.excerpt.as_ref(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        super::hint::of(self.bare())
    }
}
