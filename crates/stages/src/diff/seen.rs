//! What an object was judged by: the part of it whose change makes another plan.

use data_encoding::HEXLOWER;

use super::ownership::{Ownership, ours};
use super::{Class, Fields, LiveObject, ObjectComparison, Writer, canonical, projection};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Path, Value};
use weft_schema::fields::FieldSet;

/// What was seen of a live object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedState {
    /// Keyed digest of the object's UID, of the fields that we own, and of the values of these and of all that an apply
    /// would touch. Status and the fields of others leave no trace.
    pub digest: String,
    /// The fields that we own.
    pub owned: Fields,
}

/// What was seen of the live object; `None` where there is none, or where it is unchanged and so not kept.
pub fn seen(object: &ObjectComparison, key: &FingerprintKey) -> Option<ObservedState> {
    let live = object.live.as_ref()?;
    // Fields that cannot be read prove nothing: the values that would be touched still count.
    let owned = ours(live).unwrap_or_default();
    let touched: FieldSet = touched(object).cloned().collect();
    let fields = Fields::from(&owned);
    let both = owned.union(&touched);
    let mut bytes = canonical::Buffer::new();
    let uid = live.body.dig(&["metadata", "uid"]).and_then(Value::as_str).unwrap_or_default();
    for text in [uid, fields.text(), Fields::from(&both).text()] {
        canonical::text(b't', text, &mut bytes.0);
    }
    projection::write(&live.body, &both, &mut bytes.0);
    Some(ObservedState { digest: HEXLOWER.encode(&key.digest(&bytes.0)), owned: fields })
}

/// The places that an apply would change, or whose owner it would change.
fn touched(object: &ObjectComparison) -> impl Iterator<Item = &Path> {
    let counted = object.fields.iter().filter(|change| !matches!(change.class, Class::Ignored(_)));
    counted.map(|change| &change.path)
}

/// Keyed digest of the object as the repository writes it, whatever rules leave to others; `None` for one that left.
pub fn wanted(object: &ObjectComparison, key: &FingerprintKey) -> Option<String> {
    let written = object.repository.as_ref().or(object.desired.as_ref())?;
    Some(canonical::digest(&written.body, key))
}

/// Keyed digest of what was recorded about the object; each apply of it makes another.
pub fn remembered(object: &ObjectComparison, key: &FingerprintKey) -> Option<String> {
    let recorded = object.recorded.as_ref()?;
    let texts = [&recorded.uid, &recorded.desired, &recorded.owned, &recorded.projection];
    let mut bytes = canonical::Buffer::new();
    for text in texts {
        canonical::text(b't', text, &mut bytes.0);
    }
    Some(HEXLOWER.encode(&key.digest(&bytes.0)))
}

/// Everybody else who owns a field, the newest first; nobody where the entries cannot be read.
pub fn writers(live: &LiveObject, path: &Path) -> Vec<Writer> {
    Ownership::of(live).map(|owners| owners.writers(path)).unwrap_or_default()
}
