//! Versions of charts and of Kubernetes, and ranges of them, as Helm reads them.

use weft_gotemplate::functions::semver::{Constraints, Version};

/// Whether a text is a version.
pub fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

/// Whether a version is within a range; not, where either cannot be read.
pub fn fits(range: &str, version: &str) -> bool {
    match (Constraints::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) => range.check(&version),
        _ => false,
    }
}
