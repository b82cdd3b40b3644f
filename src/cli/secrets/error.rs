//! Why a verb on secrets fails beyond the secrets themselves.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

use super::subject::RULES;
use crate::diagnostic::{Diagnose, Kind};

/// Why a verb on secrets fails beyond the secrets themselves.
#[derive(Debug, Error)]
pub(super) enum SecretsVerbError {
    /// No rules and no recipients.
    #[error("nothing says who can read `{}`", path.display())]
    NoRules { path: PathBuf },
    /// The editor could not be run.
    #[error("cannot run the editor `{editor}`")]
    Editor {
        editor: String,
        #[source]
        source: io::Error,
    },
    /// The editor failed.
    #[error("the editor `{editor}` ended with {status}")]
    EditorFailed { editor: String, status: ExitStatus },
    /// Plain text would stay where a signal ends us.
    #[error("cannot watch for signals")]
    Signals(#[source] io::Error),
}

impl Diagnose for SecretsVerbError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoRules { .. } => Kind::Input,
            Self::Editor { .. } | Self::EditorFailed { .. } | Self::Signals(_) => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRules { .. } => {
                format!("Name a public key with `--recipient`, or write a rule into `{RULES}` at the project's root.")
            }
            Self::Editor { .. } => "Set `EDITOR` to a program that waits until the file is closed.".into(),
            Self::EditorFailed { .. } | Self::Signals(_) => "The encrypted file is as it was.".into(),
        })
    }
}
