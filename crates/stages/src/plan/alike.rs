//! Finds new objects that are old ones under another name.
//!
//! Two objects are alike if they share four fifths of their leaves, and a namespace or a name. Comparing every pair
//! would take quadratic time, so only candidates are compared: two sets that share four fifths of their members also
//! share one of the few rarest members of each. If very many objects contain a leaf, only those at about the same
//! position among them are compared.

use std::collections::{BTreeSet, HashMap};

use crate::diff::holds_secret;
use crate::manifest::ObjectId;
use weft_base::value::{Data, Value};

/// Two objects are alike from this share of equal leaves on, in parts of [`WHOLE`].
const SHARE: usize = 4;
const WHOLE: usize = 5;
/// With how many old objects a new one is compared for each of its rarest leaves, and in all.
const NEIGHBOURS: usize = 32;
const COMPARED: usize = 128;

/// An object that may be the same as another one.
pub(super) struct Candidate<'a> {
    id: &'a ObjectId,
    leaves: BTreeSet<String>,
}

impl<'a> Candidate<'a> {
    /// An object with what it was written as.
    pub(super) fn new(id: &'a ObjectId, content: Option<&Value>) -> Self {
        Self { id, leaves: content.map(leaves_of).unwrap_or_default() }
    }

    /// Where objects have to be for this one to be compared with them.
    fn neighbourhoods(&self) -> [Neighbourhood<'a>; 2] {
        [Neighbourhood::Namespace(self.id.namespace.as_deref()), Neighbourhood::Name(&self.id.name)]
    }
}

/// A leaf as a number: the rarer, the lower.
type Leaf = usize;

/// What two objects have in common that are compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Neighbourhood<'a> {
    Namespace(Option<&'a str>),
    Name(&'a str),
}

/// The new and the old objects that are the same, by their places. Those that share most are paired first, then those
/// that come first.
pub(super) fn pairs(new: &[Candidate<'_>], old: &[Candidate<'_>]) -> Vec<(usize, usize)> {
    let mut pairing = Pairing::new(new, old);
    pairing.equal();
    pairing.similar();
    pairing.pairs
}

struct Pairing<'a> {
    new: &'a [Candidate<'a>],
    old: &'a [Candidate<'a>],
    new_leaves: Vec<Vec<Leaf>>,
    old_leaves: Vec<Vec<Leaf>>,
    is_new_paired: Vec<bool>,
    is_old_paired: Vec<bool>,
    pairs: Vec<(usize, usize)>,
    /// How many objects were looked at for another one.
    compared: usize,
}

impl<'a> Pairing<'a> {
    fn new(new: &'a [Candidate<'a>], old: &'a [Candidate<'a>]) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for leaf in old.iter().chain(new).flat_map(|it| &it.leaves) {
            *counts.entry(leaf).or_default() += 1;
        }
        let mut order: Vec<(usize, &str)> = counts.into_iter().map(|(leaf, count)| (count, leaf)).collect();
        order.sort_unstable();
        let numbers: HashMap<&str, Leaf> =
            order.iter().enumerate().map(|(number, (_, leaf))| (*leaf, number)).collect();
        let numbered = |it: &Candidate<'_>| {
            let mut leaves: Vec<Leaf> =
                it.leaves.iter().filter_map(|leaf| numbers.get(leaf.as_str()).copied()).collect();
            leaves.sort_unstable();
            leaves
        };
        Self {
            new,
            old,
            new_leaves: new.iter().map(numbered).collect(),
            old_leaves: old.iter().map(numbered).collect(),
            is_new_paired: vec![false; new.len()],
            is_old_paired: vec![false; old.len()],
            pairs: Vec::new(),
            compared: 0,
        }
    }

    fn pair(&mut self, new: usize, old: usize) {
        self.is_new_paired[new] = true;
        self.is_old_paired[old] = true;
        self.pairs.push((new, old));
    }

    /// Pairs objects with the same leaves.
    fn equal(&mut self) {
        let mut places: HashMap<(&[Leaf], Neighbourhood<'a>), Vec<usize>> = HashMap::new();
        let mut paired: Vec<(usize, usize)> = Vec::new();
        // The last one of each list is the first one of the objects.
        for (at, leaves) in self.old_leaves.iter().enumerate().rev().filter(|(_, leaves)| !leaves.is_empty()) {
            for neighbourhood in self.old[at].neighbourhoods() {
                places.entry((leaves, neighbourhood)).or_default().push(at);
            }
        }
        let mut is_paired = vec![false; self.old.len()];
        for (at, leaves) in self.new_leaves.iter().enumerate() {
            let mut first: Option<usize> = None;
            for neighbourhood in self.new[at].neighbourhoods() {
                let Some(there) = places.get_mut(&(leaves.as_slice(), neighbourhood)) else { continue };
                while there.pop_if(|old| is_paired[*old]).is_some() {
                    self.compared += 1;
                }
                self.compared += 1;
                first = first.into_iter().chain(there.last().copied()).min();
            }
            if let Some(old) = first {
                is_paired[old] = true;
                paired.push((at, old));
            }
        }
        for (new, old) in paired {
            self.pair(new, old);
        }
    }

    /// Pairs objects that share most of their leaves.
    fn similar(&mut self) {
        let mut found: Vec<(SharedLeaves, usize, usize)> = Vec::new();
        let index = LeafIndex::new(self);
        for new in (0..self.new.len()).filter(|at| !self.is_new_paired[*at]) {
            for old in index.around(self, new) {
                self.compared += 1;
                let shared = SharedLeaves::count(&self.new_leaves[new], &self.old_leaves[old]);
                if shared.is_alike() {
                    found.push((shared, new, old));
                }
            }
        }
        found.sort_by(|(a, ..), (b, ..)| b.share().total_cmp(&a.share()));
        for (_, new, old) in found {
            if !self.is_new_paired[new] && !self.is_old_paired[old] {
                self.pair(new, old);
            }
        }
    }
}

/// The objects that are not paired, by their rarest leaves.
struct LeafIndex<'a> {
    old: HashMap<(Leaf, Neighbourhood<'a>), Vec<usize>>,
    new: HashMap<(Leaf, Neighbourhood<'a>), Vec<usize>>,
}

impl<'a> LeafIndex<'a> {
    fn new(pairing: &Pairing<'a>) -> Self {
        let index = |objects: &[Candidate<'a>], leaves: &[Vec<Leaf>], is_paired: &[bool]| {
            let mut places: HashMap<(Leaf, Neighbourhood<'a>), Vec<usize>> = HashMap::new();
            for at in (0..objects.len()).filter(|at| !is_paired[*at]) {
                for leaf in rarest(&leaves[at]) {
                    for neighbourhood in objects[at].neighbourhoods() {
                        places.entry((*leaf, neighbourhood)).or_default().push(at);
                    }
                }
            }
            places
        };
        Self {
            old: index(pairing.old, &pairing.old_leaves, &pairing.is_old_paired),
            new: index(pairing.new, &pairing.new_leaves, &pairing.is_new_paired),
        }
    }

    /// The old objects with which a new one is compared, in their order.
    fn around(&self, pairing: &Pairing<'a>, new: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for leaf in rarest(&pairing.new_leaves[new]) {
            for neighbourhood in pairing.new[new].neighbourhoods() {
                let place = (*leaf, neighbourhood);
                let (Some(old), Some(news)) = (self.old.get(&place), self.new.get(&place)) else { continue };
                found.extend(beside(old, news, new));
            }
            if found.len() >= COMPARED {
                break;
            }
        }
        found
    }
}

/// Those of many old objects that are in about the same place among them as a new one is among the new ones: what was
/// renamed mostly has a name that sorts as the one before.
fn beside<'o>(old: &'o [usize], news: &[usize], new: usize) -> &'o [usize] {
    if old.len() <= NEIGHBOURS {
        return old;
    }
    let rank = news.partition_point(|it| *it < new);
    let middle = rank * old.len() / news.len().max(1);
    let start = middle.saturating_sub(NEIGHBOURS / 2).min(old.len() - NEIGHBOURS);
    &old[start..start + NEIGHBOURS]
}

/// The leaves of which another object must have one, and among its own such, to be alike.
fn rarest(leaves: &[Leaf]) -> &[Leaf] {
    let needed = (leaves.len() * SHARE).div_ceil(WHOLE);
    &leaves[..(leaves.len() + 1).saturating_sub(needed).min(leaves.len())]
}

/// How much two objects share.
#[derive(Clone, Copy)]
struct SharedLeaves {
    both: usize,
    all: usize,
}

impl SharedLeaves {
    fn count(a: &[Leaf], b: &[Leaf]) -> Self {
        let mut both = 0;
        let mut rest = b;
        for leaf in a {
            let smaller = rest.iter().take_while(|other| *other < leaf).count();
            rest = &rest[smaller..];
            both += usize::from(rest.first() == Some(leaf));
        }
        Self { both, all: a.len() + b.len() - both }
    }

    fn is_alike(self) -> bool {
        self.all > 0 && self.both * WHOLE >= self.all * SHARE
    }

    #[allow(clippy::cast_precision_loss, reason = "no object has that many fields")]
    fn share(self) -> f64 {
        self.both as f64 / self.all as f64
    }
}

/// The leaves of an object beside its metadata and status, each with its path. A secret counts by its path alone.
fn leaves_of(body: &Value) -> BTreeSet<String> {
    let name = body.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
    let mut found = BTreeSet::new();
    for entry in body.as_map().into_iter().flatten() {
        if !matches!(entry.key.as_str(), "apiVersion" | "kind" | "metadata" | "status") {
            collect(&entry.key, &entry.value, name, &mut found);
        }
    }
    found
}

fn collect(path: &str, value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match &value.data {
        Data::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(&format!("{path}/{at}"), item, name, found));
        }
        Data::Map(map) if map.is_empty() => drop(found.insert(format!("{path} is there"))),
        Data::Map(map) => map.iter().for_each(|it| collect(&format!("{path}/{}", it.key), &it.value, name, found)),
        // A live object that is shown holds fingerprints.
        Data::Text(text) if text.starts_with("(secret ") => drop(found.insert(format!("{path} is there"))),
        _ if holds_secret(value) => drop(found.insert(format!("{path} is there"))),
        // A field that repeats the object's name is renamed with it.
        Data::Text(text) if text == name => drop(found.insert(format!("{path} is the name"))),
        _ => drop(found.insert(format!("{path} = {value:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use weft_schema::GroupKind;

    fn id(namespace: &str, name: String) -> ObjectId {
        let kind = GroupKind { group: String::new(), kind: "ConfigMap".to_owned() };
        ObjectId { kind, namespace: Some(namespace.to_owned()), name }
    }

    fn candidates(objects: &[(ObjectId, BTreeSet<String>)]) -> Vec<Candidate<'_>> {
        objects.iter().map(|(id, leaves)| Candidate { id, leaves: leaves.clone() }).collect()
    }

    /// What pairing means: each new object is compared with each old one.
    fn each_with_each(new: &[Candidate<'_>], old: &[Candidate<'_>]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for (ours, a) in new.iter().enumerate() {
            for (theirs, b) in old.iter().enumerate() {
                let is_near = a.id.namespace == b.id.namespace || a.id.name == b.id.name;
                let both = a.leaves.intersection(&b.leaves).count();
                let shared = SharedLeaves { both, all: a.leaves.union(&b.leaves).count() };
                if is_near && shared.is_alike() {
                    all.push((shared.share(), ours, theirs));
                }
            }
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for (_, ours, theirs) in all {
            if pairs.iter().all(|(a, b)| *a != ours && *b != theirs) {
                pairs.push((ours, theirs));
            }
        }
        pairs
    }

    fn objects() -> impl Strategy<Value = Vec<(ObjectId, BTreeSet<String>)>> {
        let leaves = proptest::collection::btree_set("[a-h]", 0..8);
        let object = ("[xy]", "[m-p]", leaves).prop_map(|(space, name, leaves)| (id(&space, name), leaves));
        proptest::collection::vec(object, 0..24)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

        #[test]
        fn few_objects_are_paired_as_if_each_were_compared_with_each(new in objects(), old in objects()) {
            let new = candidates(&new);
            let old = candidates(&old);
            prop_assert_eq!(pairs(&new, &old), each_with_each(&new, &old));
        }
    }

    /// Objects with some leaves that all have, and some of their own.
    fn many(count: usize, name: &str, common: usize, own: &[&str]) -> Vec<(ObjectId, BTreeSet<String>)> {
        let leaves = |at: usize| {
            let shared = (0..common).map(|leaf| format!("shared {leaf}"));
            shared.chain(own.iter().map(|own| format!("{own} {at:05}"))).collect()
        };
        (0..count).map(|at| (id("x", format!("{name}-{at:05}")), leaves(at))).collect()
    }

    /// Comparing each with each would be sixteen times as much work for four times as many objects.
    #[test]
    fn the_work_of_pairing_grows_with_the_objects() {
        let cases: [(usize, &[&str], &[&str]); 4] = [
            (8, &[], &[]),
            (8, &["index"], &["index"]),
            (10, &["old host"], &["new host"]),
            (3, &["a", "b", "c", "d", "old host"], &["a", "b", "c", "d", "new host"]),
        ];
        for (common, theirs, ours) in cases {
            let compared = |count: usize| {
                let old = many(count, "o", common, theirs);
                let new = many(count, "n", common, ours);
                let new = candidates(&new);
                let old = candidates(&old);
                let mut pairing = Pairing::new(&new, &old);
                pairing.equal();
                pairing.similar();
                assert_eq!(pairing.pairs.len(), if common == 3 { 0 } else { count });
                assert!(pairing.pairs.iter().all(|(new, old)| new == old));
                pairing.compared
            };
            let few = compared(500);
            let many = compared(2_000);
            assert!(many <= 5 * few, "{few} for 500 objects, {many} for 2,000");
        }
    }
}
