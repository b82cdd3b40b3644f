//! Which steps belong together: an object that got another name, and one that went to another release.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::holders::Holders;
use super::{Action, Step, Was};
use crate::diff::{ObjectComparison, holds_secret};
use crate::manifest::ObjectId;
use weft_base::value::{Data, Value};
use weft_schema::GroupKind;

/// The share of equal leaves from which two objects are the same one under two names.
const ALIKE: f64 = 0.8;

/// The name of a release, as it is written.
pub(super) mod name {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(name: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

/// Says of each step what it was before, or what becomes of it.
pub(super) fn relate(steps: &mut [Step], holders: &Holders<'_>) {
    moved(steps, holders);
    renamed(steps);
}

fn moved(steps: &mut [Step], holders: &Holders<'_>) {
    let forgets = steps.iter().any(|step| matches!(step.action, Action::Forget { .. }));
    let wanted = steps.iter().filter(|step| forgets && step.object.desired.is_some());
    let wanted: HashMap<&ObjectId, &Arc<str>> = wanted.map(|step| (&step.object.id, &step.object.release)).collect();
    let holder = |id: &ObjectId, own: &Arc<str>| {
        let mut releases = holders.get(id);
        let here = releases.clone().any(|release| release == own);
        releases.next().filter(|_| !here).map(|release| Was::OfRelease(Arc::clone(release)))
    };
    let was = |step: &Step| {
        let object = &step.object;
        match (&step.action, wanted.get(&object.id)) {
            (Action::Forget { .. }, Some(release)) if **release != object.release => {
                Some(Was::GoesTo(Arc::clone(release)))
            }
            _ if object.desired.is_some() => holder(&object.id, &object.release),
            _ => None,
        }
    };
    let was: Vec<Option<Was>> = steps.iter().map(was).collect();
    steps.iter_mut().zip(was).for_each(|(step, was)| step.was = was);
}

fn renamed(steps: &mut [Step]) {
    let of = |steps: &[Step], wanted: fn(&Step) -> bool| -> BTreeMap<GroupKind, Vec<usize>> {
        let mut of: BTreeMap<GroupKind, Vec<usize>> = BTreeMap::new();
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| wanted(step) && step.was.is_none()) {
            of.entry(step.object.id.kind.clone()).or_default().push(at);
        }
        of
    };
    let new = of(steps, |step| step.action == Action::Create);
    let left = of(steps, |step| matches!(step.action, Action::Delete | Action::Keep { leaves: false, .. }));
    for (kind, new) in new {
        let Some(left) = left.get(&kind) else { continue };
        let mut pairs = pairs(steps, &new, left);
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut taken = BTreeSet::new();
        for (_, new, old) in pairs {
            if taken.contains(&new) || taken.contains(&old) {
                continue;
            }
            taken.extend([new, old]);
            steps[new].was = Some(Was::Named(steps[old].object.id.clone()));
            steps[old].was = Some(Was::Becomes(steps[new].object.id.clone()));
        }
    }
}

/// New and old objects that are alike, each with how much.
fn pairs(steps: &[Step], new: &[usize], left: &[usize]) -> Vec<(f64, usize, usize)> {
    let leaves = |at: &usize| (*at, content(&steps[*at].object).map(leaves_of).unwrap_or_default());
    let left: Vec<(usize, BTreeSet<String>)> = left.iter().map(leaves).collect();
    let mut pairs = Vec::new();
    for (new, ours) in new.iter().map(leaves) {
        for (old, theirs) in &left {
            let (a, b) = (&steps[new].object.id, &steps[*old].object.id);
            let near = a.namespace == b.namespace || a.name == b.name;
            let share = if near { share(&ours, theirs) } else { 0.0 };
            if share >= ALIKE {
                pairs.push((share, new, *old));
            }
        }
    }
    pairs
}

/// What an object was written as: by the repository now, or when it was last applied.
fn content(object: &ObjectComparison) -> Option<&Value> {
    let applied = || object.recorded.as_ref().map(|recorded| &*recorded.applied);
    let live = || object.live.as_ref().map(|live| &live.body);
    object.desired.as_ref().map(|desired| &desired.body).or_else(applied).or_else(live)
}

#[allow(clippy::cast_precision_loss, reason = "no object has that many fields")]
fn share(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f64 {
    let (both, all) = (a.intersection(b).count(), a.union(b).count());
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
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
