//! What can go wrong in a template.

use thiserror::Error;

/// Why a template cannot be parsed or executed.
#[derive(Debug, Error)]
pub enum GoTemplateError {
    /// A function failed.
    #[error("{message}")]
    Function {
        /// What it says.
        message: String,
    },
}
