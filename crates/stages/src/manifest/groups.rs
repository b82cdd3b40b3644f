//! Many objects in little space.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use super::ObjectId;
use weft_schema::GroupKind;

/// A set of objects. Releases have the same names in many kinds, so that it holds which names of a namespace are those of
/// which kinds, and not each object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectSet {
    groups: Vec<ObjectGroup>,
}

/// Objects of a namespace: those of each of these kinds with each of these names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectGroup {
    /// The namespace; `None` for objects of the whole cluster.
    pub namespace: Option<String>,
    /// The names.
    pub names: Vec<String>,
    /// The kinds. A kind is in one group of a namespace.
    pub kinds: Vec<GroupKind>,
}

impl ObjectSet {
    /// The groups, sorted, as what they hold is.
    pub fn groups(&self) -> &[ObjectGroup] {
        &self.groups
    }

    /// Whether it has an object.
    pub fn contains(&self, id: &ObjectId) -> bool {
        let from = self.groups.partition_point(|it| it.namespace < id.namespace);
        let mut there = self.groups[from..].iter().take_while(|it| it.namespace == id.namespace);
        there.any(|it| it.kinds.binary_search(&id.kind).is_ok() && it.names.binary_search(&id.name).is_ok())
    }

    /// All objects.
    pub fn ids(&self) -> impl Iterator<Item = ObjectId> {
        self.groups.iter().flat_map(ObjectGroup::ids)
    }

    /// How many objects it has.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|it| it.names.len() * it.kinds.len()).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ObjectGroup {
    fn ids(&self) -> impl Iterator<Item = ObjectId> {
        self.kinds.iter().flat_map(|kind| {
            let id =
                |name: &String| ObjectId { kind: kind.clone(), namespace: self.namespace.clone(), name: name.clone() };
            self.names.iter().map(id)
        })
    }
}

impl From<Vec<ObjectGroup>> for ObjectSet {
    fn from(mut groups: Vec<ObjectGroup>) -> Self {
        for group in &mut groups {
            group.names.sort_unstable();
            group.kinds.sort_unstable();
        }
        groups.sort_unstable();
        Self { groups }
    }
}

impl<T: Borrow<ObjectId>> FromIterator<T> for ObjectSet {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        let ids: Vec<T> = ids.into_iter().collect();
        let mut names: BTreeMap<_, BTreeSet<&String>> = BTreeMap::new();
        for id in ids.iter().map(Borrow::borrow) {
            names.entry((&id.namespace, &id.kind)).or_default().insert(&id.name);
        }
        let mut groups: BTreeMap<_, Vec<GroupKind>> = BTreeMap::new();
        for ((namespace, kind), names) in names {
            groups.entry((namespace, names)).or_default().push(kind.clone());
        }
        let group = |((namespace, names), kinds): ((&Option<String>, BTreeSet<&String>), _)| ObjectGroup {
            namespace: namespace.clone(),
            names: names.into_iter().cloned().collect(),
            kinds,
        };
        groups.into_iter().map(group).collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    fn ids() -> Vec<ObjectId> {
        let kinds = ["/Namespace", "/ConfigMap", "apps/Deployment", "apps/ConfigMap"];
        let kind =
            |it: &str| it.split_once('/').map(|(group, kind)| GroupKind { group: group.into(), kind: kind.into() });
        let kinds = kinds.into_iter().filter_map(kind);
        let places =
            [None, Some("a"), Some("b")].into_iter().flat_map(|it| ["one", "one-more", "two"].map(|name| (it, name)));
        let places: Vec<_> = places.collect();
        let id = |kind: GroupKind, (namespace, name): &(Option<&str>, &str)| ObjectId {
            kind,
            namespace: namespace.map(str::to_owned),
            name: (*name).to_owned(),
        };
        kinds.flat_map(|kind| places.iter().map(move |place| id(kind.clone(), place)).collect::<Vec<_>>()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_set(some in subsequence(ids(), 0..=36).prop_shuffle(), again in select(ids())) {
            let set: ObjectSet = some.iter().chain(&some).collect();
            prop_assert_eq!(set.len(), some.len());
            prop_assert_eq!(set.is_empty(), some.is_empty());
            prop_assert_eq!(set.ids().collect::<BTreeSet<_>>(), some.iter().cloned().collect());
            prop_assert_eq!(set.contains(&again), some.contains(&again));
            let mut turned = set.groups().to_vec();
            turned.reverse();
            prop_assert_eq!(ObjectSet::from(turned), set);
        }
    }

    #[test]
    fn kinds_with_the_same_names_are_one_group() {
        let all: ObjectSet = ids().iter().collect();
        assert_eq!(all.groups().iter().map(|it| (it.names.len(), it.kinds.len())).collect::<Vec<_>>(), [(3, 4); 3]);
    }
}
