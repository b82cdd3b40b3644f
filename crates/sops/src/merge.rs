//! Three-way merges of decrypted files, key by key.

use std::collections::BTreeSet;
use std::fmt;

use similar::{MergeResolution, TextMerge};

use super::difference::numbered;
use weft_base::value::{Data, Entry, Map, Path, Step, Value};

/// What came out of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The content. Where both sides differ, it is what our side has.
    pub value: Value,
    /// Where both sides differ, in the order of the content; empty for a merge that is whole.
    pub conflicts: Vec<Conflict>,
}

/// A place that both sides changed, each in another way. It tells no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Where.
    pub path: Path,
    /// What the two sides did.
    pub clash: Clash,
}

/// What the two sides of a merge did to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// Both changed it.
    Changed,
    /// Both added it.
    Added,
    /// Our side removed it, and theirs changed it.
    RemovedByUs,
    /// Our side changed it, and theirs removed it.
    RemovedByThem,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed on both sides",
            Self::Added => "added on both sides",
            Self::RemovedByUs => "removed by us, changed by them",
            Self::RemovedByThem => "changed by us, removed by them",
        })
    }
}

/// Merges what two sides made of `base`; an empty map where they have nothing in common.
///
/// Maps merge by key at any depth, documents of a file by their place. Of a list each run of items that only one side changed is taken from that side, and
/// where both changed the same run, the whole list is in conflict, as nothing says in which order its items belong. A
/// change and its like on the other side are one change; a removal beside a change is a conflict.
pub fn merge(base: &Value, ours: &Value, theirs: &Value) -> Merged {
    let mut merger = Merger { path: Path::root(), conflicts: Vec::new() };
    let value = merger.node(Some(base), Some(ours), Some(theirs)).unwrap_or_default();
    Merged { value, conflicts: merger.conflicts }
}

/// Merges sets such as the readers of a file: what either side added is in it, and what either side removed is not.
pub fn merge_sets<T: Clone + PartialEq>(base: &[T], ours: &[T], theirs: &[T]) -> Vec<T> {
    let kept = ours.iter().filter(|it| !base.contains(it) || theirs.contains(it));
    let added = theirs.iter().filter(|it| !base.contains(it) && !ours.contains(it));
    kept.chain(added).cloned().collect()
}

struct Merger {
    path: Path,
    conflicts: Vec<Conflict>,
}

impl Merger {
    fn node(&mut self, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        if let (Some(mine), Some(other)) = (ours, theirs)
            && let (Some(our_map), Some(their_map)) = (mine.as_map(), other.as_map())
        {
            let nothing = Map::new();
            let map = self.map(base.and_then(Value::as_map).unwrap_or(&nothing), our_map, their_map);
            return Some(Value::from(map).at(mine.origin.clone()));
        }
        if let Some(documents) = self.documents(base, ours, theirs) {
            return Some(documents);
        }
        if ours == theirs || base == theirs {
            return ours.cloned();
        }
        if base == ours {
            return theirs.cloned();
        }
        if let Some(list) = lists(base, ours, theirs) {
            return Some(list);
        }
        let clash = match (base, ours, theirs) {
            (None, ..) => Clash::Added,
            (_, None, _) => Clash::RemovedByUs,
            (.., None) => Clash::RemovedByThem,
            _ => Clash::Changed,
        };
        self.conflicts.push(Conflict { path: self.path.clone(), clash });
        ours.cloned()
    }

    /// Merges the documents of a file, where all three have as many.
    fn documents(&mut self, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        let [before, mine, other] = [base?.as_list()?, ours?.as_list()?, theirs?.as_list()?];
        if !self.path.0.is_empty() || before.len() != mine.len() || other.len() != mine.len() {
            return None;
        }
        let mut merged = Vec::new();
        for (at, document) in mine.iter().enumerate() {
            self.path.0.push(Step::Index(at));
            merged.extend(self.node(before.get(at), Some(document), other.get(at)));
            self.path.0.pop();
        }
        Some(Value::from(merged).at(ours?.origin.clone()))
    }

    fn map(&mut self, base: &Map, ours: &Map, theirs: &Map) -> Map {
        let mut merged = Map::new();
        for key in order(base, ours, theirs) {
            self.path.0.push(Step::Field(key.into()));
            let value = self.node(base.get(key), ours.get(key), theirs.get(key));
            self.path.0.pop();
            let mark = ours.entry(key).or_else(|| theirs.entry(key)).map(|entry| entry.mark).unwrap_or_default();
            if let Some(value) = value {
                merged.push_unique(Entry { key: key.into(), mark, value });
            }
        }
        merged
    }
}

/// The keys of both sides: in the order of ours, unless theirs alone changed the order; what only the other side has
/// stands behind the key that it stands behind there.
fn order<'k>(base: &'k Map, ours: &'k Map, theirs: &'k Map) -> Vec<&'k str> {
    let common: BTreeSet<&str> = base.keys().filter(|key| ours.contains(key) && theirs.contains(key)).collect();
    let shared = |map: &'k Map| map.keys().filter(|key| common.contains(key)).collect::<Vec<_>>();
    let reordered = shared(ours) == shared(base) && shared(theirs) != shared(base);
    let (frame, other) = if reordered { (theirs, ours) } else { (ours, theirs) };
    let mut keys: Vec<&str> = frame.keys().collect();
    let mut at = 0;
    for key in other.keys() {
        let known = keys.iter().position(|it| *it == key);
        if known.is_none() {
            keys.insert(at, key);
        }
        at = known.unwrap_or(at) + 1;
    }
    keys
}

/// The merge of three lists, unless both sides changed the same items.
fn lists(base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
    let [before, mine, other] = [base?.as_list()?, ours?.as_list()?, theirs?.as_list()?];
    let [base, numbers, their_numbers] = numbered([before, mine, other]).map(|numbers| lines(&numbers));
    let merge = TextMerge::from_lines(&base, &numbers, &their_numbers);
    if merge.is_conflicted() {
        return None;
    }
    let items = merge.regions().iter().flat_map(|region| match region.resolution() {
        MergeResolution::Theirs => &other[region.theirs_range()],
        _ => &mine[region.ours_range()],
    });
    Some(Value { data: Data::List(items.cloned().collect()), origin: ours?.origin.clone() })
}

fn lines(numbers: &[usize]) -> String {
    let lines = numbers.iter().map(|number| format!("{number}\n"));
    lines.collect()
}
