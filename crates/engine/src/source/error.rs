//! Why files cannot be brought.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};

/// Why files cannot be brought. None shows what a file holds.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No folder upward has `environments/`.
    #[error("there is no project at or above `{}`", start.display())]
    NoProject {
        /// Where the search began.
        start: PathBuf,
    },
    /// What is in a commit stays as it is.
    #[error("the files of a commit cannot be written")]
    OfCommit,
    /// The commit has no project there.
    #[error("revision `{revision}` has no project at or above `{}`", if start.is_empty() { "the top" } else { start })]
    NoProjectAt {
        /// Where the search began, relative to the top of the repository.
        start: String,
        /// The revision as it was written.
        revision: String,
    },
    /// A revision was asked for outside a git repository.
    #[error("`{}` is not in a git repository, so it has no revisions", folder.display())]
    NoRepository {
        /// The project's root.
        folder: PathBuf,
    },
    /// Git does not know the revision.
    #[error("git knows no revision `{revision}`")]
    NoRevision {
        /// The revision as it was written.
        revision: String,
    },
    /// Two revisions have no commit in common.
    #[error("`{first}` and `{second}` have no commit in common")]
    NothingInCommon {
        /// One revision as it was written.
        first: String,
        /// The other.
        second: String,
    },
    /// The files of a submodule are not on this machine, or not at the commit that is meant.
    #[error("`{path}` is a submodule, and its commit {commit} is not on this machine")]
    NoSubmodule {
        /// The submodule, relative to the root.
        path: String,
        /// The commit that the repository wants of it.
        commit: String,
    },
    /// A pointer stands for a large file whose content is not on this machine.
    #[error("`{path}` is a pointer of Git LFS, and its content is not on this machine")]
    Pointer {
        /// The file, relative to the root.
        path: String,
        /// The SHA-256 of the content, in hexadecimal digits.
        digest: String,
    },
    /// A link leads out of the root.
    #[error("`{path}` is a symbolic link that leads out of the repository")]
    LinkOut {
        /// The link, relative to the root.
        path: String,
    },
    /// A link has no target, or is its own.
    #[error("`{path}` is a symbolic link that leads nowhere")]
    LinkNowhere {
        /// The link, relative to the root.
        path: String,
    },
    /// A link leads to a folder above it.
    #[error("`{path}` is a symbolic link to a folder that holds it")]
    LinkLoop {
        /// The link, relative to the root.
        path: String,
    },
    /// A pipe, a socket or a device.
    #[error("`{path}` is neither a file nor a folder")]
    NoFile {
        /// The path, relative to the root.
        path: String,
    },
    /// The file is too large to be configuration.
    #[error("`{path}` has {bytes} bytes; files of more than {} MiB are not read", limit >> 20)]
    TooLarge {
        /// The path, relative to the root.
        path: String,
        /// Its size.
        bytes: u64,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// A path is not UTF-8.
    #[error("the name of `{}` is not UTF-8", path.display())]
    NameNotText {
        /// The path on this machine.
        path: PathBuf,
    },
    /// The file system says no.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The path on this machine.
        path: PathBuf,
        /// What it says.
        #[source]
        source: io::Error,
    },
    /// The git repository cannot be read.
    #[error("cannot read the git repository")]
    Git(#[from] git2::Error),
}

impl Diagnose for SourceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Io { .. } | Self::Git(_) => Kind::Machine,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoProject { .. } => {
                "A project is a folder that has `environments/`: go there, name it with `--project`, or make one with \
                 `weft init`."
                    .into()
            }
            Self::OfCommit => "Leave `--at` out to write into the folder.".into(),
            Self::NoProjectAt { .. } => {
                "Name the folder that has `environments/` in that commit: `--at REVISION:FOLDER`.".into()
            }
            Self::NoRepository { .. } => "Leave `--at` out to read the folder as it is.".into(),
            Self::NothingInCommon { .. } => {
                "A shallow clone lacks older commits: fetch them with `git fetch --unshallow`.".into()
            }
            Self::NoSubmodule { path, .. } => {
                format!("Fetch it with `git submodule update --init {path}`, or move what is needed into the project.")
            }
            Self::Pointer { .. } => "Fetch it with `git lfs fetch --all`, or `git lfs pull` for the work tree.".into(),
            Self::NoRevision { .. } => "Name a branch, a tag or a commit that this clone has.".into(),
            Self::LinkOut { .. } | Self::LinkNowhere { .. } | Self::LinkLoop { .. } => {
                "Replace the link by the file that it means.".into()
            }
            Self::NoFile { path } | Self::TooLarge { path, .. } => {
                format!("Move `{path}` out of the project's folders.")
            }
            Self::NameNotText { .. } => "Rename the file.".into(),
            Self::Io { .. } | Self::Git(_) => return None,
        })
    }
}
