//! The fields of built-in kinds that the server leaves out where they are empty.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::schema::rows;
use crate::value::{Data, Path, Step, Value};

const TABLE: &str = include_str!("omitted.tsv");

/// What becomes of an empty value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// It is kept.
    Kept,
    /// It is left out.
    Dropped,
    /// One or the other.
    Open,
}

static FIELDS: LazyLock<HashMap<&str, Empty>> = LazyLock::new(|| {
    let fate = |word: &str| if word == "open" { Empty::Open } else { Empty::Dropped };
    rows::<2>(TABLE).map(|[word, field]| (field, fate(word))).collect()
});

/// What becomes of an empty value in a declared field.
pub fn fate(path: &Path) -> Empty {
    let mut names = path.0.iter().rev().filter_map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        Step::Item(_) | Step::Member(_) | Step::Index(_) => None,
    });
    let (name, holder) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    FIELDS.get(format!("{holder}.{name}").as_str()).copied().unwrap_or(Empty::Kept)
}

/// Whether a value is what Go takes for empty.
pub fn is_empty(value: &Value) -> bool {
    match &value.data {
        Data::Null | Data::Bool(false) | Data::Int(0) => true,
        Data::Float(it) => *it == 0.0,
        Data::Text(text) => text.is_empty(),
        Data::List(items) => items.is_empty(),
        Data::Map(map) => map.is_empty(),
        Data::Bool(true) | Data::Int(_) | Data::Uint(_) | Data::Masked(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((rows::<2>(TABLE).count(), FIELDS.len()), (lines, lines));
    }

    #[test]
    fn pointers_keep_what_plain_fields_lose() {
        let fate = |path: &[&str]| fate(&Path::of_fields(path.iter().copied()));
        assert_eq!(fate(&["spec", "replicas"]), Empty::Kept);
        assert_eq!(fate(&["spec", "paused"]), Empty::Dropped);
        assert_eq!(fate(&["spec", "template", "spec", "containers", "env", "value"]), Empty::Dropped);
        assert_eq!(fate(&["spec", "containers", "securityContext", "runAsUser"]), Empty::Kept);
        assert_eq!(fate(&["type"]), Empty::Dropped);
        assert_eq!(fate(&["spec", "storageClassName"]), Empty::Open);
    }
}
