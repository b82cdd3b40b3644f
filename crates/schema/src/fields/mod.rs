//! Sets of fields, as `metadata.managedFields` holds them.

mod algebra;
mod codec;
pub mod element;
mod error;
mod owned;

pub use self::error::FieldsError;
pub use self::owned::Fields;
use weft_base::value::{Path, Step};

/// A set of paths, as a trie whose branches stand in the server's order. The empty path is never in it: nobody owns an
/// object as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether the path that leads here is in the set itself.
    pub member: bool,
    /// What follows, sorted by step; no branch is empty.
    branches: Vec<(Step, FieldSet)>,
}

impl FieldSet {
    /// The set of one node, with nothing below it.
    pub fn whole() -> Self {
        Self { member: true, branches: Vec::new() }
    }

    /// The same node, itself a member or not.
    #[must_use]
    pub fn with_member(self, member: bool) -> Self {
        Self { member, ..self }
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        !self.member && self.branches.is_empty()
    }

    /// How many paths are in the set.
    pub fn len(&self) -> usize {
        usize::from(self.member) + self.branches.iter().map(|(_, below)| below.len()).sum::<usize>()
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &Path) {
        if !path.0.is_empty() {
            path.0.iter().fold(self, |node, step| node.descend(step)).member = true;
        }
    }

    /// The node after one step, put there where it is missing; the caller has to put something into it.
    fn descend(&mut self, step: &Step) -> &mut Self {
        let at = self.find(step).unwrap_or_else(|at| {
            self.branches.insert(at, (step.clone(), Self::default()));
            at
        });
        &mut self.branches[at].1
    }

    /// Adds what is below a step.
    pub fn attach(&mut self, step: Step, below: Self) {
        if below.is_empty() {
            return;
        }
        match self.find(&step) {
            Ok(at) => self.branches[at].1.add(&below),
            Err(at) => self.branches.insert(at, (step, below)),
        }
    }

    /// Readers and walks mostly come in order: then the place is the end.
    fn find(&self, step: &Step) -> Result<usize, usize> {
        match self.branches.last() {
            Some((last, _)) if last < step => Err(self.branches.len()),
            _ => self.branches.binary_search_by(|(it, _)| it.cmp(step)),
        }
    }

    /// The node that a path leads to.
    pub fn node(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.step(step))
    }

    /// The node after one step.
    pub fn step(&self, step: &Step) -> Option<&Self> {
        self.find(step).ok().map(|at| &self.branches[at].1)
    }

    /// The node below a field.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let found = self.branches.binary_search_by(|(step, _)| match step {
            Step::Field(field) => field.as_str().cmp(name),
            _ => std::cmp::Ordering::Greater,
        });
        found.ok().map(|at| &self.branches[at].1)
    }

    /// What follows, in the server's order.
    pub fn branches(&self) -> impl ExactSizeIterator<Item = (&Step, &Self)> {
        self.branches.iter().map(|(step, below)| (step, below))
    }

    /// Whether the path that leads here is in the set itself.
    pub fn is_member(&self) -> bool {
        self.member
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

    /// Whether nothing follows: a scalar, or a list or map that nobody divides.
    pub fn is_leaf(&self) -> bool {
        self.branches.is_empty()
    }

    /// Whether the node is owned as a whole: a scalar, or a list or map that nobody divides.
    pub fn is_whole(&self) -> bool {
        self.member && self.is_leaf()
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
            if node.is_leaf() {
                out.push(path.clone());
            }
        });
        out
    }

    fn collect(&self, path: &Path, found: &mut dyn FnMut(&Path, &Self)) {
        if self.member {
            found(path, self);
        }
        for (step, below) in &self.branches {
            below.collect(&path.then(step.clone()), found);
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
        assert_eq!(owned.len(), 3);
    }

    #[test]
    fn nobody_owns_an_object_as_a_whole() {
        assert!([Path::root()].into_iter().collect::<FieldSet>().is_empty());
    }
}
