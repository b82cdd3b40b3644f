//! Sets of fields, as `metadata.managedFields` holds them.

mod codec;
pub mod element;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::value::{Path, Step};

/// A set of paths, as a trie. The keys of the nodes are steps as [`element::encode`] writes them, which makes them
/// comparable: two steps are the same where their texts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether the path that leads here is in the set itself.
    pub(in crate::diff) member: bool,
    /// What follows, by the text of the step.
    pub(in crate::diff) children: BTreeMap<String, FieldSet>,
}

/// A set of fields that cannot be read.
#[derive(Debug, Error)]
pub enum FieldsError {
    /// The JSON within a step is broken.
    #[error("the field `{element}` is not valid")]
    Element {
        /// The step.
        element: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The JSON within a step is not what its prefix says.
    #[error("the field `{element}` is not valid")]
    Shape {
        /// The step.
        element: String,
    },
    /// A node is no map.
    #[error("a set of fields has a node of kind `{kind}`")]
    Node {
        /// What it is.
        kind: &'static str,
    },
}

impl FieldSet {
    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Self::is_empty)
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &Path) {
        let node = path.0.iter().fold(self, |node, step| node.children.entry(element::encode(step)).or_default());
        node.member = true;
    }

    /// The node that a path leads to.
    pub fn node(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.step(step))
    }

    /// The node after one step.
    pub fn step(&self, step: &Step) -> Option<&Self> {
        self.children.get(&element::encode(step))
    }

    /// The node below a field.
    pub fn field(&self, name: &str) -> Option<&Self> {
        self.children.get(&format!("f:{name}"))
    }

    /// Whether exactly this path is in the set.
    pub fn contains(&self, path: &Path) -> bool {
        self.node(path).is_some_and(|node| node.member)
    }

    /// Whether the set owns the node at a path: as a member, as part of a whole that is one (an atomic list), or by
    /// anything below it.
    pub fn owns(&self, path: &Path) -> bool {
        let mut node = self;
        for step in &path.0 {
            match node.step(step) {
                Some(next) => node = next,
                None => return node.is_whole(),
            }
        }
        !node.is_empty()
    }

    /// Whether the node is owned as a whole: a scalar, or a list or map that nobody divides.
    pub fn is_whole(&self) -> bool {
        self.member && self.children.is_empty()
    }

    /// The paths of either set.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.add(other);
        self
    }

    /// Adds all paths of another set.
    pub fn add(&mut self, other: &Self) {
        self.member |= other.member;
        for (key, child) in &other.children {
            self.children.entry(key.clone()).or_default().add(child);
        }
    }

    /// The paths of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Self { member: self.member && !other.member, ..Self::default() };
        for (key, child) in &self.children {
            let rest = other.children.get(key).map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            if !rest.is_empty() {
                out.children.insert(key.clone(), rest);
            }
        }
        out
    }

    /// All paths of the set, in order.
    pub fn paths(&self) -> Vec<Path> {
        let mut out = Vec::new();
        self.collect(&Path::root(), &mut |path, _| out.push(path.clone()));
        out
    }

    /// The paths that have no other path of the set below them.
    pub fn leaves(&self) -> Vec<Path> {
        let mut out = Vec::new();
        self.collect(&Path::root(), &mut |path, node| {
            if node.children.is_empty() {
                out.push(path.clone());
            }
        });
        out
    }

    fn collect(&self, path: &Path, found: &mut dyn FnMut(&Path, &Self)) {
        if self.member {
            found(path, self);
        }
        for (key, child) in &self.children {
            // A key that does not decode was never put in: `insert` encodes, and the codec refuses it.
            if let Ok(Some(step)) = element::decode(key) {
                child.collect(&path.then(step), found);
            }
        }
    }
}

impl FromIterator<Path> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        let mut set = Self::default();
        paths.into_iter().for_each(|path| set.insert(&path));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&[&str]]) -> FieldSet {
        paths.iter().map(|p| Path::of_fields(p.iter().copied())).collect()
    }

    #[test]
    fn a_set_owns_what_is_within_a_whole_and_what_it_reaches_into() {
        let owned = set(&[&["spec", "args"], &["spec", "labels", "a"]]);
        assert!(owned.owns(&Path::of_fields(["spec", "args"]).index(1)));
        assert!(owned.owns(&Path::of_fields(["spec", "labels"])));
        assert!(!owned.owns(&Path::of_fields(["spec", "labels", "b"])));
        assert!(!owned.contains(&Path::of_fields(["spec", "labels"])));
    }

    #[test]
    fn leaves_leave_out_what_leads_to_others() {
        let owned = set(&[&["labels"], &["labels", "a"], &["replicas"]]);
        let leaves: Vec<String> = owned.leaves().iter().map(ToString::to_string).collect();
        assert_eq!(leaves, ["labels.a", "replicas"]);
        assert_eq!(owned.paths().len(), 3);
    }
}
