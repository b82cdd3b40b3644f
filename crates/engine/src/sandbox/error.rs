//! What can go wrong with a sandbox.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use thiserror::Error;

use crate::cluster::ClusterError;
use weft_base::diagnostic::{Diagnose, Kind};

/// Why there is no sandbox.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// There is no place for the programs.
    #[error(
        "there is no folder to keep the sandbox's programs in: neither `WEFT_SANDBOX_CACHE`, `XDG_CACHE_HOME` nor `HOME` is set"
    )]
    NoCache,
    /// None of the places has the programs.
    #[error("no {program} to be had; looked at:\n{}", places.join("\n"))]
    NoPrograms {
        /// The program with its version.
        program: String,
        /// Each place, with the reason why it is not the one.
        places: Vec<String>,
    },
    /// A program could not be built.
    #[error("`{program}` could not be built: `go` ended with {status}")]
    Build {
        /// The program.
        program: &'static str,
        /// How `go` ended.
        status: ExitStatus,
        /// The file with all that it wrote.
        log: PathBuf,
        /// The end of it.
        #[source]
        tail: Tail,
    },
    /// A download is not what was published.
    #[error("the download {address} is not what was published: its SHA-256 is {actual}, and {expected} was announced")]
    Checksum {
        /// The address.
        address: String,
        /// The published checksum.
        expected: String,
        /// That of the bytes that came.
        actual: String,
    },
    /// A downloaded archive could not be read.
    #[error("`{file}` could not be unpacked: `tar` ended with {status}")]
    Archive {
        /// The file in the archive.
        file: String,
        /// How `tar` ended.
        status: ExitStatus,
    },
    /// A component ended by itself.
    #[error("`{program}` ended with {status}")]
    Ended {
        /// The component.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote last.
        #[source]
        log: Tail,
    },
    /// A component runs, but does not get ready.
    #[error("{what} was not ready after {seconds} s")]
    NotReady {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// What the component behind it wrote last.
        #[source]
        log: Tail,
    },
    /// A program of this machine could not be run.
    #[error("`{program}` could not be run")]
    Program {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or folder could not be read or written.
    #[error("`{}` could not be used", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No free port.
    #[error("this machine has no free port to listen on")]
    Port(#[source] io::Error),
    /// The certificates could not be made.
    #[error("the sandbox's certificates could not be made")]
    Certificates(#[from] rcgen::Error),
    /// The kubeconfig that we wrote is not one.
    #[error("the sandbox's kubeconfig could not be used")]
    Kubeconfig(#[from] serde_yaml::Error),
    /// The API server refused what a start needs.
    #[error("the sandbox's API server refused a request")]
    Request(#[from] ClusterError),
    /// The waiting itself was interrupted.
    #[error("the sandbox's end was not waited for")]
    Interrupted(#[source] tokio::task::JoinError),
    /// A name that cannot be a folder's.
    #[error("`{name}` cannot be the name of a sandbox")]
    Name {
        /// The name.
        name: String,
    },
    /// A sandbox of this name runs already.
    #[error("the sandbox `{name}` is up already")]
    Up {
        /// The name.
        name: String,
    },
    /// No sandbox of this name runs.
    #[error("the sandbox `{name}` is not up")]
    Down {
        /// The name.
        name: String,
    },
    /// A sandbox of this name is just being started.
    #[error("the sandbox `{name}` is not ready yet")]
    Starting {
        /// The name.
        name: String,
    },
}

impl SandboxError {
    /// For `map_err`: an error with this file or folder.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// What the API server said, if it refused a request, and the status.
    pub fn refusal(&self) -> Option<(u16, &str)> {
        match self {
            Self::Request(ClusterError::Refused { code, message, .. }) => Some((*code, message)),
            _ => None,
        }
    }

    /// For `map_err`: an error with this program.
    pub(super) fn program(program: &str) -> impl FnOnce(io::Error) -> Self {
        let program = program.to_owned();
        move |source| Self::Program { program, source }
    }

    /// Whether a component ended because its port was taken between the choice and the start.
    pub(super) fn is_taken_port(&self) -> bool {
        matches!(self, Self::Ended { log, .. } if log.0.contains("address already in use"))
    }
}

impl Diagnose for SandboxError {
    fn kind(&self) -> Kind {
        match self {
            Self::Name { .. } | Self::Up { .. } | Self::Down { .. } | Self::Starting { .. } => Kind::Input,
            _ => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoCache => Some("Set `WEFT_SANDBOX_CACHE` to a folder that may keep about 500 MB.".into()),
            Self::NoPrograms { .. } => Some(
                "Install Go 1.26 or later (https://go.dev/dl), with which the programs are built once, or set \
                 `KUBEBUILDER_ASSETS` to a folder that has them."
                    .into(),
            ),
            Self::Checksum { .. } => Some(
                "Try again; if it stays so, somebody changes what you download: set `WEFT_SANDBOX_RELEASES=off` to build \
                 the programs from source."
                    .into(),
            ),
            Self::Build { log, .. } => Some(format!("The whole output of `go` is in `{}`.", log.display())),
            Self::Name { .. } => Some("Use letters, digits and `-`.".into()),
            Self::Up { name } => {
                Some(format!("Use it by `weft sandbox env --name {name}`, or end it by `weft sandbox down --name {name}`."))
            }
            Self::Down { name } => Some(format!("Start it by `weft sandbox up --name {name}`.")),
            Self::Starting { name } => Some(format!("Wait for the `weft sandbox up --name {name}` that is starting it.")),
            _ => None,
        }
    }
}

/// The end of what a program wrote.
#[derive(Debug)]
pub struct Tail(String);

impl Tail {
    /// How many lines are shown.
    const LINES: usize = 12;

    /// The last lines of a log. A log that cannot be read says so in their place.
    pub(super) fn of(log: &Path) -> Self {
        let text = match std::fs::read(log) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("`{}` could not be read: {error}", log.display()),
        };
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let shown = &lines[lines.len().saturating_sub(Self::LINES)..];
        Self(if shown.is_empty() { "it wrote nothing".into() } else { shown.join("\n") })
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Tail {}
