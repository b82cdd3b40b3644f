//! The formats of stored state: inventories with what was applied, the [`history`] of releases, and plans in files
//! ([`saved`]).
//!
//! An inventory is one JSON document (`docs/schema/inventory-v1.json`), compressed and cut into chunks that each fit a
//! Secret. Every chunk says which part of which document it is, so a torn write is noticed and never read.

mod chunks;
mod document;
pub mod history;
mod hooks;
mod outline;
pub mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub use self::outline::Outline;
use crate::diff::Recorded;
use crate::manifest::ObjectId;
use crate::plan::hooks::HookState;
use crate::project::{Owner, Prune};
use weft_base::diagnostic::{Diagnose, Kind};

/// The version of the formats that this program writes, and the only one that it reads; for inventories see
/// `OWNED_VERSION`.
pub const FORMAT_VERSION: u64 = 1;
/// The version of inventories that say to which project they belong. Version 1 is read as well.
const OWNED_VERSION: u64 = 2;

/// A time to the second as documents say it (RFC 3339, UTC): always as long, so that texts sort as times do.
pub fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or_default().to_string()
}

/// What a release has in the cluster: a superset while it is applied, exact after the prune.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    pub environment: String,
    pub release: Arc<str>,
    /// The project that it belongs to; `None` if it was written before projects had identities.
    pub owner: Option<Owner>,
    /// The commit that was applied last, if the project is a git repository.
    pub commit: Option<String>,
    /// Its objects. One that is being created has no record yet.
    pub objects: BTreeMap<ObjectId, Member>,
    /// What is kept about its hooks.
    pub hooks: HookState,
    /// What becomes of objects that leave it. It stands beside the document, so that programs that do not know it read
    /// the rest.
    pub prune: Prune,
}

/// One object of an inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The version in which it was last applied, so that it can be found and deleted.
    pub api_version: String,
    /// What was recorded after its last apply.
    pub recorded: Option<Arc<Recorded>>,
}

/// Why an inventory, or a document of the history, cannot be written or read.
#[derive(Debug, Error)]
pub enum StateError {
    /// What was recorded still holds a secret.
    #[error("the record of `{id}` holds a secret at `{path}`, and an inventory must not")]
    Secret { id: ObjectId, path: String },
    /// There is no chunk.
    #[error("the document has no data")]
    Empty,
    /// A chunk does not begin as ours do.
    #[error("part {at} of the document is none that this program wrote")]
    Chunk {
        /// Which of those that were handed in, from 1.
        at: usize,
    },
    /// A chunk is not there.
    #[error("the document lacks part {missing} of {count}")]
    Missing {
        /// Which, from 1.
        missing: usize,
        /// How many there should be.
        count: usize,
    },
    /// The chunks come from different writes, or one is there twice.
    #[error("the {count} parts of the document do not belong together")]
    Mixed {
        /// How many there are.
        count: usize,
    },
    /// The compressed data is damaged.
    #[error("the document cannot be decompressed")]
    Compression {
        /// The decoder's error.
        #[source]
        source: std::io::Error,
    },
    /// A newer program, or none of ours, wrote it.
    #[error("the document has the format version {found}, and this program reads versions up to {newest}")]
    Version {
        /// What it says.
        found: String,
        /// The newest version that this program reads.
        newest: u64,
    },
    /// The document is not as its format says.
    #[error("the document is not as its format says")]
    Format {
        /// The reader's error.
        #[source]
        source: serde_json::Error,
    },
}

impl Diagnose for StateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Secret { .. } => Kind::Machine,
            _ => Kind::Unknown,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Secret { .. } => "This is a defect of the program; nothing was written. Please report it.".into(),
            Self::Version { .. } => "Use the version of the program that applied this environment last.".into(),
            Self::Empty | Self::Missing { .. } | Self::Mixed { .. } => {
                "A run may be writing it now: try again. If it stays so, delete the Secrets of the release in the state \
                 namespace and apply again, which lists what the repository has. Objects that left the repository in \
                 between have to be deleted by hand."
                    .into()
            }
            Self::Chunk { .. } | Self::Compression { .. } | Self::Format { .. } => {
                "Somebody changed the Secrets in the state namespace: restore them, or delete those of the release and \
                 apply again. Objects that left the repository in between have to be deleted by hand."
                    .into()
            }
        })
    }
}

/// The chunks of an inventory, in order. The same inventory always gives the same bytes.
pub fn encode(inventory: &Inventory) -> Result<Vec<Vec<u8>>, StateError> {
    chunks::cut(&document::to_json(inventory)?)
}

/// The inventory that [`encode`] made these chunks of, in whatever order they are handed in.
pub fn decode(chunks: &[Vec<u8>]) -> Result<Inventory, StateError> {
    document::from_json(&chunks::join(chunks)?)
}

/// Bytes, compressed, as one part that fits a Secret; `None` for what is too large for that.
pub fn pack(bytes: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
    let mut chunks = chunks::cut(bytes)?;
    Ok(if chunks.len() == 1 { chunks.pop() } else { None })
}

/// The document, of this program's format version, of which [`pack`] made these bytes; `version` tells the version of one.
pub fn unpack<D: DeserializeOwned>(bytes: &[u8], version: fn(&D) -> u64) -> Result<D, StateError> {
    document::parse(&chunks::join(&[bytes.to_vec()])?, FORMAT_VERSION, version)
}
