//! The algebra of sets of fields: structured-merge-diff's, in which a path and those below it are members of their own.

use super::FieldSet;
use crate::Type;
use weft_base::value::Step;

impl FieldSet {
    /// The paths of either set.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.add(other);
        self
    }

    /// Adds all paths of another set.
    pub fn add(&mut self, other: &Self) {
        self.member |= other.member;
        if self.branches.is_empty() {
            self.branches.clone_from(&other.branches);
            return;
        }
        for (step, below) in &other.branches {
            match self.find(step) {
                Ok(at) => self.branches[at].1.add(below),
                Err(at) => self.branches.insert(at, (step.clone(), below.clone())),
            }
        }
    }

    /// The paths that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let below = |step: &Step, mine: &Self| other.step(step).map(|theirs| mine.intersection(theirs));
        Self { member: self.member && other.member, branches: self.kept(below) }
    }

    /// The paths of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let below = |step: &Step, mine: &Self| {
            Some(other.step(step).map_or_else(|| mine.clone(), |theirs| mine.difference(theirs)))
        };
        Self { member: self.member && !other.member, branches: self.kept(below) }
    }

    /// The paths of this set that neither are in the other nor lie below one that is.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let below = |step: &Step, mine: &Self| match other.step(step) {
            None => Some(mine.clone()),
            Some(theirs) if theirs.member => None,
            Some(theirs) => Some(mine.recursive_difference(theirs)),
        };
        Self { member: self.member && !other.member, branches: self.kept(below) }
    }

    /// This set with the declared fields that lead to its paths: one that has `spec.replicas` gets `spec`. The keys of
    /// free maps and the items of lists are not added.
    #[must_use]
    pub fn with_named_fields(&self, shape: Option<Type<'_>>) -> Self {
        let map = shape.and_then(Type::map);
        let list = shape.and_then(Type::list);
        let branches = self.branches.iter().map(|(step, below)| {
            let (declared, shape) = match step {
                Step::Field(name) => (map.is_some_and(|map| map.declares(name)), map.and_then(|map| map.field(name))),
                Step::Item(_) => (false, list.map(|list| list.item)),
                Step::Member(_) | Step::Index(_) => (false, None),
            };
            let below = below.with_named_fields(shape);
            (step.clone(), Self { member: below.member || declared, ..below })
        });
        Self { member: self.member, branches: branches.collect() }
    }

    /// The paths that have no other path of the set below them.
    #[must_use]
    pub fn only_leaves(&self) -> Self {
        let member = self.member && self.branches.is_empty();
        Self { member, branches: self.kept(|_, below| Some(below.only_leaves())) }
    }

    fn kept(&self, below: impl Fn(&Step, &Self) -> Option<Self>) -> Vec<(Step, Self)> {
        let kept = self.branches.iter().filter_map(|(step, mine)| {
            let rest = below(step, mine)?;
            (!rest.is_empty()).then(|| (step.clone(), rest))
        });
        kept.collect()
    }
}
