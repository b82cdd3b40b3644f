//! Values that somebody set and nobody reads: most often a typing error.

use std::collections::BTreeSet;

use super::Values;
use weft_base::value::{Origin, Path};

/// A leaf that a user set and that no template read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// The release, or the first of those that share the value.
    pub release: String,
    /// Which leaf.
    pub path: Path,
    /// Where it is set.
    pub origin: Origin,
}

/// The unread leaves of an environment; each release comes with its values and the leaves that its templates did not
/// read. What is set once for several releases counts as read where any of them reads it.
pub fn unread<'a>(releases: impl IntoIterator<Item = (&'a str, &'a Values, &'a [Path])>) -> Vec<Unread> {
    let mut read = BTreeSet::new();
    let mut found: Vec<Unread> = Vec::new();
    for (release, values, unread) in releases {
        for (path, origin) in &values.set_by_user {
            if !unread.contains(path) {
                read.insert(origin.to_string());
            } else if !found.iter().any(|it| it.origin == *origin && it.path == *path) {
                found.push(Unread { release: release.to_owned(), path: path.clone(), origin: origin.clone() });
            }
        }
    }
    found.retain(|it| !read.contains(&it.origin.to_string()));
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use weft_base::value::Mark;

    fn leaf(name: &str, line: u32) -> (Path, Origin) {
        (Path::of_fields([name]), Origin::new(&Arc::new("environment.yaml".to_owned()), Mark { line, column: 1 }))
    }

    #[test]
    fn a_shared_value_is_read_when_any_release_reads_it() {
        let values = |leaves: &[(Path, Origin)]| Values { set_by_user: leaves.to_vec(), ..Values::default() };
        let shared = leaf("domain", 1);
        let typo = leaf("domian", 2);
        let one = values(&[shared.clone(), typo.clone()]);
        let two = values(std::slice::from_ref(&shared));
        let found = unread([("one", &one, &[shared.0, typo.0.clone()][..]), ("two", &two, &[][..])]);
        assert_eq!(found, [Unread { release: "one".to_owned(), path: typo.0, origin: typo.1 }]);
    }
}
