//! Who wrote which fields of an object.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use weft_base::value::Value;

/// An object and its `metadata.managedFields`.
#[derive(Clone, Copy, Debug)]
pub struct ManagedObject<'a> {
    /// The object without `metadata.managedFields`.
    pub body: &'a Value,
    /// The entries of `metadata.managedFields`.
    pub managers: &'a [Manager],
}

/// One entry of `metadata.managedFields`. Its identity is name, operation and subresource.
#[derive(Clone, Debug, PartialEq)]
pub struct Manager {
    /// The field manager.
    pub name: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// `status`, `scale` or empty.
    pub subresource: String,
    /// The version in which it wrote.
    pub api_version: String,
    /// When it last wrote, as the server says it (RFC 3339).
    pub time: Option<String>,
    /// The fields that it owns.
    pub fields: Fields,
}

/// Somebody else who owns a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The field manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// When, as the server says it.
    pub time: Option<String>,
}

impl Writer {
    /// The manager without its fields.
    pub fn of(manager: &Manager) -> Self {
        Self {
            manager: manager.name.clone(),
            operation: manager.operation.clone(),
            subresource: manager.subresource.clone(),
            time: manager.time.clone(),
        }
    }

    /// Whether it is the same writer, whenever it wrote.
    pub fn is(&self, other: &Self) -> bool {
        self.manager == other.manager && self.operation == other.operation && self.subresource == other.subresource
    }
}

impl fmt::Display for Writer {
    /// `kubectl-edit (Update, scale) at 2026-01-01T00:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.manager, self.operation)?;
        if !self.subresource.is_empty() {
            write!(f, ", {}", self.subresource)?;
        }
        f.write_str(")")?;
        self.time.as_ref().map_or(Ok(()), |time| write!(f, " at {time}"))
    }
}
