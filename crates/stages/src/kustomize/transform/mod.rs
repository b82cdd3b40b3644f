//! The transformers, one file each: what they do to all resources.

mod images;
mod labels;
mod names;
mod namespace;
mod patches;
mod replacements;
mod replicas;
mod values;

pub use self::images::images;
pub use self::labels::{labels, set_entries};
pub use self::names::{Affix, affix};
pub use self::namespace::{Subjects, namespace};
pub use self::patches::{PatchSource, json_patch, patches, strategic};
pub use self::replacements::replacements;
pub use self::replicas::replicas;
pub use self::values::{AddValue, add_values};
