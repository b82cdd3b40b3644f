//! What a server makes of an apply: its structured merge (structured-merge-diff v6, as the API server drives it).
//!
//! An apply lays the desired object over the live one, takes out what we applied before and no longer want, unless
//! somebody else owns it, and takes what it changes from whoever owned it. What comes out is the object before the
//! server's defaults, admission and validation.

mod apply;
mod combine;
mod compare;
mod error;
mod form;
mod keys;
mod managers;
mod own;
mod owners;
mod prune;
mod reconcile;
mod remove;
mod stored;
mod validate;

pub use self::apply::{Applied, Conflict, apply};
pub use self::compare::{Comparison, compare};
pub use self::error::MergeError;
pub use self::managers::{ManagedObject, Manager, Writer};
pub use self::remove::remove;
use self::validate::Duplicates;
use crate::Type;
use crate::fields::FieldSet;
use weft_base::value::Value;

/// The fields that whoever applies `object` owns then: each leaf, each item of a list that is merged, each key of a
/// free map, without those that a server never records. An error where the object does not fit its shape, or has two
/// items with the same keys.
pub fn field_set(object: &Value, shape: Type<'_>) -> Result<FieldSet, MergeError> {
    validate::object(object, shape, Duplicates::Refused)?;
    Ok(stored::recorded(&stored::without_reset(own::fields(object, shape), shape)))
}

/// The same for an object that a server has: items with the same keys are one member.
pub fn live_field_set(object: &Value, shape: Type<'_>) -> Result<FieldSet, MergeError> {
    validate::object(object, shape, Duplicates::Allowed)?;
    Ok(stored::recorded(&stored::without_reset(own::fields(object, shape), shape)))
}
