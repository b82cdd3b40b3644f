//! Why identities cannot be read. No message holds any part of a key.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};
use weft_base::tree::TreeError;
use weft_base::value::Origin;
use weft_sops::{SecretsError, THROWAWAY};

/// What kind of key file others can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFilePlace {
    /// A private one.
    Own,
    /// One that says that its key is a public throwaway.
    Throwaway,
    /// One in a Secret that Kubernetes mounted.
    Mounted,
}

/// Why a source of identities cannot be used.
#[derive(Debug, Error)]
pub enum KeysError {
    /// A key file that is named is not there.
    #[error("there is no key file `{}`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A key file cannot be read.
    #[error("the key file `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others can read a key file.
    #[error("the key file `{}` can be read by others (its mode is {mode:04o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Why it may be so.
        place: KeyFilePlace,
    },
    /// An environment names a key file that is to be private.
    #[error("the key file `{path}` that the environment names in `identity:` is not a public throwaway")]
    NotThrowaway {
        /// The file.
        path: String,
    },
    /// The environment's key file cannot be read from the project.
    #[error(transparent)]
    Project(#[from] TreeError),
    /// A source holds no key.
    #[error("`{place}` holds no key")]
    Empty {
        /// The file or variable.
        place: String,
    },
    /// A source holds something that is no key.
    #[error(transparent)]
    Identity(Box<SecretsError>),
    /// There is no new passphrase.
    #[error("{problem}")]
    Passphrase {
        /// Why.
        problem: String,
    },
    /// A variable with a command cannot be taken apart.
    #[error("the quotes in `{variable}` are not closed, or it is empty")]
    Words {
        /// The variable.
        variable: String,
    },
    /// The program of a variable cannot be started.
    #[error("the program `{program}` of `{variable}` cannot be started")]
    Start {
        /// The program, without its arguments.
        program: String,
        /// The variable.
        variable: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program of a variable failed. What it printed is not shown.
    #[error("the program `{program}` of `{variable}` failed ({status})")]
    Program {
        /// The program, without its arguments.
        program: String,
        /// The variable.
        variable: String,
        /// How it ended.
        status: ExitStatus,
    },
}

impl Diagnose for KeysError {
    fn kind(&self) -> Kind {
        match self {
            Self::Project(error) => error.kind(),
            Self::Identity(error) => error.kind(),
            Self::Read { .. } | Self::Start { .. } | Self::Program { .. } => Kind::Machine,
            Self::Missing { .. } | Self::Words { .. } | Self::Passphrase { .. } => Kind::Input,
            Self::Exposed { .. } | Self::NotThrowaway { .. } | Self::Empty { .. } => Kind::Secret,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Project(error) => error.origin(),
            Self::Identity(error) => error.origin(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "Correct the path, or make a key with `weft secrets keygen`.".into(),
            Self::Read { .. } => "Make the file readable for you alone.".into(),
            Self::Exposed { path, place: KeyFilePlace::Own, .. } => format!("Run `chmod 600 {}`.", path.display()),
            Self::Exposed { place: KeyFilePlace::Mounted, .. } => {
                "Set `defaultMode: 0400` on the Secret's volume, or 0440 where the pod has an `fsGroup`.".into()
            }
            Self::Exposed { path, place: KeyFilePlace::Throwaway, .. } => format!(
                "Only an environment's `identity:` takes a public key file as it is; here, run `chmod 600 {}`.",
                path.display()
            ),
            Self::NotThrowaway { .. } => format!(
                "Keep private keys out of the repository and pass them with `--identity FILE`. A throwaway for trying \
                 things out says so in its first line: `{THROWAWAY} why`."
            ),
            Self::Project(error) => return error.hint(),
            Self::Identity(error) => return error.hint(),
            Self::Empty { .. } => "Put a key into it, which `weft secrets keygen` makes, or do not name it.".into(),
            Self::Passphrase { .. } => "Run it on a terminal to be asked, or set `WEFT_AGE_PASSPHRASE`.".into(),
            Self::Words { .. } => "Close the quotes; the program is run without a shell.".into(),
            Self::Start { .. } => {
                "Name a program that is installed; shell syntax such as pipes and variables is not understood.".into()
            }
            Self::Program { .. } => "Run it by hand to see what it says.".into(),
        })
    }
}
