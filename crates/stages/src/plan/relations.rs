//! Finds steps that belong together: an object that was renamed, or that moved to another release.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::alike::{self, Candidate};
use super::holders::Holders;
use super::{Action, Relation, Step};
use crate::diff::ObjectComparison;
use crate::manifest::ObjectId;
use weft_base::value::Value;
use weft_schema::GroupKind;

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
        let first = if here { None } else { releases.next() };
        first.map(|release| Relation::OfRelease(Arc::clone(release)))
    };
    let was = |step: &Step| {
        let object = &step.object;
        match (&step.action, wanted.get(&object.id)) {
            (Action::Forget { .. }, Some(release)) if **release != object.release => {
                Some(Relation::GoesTo(Arc::clone(release)))
            }
            _ if object.desired.is_some() => holder(&object.id, &object.release),
            _ => None,
        }
    };
    let was: Vec<Option<Relation>> = steps.iter().map(was).collect();
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
        let candidate = |at: &usize| Candidate::new(&steps[*at].object.id, content(&steps[*at].object));
        let ours: Vec<Candidate<'_>> = new.iter().map(candidate).collect();
        let theirs: Vec<Candidate<'_>> = left.iter().map(candidate).collect();
        let pairs = alike::pairs(&ours, &theirs);
        for (ours, theirs) in pairs {
            let new = new[ours];
            let old = left[theirs];
            steps[new].was = Some(Relation::Named(steps[old].object.id.clone()));
            steps[old].was = Some(Relation::Becomes(steps[new].object.id.clone()));
        }
    }
}

/// What an object was written as: by the repository now, or when it was last applied.
fn content(object: &ObjectComparison) -> Option<&Value> {
    let applied = || object.recorded.as_ref().map(|recorded| &*recorded.applied);
    let live = || object.live.as_ref().map(|live| &live.body);
    object.desired.as_ref().map(|desired| &desired.body).or_else(applied).or_else(live)
}
