//! Why a chart cannot be read or rendered.

use std::sync::Arc;

use thiserror::Error;

use super::schema::Failure;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind, cut};
use weft_base::tree::TreeError;
use weft_base::tree::archive::ArchiveError;
use weft_base::value::{Mark, Origin};
use weft_base::yaml::YamlError;
use weft_gotemplate::GoTemplateError;
use weft_jinja::{Engine, JinjaError};

/// Why a chart, or a folder of manifests, makes no objects.
#[derive(Debug, Error)]
pub enum ChartError {
    /// The folder is no chart.
    #[error("there is no chart in `{folder}`")]
    NoChart {
        /// The folder.
        folder: String,
    },
    /// A release names a library chart.
    #[error("`{folder}` is a library chart, which renders nothing of its own")]
    Library {
        /// The folder.
        folder: String,
    },
    /// A dependency cannot be used.
    #[error("the dependency `{name}` cannot be used: {reason}")]
    Dependency {
        /// The dependency.
        name: String,
        /// Why.
        reason: &'static str,
        /// The `Chart.yaml` that names it.
        origin: Origin,
    },
    /// `Chart.yaml`, or a file beside it, says what it must not.
    #[error("this is no usable chart: {reason}")]
    Metadata {
        /// What is wrong.
        reason: String,
        /// Where.
        origin: Origin,
    },
    /// A line of `.helmignore` is no pattern.
    #[error("the pattern `{pattern}` cannot be used: {reason}")]
    Ignore {
        /// The line.
        pattern: String,
        /// Why.
        reason: &'static str,
        /// Where.
        origin: Origin,
    },
    /// The values of a chart below are no map.
    #[error("the values of the chart `{chart}` are a {kind}, and must be a map")]
    NoTable {
        /// The chart.
        chart: String,
        /// What is there.
        kind: &'static str,
        /// Where.
        origin: Origin,
    },
    /// The chart is for other versions of Kubernetes.
    #[error("the chart is for Kubernetes {range}, and this is {version}")]
    Kubernetes {
        /// What it says.
        range: String,
        /// What there is.
        version: String,
        /// Its `Chart.yaml`.
        origin: Origin,
    },
    /// The name of a release that Helm does not take.
    #[error("`{name}` cannot be the name of a release")]
    ReleaseName {
        /// The name.
        name: String,
    },
    /// What a template came to is no object.
    #[error("the template makes no object: {what} is a {kind}")]
    NoObject {
        /// What is looked at.
        what: String,
        /// What it is.
        kind: &'static str,
        /// The template.
        path: Arc<String>,
    },
    /// `values.yaml` is no map.
    #[error("a chart's defaults are a map, not a {kind}")]
    Defaults {
        /// What is there.
        kind: &'static str,
        /// Where.
        origin: Origin,
    },
    /// `values.schema.json` is no schema.
    #[error("this is not a usable JSON Schema: {message}")]
    WrongSchema {
        /// The file.
        origin: Origin,
        /// What is wrong.
        message: String,
    },
    /// The values do not fit the schema.
    #[error("the values do not fit `{path}`{}", listed(failures))]
    Values {
        /// The schema's file.
        path: Arc<String>,
        /// Every value that does not fit.
        failures: Vec<Failure>,
    },
    /// What a template came to is not YAML.
    #[error("the template does not make YAML")]
    NotYaml {
        /// What is wrong with the text, with its excerpt.
        source: Box<YamlError>,
        /// The template's line, where it is known, else its file.
        origin: Origin,
        /// That line.
        line: Option<String>,
    },
    /// What a template came to is YAML with stand-ins for its secrets, but not with them.
    #[error("the template does not make YAML with the values of its secrets")]
    SecretNotYaml {
        /// The template's file. The line could be chosen by a secret.
        origin: Origin,
    },
    /// A file is no manifest.
    #[error("`{path}` is not a manifest: its name ends in none of `.yaml`, `.yml`, `.json`")]
    NotManifest {
        /// The file.
        path: String,
    },
    /// A folder without manifests.
    #[error("there are no manifests in `{folder}`")]
    NoManifests {
        /// The folder.
        folder: String,
        /// The release that names it.
        origin: Origin,
    },
    /// A Jinja template fails.
    #[error(transparent)]
    Template(#[from] JinjaError),
    /// A Go template fails.
    #[error(transparent)]
    Go(Box<GoTemplateError>),
    /// A packed chart cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file of the chart is not the YAML it should be.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl ChartError {
    /// The same error without anything that a value could have influenced.
    pub(super) fn hidden(self) -> Self {
        match self {
            Self::Template(error) => Self::Template(error.hidden()),
            Self::Go(error) => Self::Go(Box::new(error.hidden())),
            Self::NotYaml { origin, .. } => Self::SecretNotYaml { origin: Origin { mark: Mark::default(), ..origin } },
            other => other,
        }
    }

    /// The error of a Go template.
    pub(super) fn go(error: impl Into<Box<GoTemplateError>>) -> Self {
        Self::Go(error.into())
    }

    /// The error for a rendered text that is not YAML.
    pub(super) fn not_yaml(source: YamlError, origin: Origin, engine: &Engine) -> Self {
        let line = engine.line(&origin).map(|line| line.trim().to_owned());
        Self::NotYaml { source: Box::new(source), origin, line }
    }
}

impl Diagnose for ChartError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Dependency { origin, .. }
            | Self::Metadata { origin, .. }
            | Self::Ignore { origin, .. }
            | Self::Kubernetes { origin, .. }
            | Self::Defaults { origin, .. }
            | Self::WrongSchema { origin, .. }
            | Self::SecretNotYaml { origin }
            | Self::NotYaml { origin, .. } => Some(origin),
            Self::NoManifests { origin, .. } | Self::NoTable { origin, .. } => {
                Some(origin).filter(|origin| origin.file.is_some())
            }
            Self::Values { failures, .. } => {
                failures.iter().map(|failure| &failure.origin).find(|origin| origin.file.is_some())
            }
            Self::Template(error) => error.origin(),
            Self::Go(error) => error.origin(),
            Self::Archive(error) => error.origin(),
            Self::Yaml(error) => error.origin(),
            Self::Tree(error) => error.origin(),
            _ => None,
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::NotYaml { source, .. } => source.excerpt(),
            Self::Template(error) => error.excerpt(),
            Self::Go(error) => error.excerpt(),
            Self::Yaml(error) => error.excerpt(),
            Self::Tree(error) => error.excerpt(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoChart { folder } => format!("Create `{folder}/Chart.yaml`, or correct the release's `chart:`."),
            Self::Library { .. } => "Name an application chart; a library is a dependency of it.".into(),
            Self::Dependency { .. } => {
                "Fetch it with `weft sources vendor`, or name its folder: `repository: file://../<folder>`.".into()
            }
            Self::Metadata { .. } => "Correct the file; Helm refuses it as well.".into(),
            Self::Ignore { .. } => "Write patterns as for a shell: `*.tgz`, `/docs/`, `!keep.txt`.".into(),
            Self::NoTable { chart, .. } => format!("Write what is set for the chart below `{chart}:`."),
            Self::Kubernetes { .. } => "Use another version of the chart, or update the cluster.".into(),
            Self::ReleaseName { .. } => "Use lower-case letters, digits, `-` and `.`; at most 53 characters.".into(),
            Self::NoObject { .. } => "Every document needs `apiVersion`, `kind` and `metadata`.".into(),
            Self::Defaults { .. } => "Write keys and values.".into(),
            Self::WrongSchema { .. } => "Correct the schema; references to other places are not followed.".into(),
            Self::Values { .. } => "Correct the values, or the chart's schema.".into(),
            Self::NotYaml { source, line, .. } => not_yaml_hint(source, line.as_deref()),
            Self::SecretNotYaml { .. } => "Put the secret in quotes: `{{ ... | quote }}`.".into(),
            Self::NotManifest { .. } => "Name a folder, or a file of YAML or JSON.".into(),
            Self::NoManifests { .. } => "Correct the release's `manifests:`, or put a manifest there.".into(),
            Self::Template(error) => return error.hint(),
            Self::Go(error) => return error.hint(),
            Self::Yaml(error) => return error.hint(),
            Self::Tree(error) => return error.hint(),
            Self::Archive(error) => return error.hint(),
        })
    }
}

/// Each failure on a line of its own.
fn listed(failures: &[Failure]) -> String {
    failures.iter().fold(String::new(), |list, failure| list + "\n  " + &failure.to_string())
}

fn not_yaml_hint(source: &YamlError, line: Option<&str>) -> String {
    let shown = "The excerpt is what the template came to.";
    let made = line.map(|line| format!(" The line of the template that made it: `{}`", cut(line))).unwrap_or_default();
    let more = source.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
    format!("{shown}{made}{more}")
}
