//! Maps into maps: what dario.cat/mergo does with the maps that templates have.

use super::reflect::empty;
use crate::{Fault, Map, Value};

/// Which values of the target a merge replaces. Maps are merged in either case.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Overwrite {
    /// Those that are missing, nil, false, zero or empty.
    Empty,
    /// All that the source has, even where it is nil.
    All,
}

/// Merges `source` into `target`, in place. A map that the target does not have is shared with the source afterwards.
pub(super) fn into(target: &Map, source: &Map, overwrite: Overwrite, depth: usize) -> Result<(), Fault> {
    let depth = depth.checked_sub(1).ok_or("the maps are nested too deeply to merge")?;
    for (key, new) in source.entries().iter() {
        let old = target.get(key);
        let set = |value: &Value| target.set(key.clone(), value.clone());
        match (new, &old) {
            (Value::Nil, _) if overwrite == Overwrite::All => set(new)?,
            (Value::Nil, _) => {}
            (Value::Map(new), Some(Value::Map(old))) if !old.is_nil() || new.is_nil() => {
                into(old, new, overwrite, depth)?;
                if old.is_empty() {
                    set(&Value::Map(new.clone()))?;
                }
            }
            (Value::List(_) | Value::Bytes(_), Some(old)) if overwrite == Overwrite::Empty && !empty(old) => {}
            _ if overwrite == Overwrite::All || old.as_ref().is_none_or(empty) => set(new)?,
            _ => {}
        }
    }
    Ok(())
}
