//! Forges (GitHub, GitLab, Gitea and Forgejo): what a CI job says of itself, and what it tells pull requests, commits
//! and issues.
//!
//! [`Job::read`] is pure: the places of each fact are in `facts.tsv`. [`Client`] acts over the program's one HTTP client;
//! its requests are in `calls.tsv`. A token comes from the environment of the process alone, and is masked.

mod artefact;
mod call;
mod client;
mod error;
mod job;
mod listen;
mod spool;
mod webhook;

pub use self::artefact::{ARTEFACT, Artefact, ArtefactError, EnvironmentPlan};
pub use self::call::{Author, Call, ForgeEntry};
pub use self::client::{Client, CommitState, CommitStatus};
pub use self::error::ForgeError;
pub use self::job::{Forge, Job, happened, without_break};
pub use self::listen::{ForgeEvent, ListenError, Listener};
pub use self::spool::Spool;
pub use self::webhook::{is_signed, signature};
