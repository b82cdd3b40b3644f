//! Why a chart from elsewhere cannot be had.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::network::NetworkError;
use crate::trust::TrustError;
use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::tree::archive::ArchiveError;

/// Why a chart from elsewhere cannot be had. None shows a password or what a file holds.
#[derive(Debug, Error)]
pub enum FetchError {
    /// A server gives no answer.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What came is no archive that can be trusted.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A closed run brings nothing from elsewhere.
    #[error(transparent)]
    Closed(#[from] TrustError),
    /// A repository does not have the chart.
    #[error("`{repo}` has no chart `{name}`")]
    NoChart {
        /// The repository.
        repo: String,
        /// The chart's name.
        name: String,
        /// A chart that may be meant.
        nearest: Option<String>,
    },
    /// No version of the chart fits.
    #[error("`{repo}` has no version {version} of `{name}`")]
    NoVersion {
        /// The repository.
        repo: String,
        /// The chart's name.
        name: String,
        /// The version or range.
        version: String,
        /// The newest versions that there are.
        known: Vec<String>,
    },
    /// A version is neither one nor a range.
    #[error("`{version}` is neither a version nor a range of versions: {reason}")]
    BadVersion {
        /// The text.
        version: String,
        /// Why.
        reason: String,
    },
    /// An answer is not what its kind of server gives.
    #[error("`{address}` is not {what}: {reason}")]
    BadAnswer {
        /// The address.
        address: String,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// Bytes are not those that were locked or announced.
    #[error("`{what}` is not what {by}: its digest is {actual}, and not {expected}")]
    Digest {
        /// What has another digest.
        what: String,
        /// Who says what it should be, as the end of a sentence.
        by: &'static str,
        /// The digest that it should have.
        expected: String,
        /// The digest that it has.
        actual: String,
    },
    /// An archive or a folder holds no chart, or another one.
    #[error("`{what}` {problem}")]
    NotTheChart {
        /// The archive or folder.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A chart that has to be signed is not.
    #[error("the chart `{chart}` is not signed as it has to be: {reason}")]
    Unsigned {
        /// The chart.
        chart: String,
        /// Why.
        reason: String,
    },
    /// A file with logins cannot be read.
    #[error("`{}` cannot be used for logging in: {reason}", path.display())]
    Login {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A program that keeps logins does not give one.
    #[error("`{program}` gives no login for `{host}`: {reason}")]
    Helper {
        /// The program.
        program: String,
        /// The registry.
        host: String,
        /// Why.
        reason: String,
    },
    /// A git repository does not give what is asked for.
    #[error("the git repository `{address}` {problem}")]
    Git {
        /// Its address.
        address: String,
        /// What is wrong.
        problem: String,
    },
    /// A file of the cache cannot be written.
    #[error("cannot write `{}`", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Diagnose for FetchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Network(inner) => inner.kind(),
            Self::Archive(inner) => inner.kind(),
            Self::Closed(inner) => inner.kind(),
            Self::Digest { .. } | Self::Unsigned { .. } => Kind::Refused,
            Self::Login { .. } | Self::Helper { .. } | Self::Cache { .. } | Self::BadAnswer { .. } => Kind::Machine,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Network(inner) => return inner.hint(),
            Self::Archive(inner) => return inner.hint(),
            Self::Closed(inner) => return inner.hint(),
            Self::NoChart { nearest: Some(name), .. } => format!("Did you mean `{name}`?"),
            Self::NoChart { .. } => "`helm search repo` and the repository's page list its charts.".into(),
            Self::NoVersion { known, .. } if known.is_empty() => "It has no version at all.".into(),
            Self::NoVersion { known, .. } => format!("There are {}.", known.join(", ")),
            Self::BadVersion { .. } => "Write a version such as `1.2.3`, or a range such as `^1.2` or `>=1 <3`.".into(),
            Self::Digest { .. } => {
                "Nothing of it was used. If the publisher replaced it on purpose, run `weft sources update`; if nobody \
                 says so, somebody else did."
                    .into()
            }
            Self::Unsigned { .. } => "Nothing of it was used. Ask the publisher, or name the right keys.".into(),
            Self::Login { .. } => {
                "Write it again with `helm registry login`, `helm repo add` or `docker login`.".into()
            }
            Self::Helper { .. } => "Run it by hand; it may want a login of its own.".into(),
            Self::BadAnswer { .. } => "Is that the address of a chart repository or a registry?".into(),
            Self::NotTheChart { .. } | Self::Git { .. } => "Correct the place of the chart.".into(),
            Self::Cache { .. } => "Charts are kept in `weft/charts` below `XDG_CACHE_HOME` or `~/.cache`.".into(),
        })
    }
}
