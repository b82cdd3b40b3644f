//! Patches of objects: strategic merge patches by Kubernetes' merge keys, and JSON patches (RFC 6902).
//!
//! Both behave as kustomize applies them, in each detail that can be seen: what `$patch` directives and nulls do, that
//! new items of a merged list come first, and which operations a path allows. [`Selector`] says which objects a patch
//! is for.

mod directive;
mod error;
mod json;
mod keys;
mod labels;
mod list;
mod merge;
mod scalar;
mod selector;
mod targeted;

use std::sync::Arc;

pub use self::error::PatchError;
pub use self::json::{Action, Operation, apply, operations};
pub use self::keys::{MergeKeys, Shape};
pub use self::labels::LabelSelector;
pub use self::merge::merge;
pub use self::scalar::text as scalar_text;
pub use self::selector::Selector;
pub use self::targeted::Targeted;
use weft_base::value::{Data, Value};
use weft_base::yaml::{self, Rules};

/// A patch of either kind.
#[derive(Clone, Debug)]
pub enum Patch {
    /// A part of an object that is merged over it.
    Merge(Value),
    /// Operations in order.
    Json(Vec<Operation>),
}

impl Patch {
    /// The patches of a text: a list is a JSON patch, each document that is a map a strategic merge patch.
    pub fn read(text: &str, file: &Arc<String>) -> Result<Vec<Self>, PatchError> {
        let documents = yaml::documents(text, file, Rules::Kustomize)?;
        if documents.iter().all(|it| it.as_list().is_none()) {
            return documents.into_iter().map(Self::of).collect();
        }
        // Operations are read by another library than objects: for it, `yes` is no text.
        let plain = yaml::documents(text, file, Rules::Kubernetes)?;
        let read = documents.into_iter().zip(plain);
        read.map(|(object, list)| Self::of(if list.as_list().is_some() { list } else { object })).collect()
    }

    /// The patch that a value is.
    pub fn of(value: Value) -> Result<Self, PatchError> {
        match value.data {
            Data::List(_) => Ok(Self::Json(operations(&value)?)),
            Data::Map(_) => Ok(Self::Merge(value)),
            _ => Err(PatchError::NoPatch { found: value.kind(), origin: value.origin }),
        }
    }

    /// The object with this patch; `None` where the patch deletes it. Its kind and name stay as they were: a strategic
    /// merge patch need not name them.
    pub fn apply(&self, mut object: Value, keys: &MergeKeys) -> Result<Option<Value>, PatchError> {
        match self {
            Self::Merge(patch) => merge(object, patch, keys),
            Self::Json(operations) => {
                apply(&mut object, operations)?;
                Ok(Some(object))
            }
        }
    }
}
