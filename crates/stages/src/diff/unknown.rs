//! Why something could not be told, as words for people and as a kind for programs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an object could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// The sort of reason.
    pub cause: Cause,
    /// The reason, in words that follow the object's name.
    pub reason: String,
}

/// The sorts of reasons for which an object cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// We may not read it.
    NotPermitted,
    /// The API server behind its group does not answer.
    Unavailable,
    /// What the server said about it cannot be used.
    Unreadable,
    /// It is being deleted.
    Deleting,
    /// It was read, and none of its differences could be judged.
    Undecided,
}

impl Cause {
    /// A word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotPermitted => "not-permitted",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::Deleting => "deleting",
            Self::Undecided => "undecided",
        }
    }

    /// The reason for this cause.
    pub fn since(self, reason: impl Into<String>) -> Unknown {
        Unknown { cause: self, reason: reason.into() }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPermitted => "not permitted",
            Self::Unavailable => "not available",
            Self::Unreadable => "not readable",
            Self::Deleting => "being deleted",
            Self::Undecided => "not decided",
        })
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
