//! A read-only tree of paths and bytes: what a project or a chart is, wherever it came from.

pub mod archive;
mod place;
pub mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::diagnostic::{Diagnose, Kind};
use crate::value::{Mark, Origin};

/// Files by their path: relative, with `/` between the parts and without `.` or `..`.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, Arc<[u8]>>,
}

/// Why a path or a file of a tree cannot be used.
#[derive(Debug, Error)]
pub enum TreeError {
    /// A path leaves the tree.
    #[error("the path `{path}` leaves the repository")]
    Outside {
        /// The path as it was written.
        path: String,
    },
    /// No such file.
    #[error("there is no file `{path}`")]
    Missing {
        /// The path.
        path: String,
    },
    /// The file is not UTF-8.
    #[error("`{path}` is not UTF-8 text: byte {offset} starts no character")]
    NotText {
        /// The path.
        path: String,
        /// The offset of the first wrong byte.
        offset: usize,
        /// Its line and column.
        origin: Origin,
    },
}

impl TreeError {
    /// The error about bytes that are no text from `offset` on.
    pub fn not_text(path: &str, bytes: &[u8], offset: usize) -> Self {
        let before = String::from_utf8_lossy(&bytes[..offset]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mark = Mark { line: clamp(line), column: clamp(column) };
        Self::NotText { path: path.to_owned(), offset, origin: Origin::new(&Arc::new(path.to_owned()), mark) }
    }
}

impl Diagnose for TreeError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::NotText { origin, .. } => Some(origin),
            Self::Outside { .. } | Self::Missing { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Outside { .. } => "Only files of the repository are read; copy the file into it.".into(),
            Self::Missing { path } => format!("Create `{path}`, or correct the name where it is used."),
            Self::NotText { .. } => "Save the file as UTF-8.".into(),
        })
    }
}

impl Tree {
    /// A tree of these files. Paths must be normal; see [`join`].
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self { files: files.into_iter().map(|(path, bytes)| (path, bytes.into())).collect() }
    }

    /// This tree with the files of another; the other's win.
    #[must_use]
    pub fn with(mut self, other: Tree) -> Self {
        self.files.extend(other.files);
        self
    }

    /// This tree without the files whose paths `leaves` says yes to.
    #[must_use]
    pub fn without(mut self, leaves: impl Fn(&str) -> bool) -> Self {
        self.files.retain(|path, _| !leaves(path));
        self
    }

    /// The part below a folder, with paths relative to it; the empty path is the root. The bytes are shared.
    #[must_use]
    pub fn below(&self, folder: &str) -> Tree {
        if folder.is_empty() {
            return self.clone();
        }
        let prefix = format!("{folder}/");
        let files = self
            .files
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(path, bytes)| (path[prefix.len()..].to_owned(), Arc::clone(bytes)))
            .collect();
        Tree { files }
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(AsRef::as_ref)
    }

    /// The bytes of a file, shared.
    pub fn shared(&self, path: &str) -> Option<Arc<[u8]>> {
        self.files.get(path).cloned()
    }

    /// The text of a file, without a byte order mark.
    pub fn text(&self, path: &str) -> Result<&str, TreeError> {
        let bytes = self.bytes(path).ok_or_else(|| TreeError::Missing { path: path.to_owned() })?;
        let text = std::str::from_utf8(bytes).map_err(|wrong| TreeError::not_text(path, bytes, wrong.valid_up_to()))?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Whether a file is there.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether a folder holds any file; the empty path is the root.
    pub fn has_folder(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return !self.is_empty();
        }
        let prefix = format!("{folder}/");
        self.files.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// The paths of all files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// All files with their paths, sorted.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), &**bytes))
    }

    /// The paths whose bytes are not the same in both, or that only one of them has.
    pub fn differing(&self, other: &Tree) -> BTreeSet<String> {
        let other_has = |path: &str, bytes: &Arc<[u8]>| other.files.get(path).is_some_and(|it| it == bytes);
        let own = self.files.iter().filter(|(path, bytes)| !other_has(path, bytes)).map(|(path, _)| path);
        own.chain(other.files.keys().filter(|path| !self.files.contains_key(*path))).cloned().collect()
    }

    /// The files at or below a path, with their paths from the root of this tree, sorted.
    pub fn at(&self, path: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let itself = self.files.get_key_value(path);
        let below = self.files.range(prefix.clone()..).take_while(move |(path, _)| path.starts_with(&prefix));
        itself.into_iter().chain(below).map(|(path, bytes)| (path.as_str(), &**bytes))
    }

    /// Whether it holds no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The normal form of `path` as written in a file of `folder`: relative to that folder, or to the root after a `/`.
pub fn join(folder: &str, path: &str) -> Result<String, TreeError> {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    parts.retain(|p| !p.is_empty());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| TreeError::Outside { path: path.to_owned() })?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(join("environments/dev", "../shared/x.yaml").unwrap(), "environments/shared/x.yaml");
        assert_eq!(join("environments/dev", "/charts/app").unwrap(), "charts/app");
        assert_eq!(
            join("a", "../../etc/passwd").unwrap_err().to_string(),
            "the path `../../etc/passwd` leaves the repository"
        );
    }

    #[test]
    fn a_wrong_byte_is_named_with_its_place() {
        let tree = Tree::new([("a.yaml".to_owned(), b"a: 1\nb: \xff\n".to_vec())]);
        let error = tree.text("a.yaml").unwrap_err();
        assert_eq!(error.origin().unwrap().to_string(), "a.yaml:2:4");
    }
}
