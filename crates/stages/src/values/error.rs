//! Why values cannot be put together.

use thiserror::Error;

use weft_base::diagnostic::Place;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind};
use weft_base::tree::TreeError;
use weft_base::value::{Origin, Value};
use weft_base::yaml::YamlError;
use weft_jinja::JinjaError;

/// Why values cannot be put together.
#[derive(Debug, Error)]
pub enum ValuesError {
    /// A values file is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A template of values cannot be rendered.
    #[error(transparent)]
    Jinja(#[from] JinjaError),
    /// A values file cannot be read.
    #[error("release `{release}` names a file that cannot be used: {source}")]
    File {
        /// The release.
        release: String,
        /// What is wrong with it.
        source: TreeError,
        /// Where it is named.
        place: Place,
    },
    /// A template of values comes to a text that is no YAML. Place and excerpt are those of that text.
    #[error("the template `{path}` does not come to values: {source}")]
    Rendered {
        /// The template.
        path: String,
        /// What is wrong with its result.
        source: Box<YamlError>,
    },
    /// A values file that holds no map.
    #[error("`{path}` holds a {kind} in place of a map")]
    NotAMap {
        /// The file.
        path: String,
        /// What it holds.
        kind: &'static str,
        /// Where.
        place: Place,
    },
    /// An argument of `--set` or its kin. Its value is not repeated: it may be a secret.
    #[error("`{option}` cannot be read: {problem}")]
    Set {
        /// The option.
        option: &'static str,
        /// What is wrong, and at which key.
        problem: String,
    },
}

impl ValuesError {
    pub(super) fn not_a_map(path: &str, node: &Value, text: &str) -> Self {
        let excerpt = Excerpt::new(text, node.origin.mark, 1, 2).map(Box::new);
        Self::NotAMap {
            path: path.to_owned(),
            kind: node.kind(),
            place: Place { origin: node.origin.clone(), excerpt },
        }
    }
}

impl Diagnose for ValuesError {
    fn kind(&self) -> Kind {
        match self {
            Self::Yaml(inner) => inner.kind(),
            Self::Jinja(inner) => inner.kind(),
            _ => Kind::Input,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Yaml(inner) => inner.origin(),
            Self::Rendered { source, .. } => source.origin(),
            Self::Jinja(inner) => inner.origin(),
            Self::File { place, source, .. } => source.origin().or(Some(&place.origin)),
            Self::NotAMap { place, .. } => Some(&place.origin),
            Self::Set { .. } => None,
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Yaml(inner) => inner.excerpt(),
            Self::Rendered { source, .. } => source.excerpt(),
            Self::Jinja(inner) => inner.excerpt(),
            Self::File { source, .. } if source.origin().is_some() => None,
            Self::File { place, .. } | Self::NotAMap { place, .. } => place.excerpt.as_deref(),
            Self::Set { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Yaml(inner) => return inner.hint(),
            Self::Jinja(inner) => return inner.hint(),
            Self::File { source, .. } => return source.hint(),
            Self::Rendered { .. } => "Change what the template writes there.".into(),
            Self::NotAMap { .. } => "Write `key: value` lines.".into(),
            Self::Set { option: "--set-json", .. } => {
                "Write JSON behind the `=`, in quotes that keep the shell from it: `--set-json 'ports=[80, 443]'`."
                    .into()
            }
            Self::Set { .. } => {
                "Write `key.below=value`, `list[0]=value` or `key={a,b}`, with `,` between several and \
                                 `\\` before a comma or a dot that is meant as it is."
                    .into()
            }
        })
    }
}
