//! The directive `$patch` of strategic merge patches.

use super::PatchError;
use super::scalar::text;
use weft_base::value::{Map, Value};

/// The key of a directive.
pub(super) const KEY: &str = "$patch";

/// What a patch does with the node that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

/// The directive of a map, if it has one.
pub(super) fn of_map(patch: &Map) -> Result<Option<Directive>, PatchError> {
    patch.get(KEY).map(read).transpose()
}

/// The directive of a list: an item that holds nothing else.
pub(super) fn of_list(patch: &[Value]) -> Result<Option<Directive>, PatchError> {
    let with = patch.iter().filter_map(Value::as_map).find(|map| map.contains(KEY));
    with.filter(|map| map.len() == 1).and_then(|map| map.get(KEY)).map(read).transpose()
}

fn read(value: &Value) -> Result<Directive, PatchError> {
    match &*text(value) {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(PatchError::Directive { found: other.to_owned(), origin: value.origin.clone() }),
    }
}
