//! What happens to an object that left the repository. It is deleted only if every gate lets it through.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::holders::Holders;
use super::table::rows;
use super::{Action, Guards, PART_OF, ReleaseFacts, order};
use crate::diff::{Class, Comparison, ObjectComparison, Verdict};
use crate::manifest::ObjectId;
use crate::value::Value;

/// Kinds that hold data or other objects: they are deleted only when a word names them, and never with their release.
const GUARDED: [&str; 4] = ["Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim"];

/// What the gates look at besides the object.
pub(super) struct Gates<'a> {
    releases: &'a [ReleaseFacts],
    holders: &'a Holders<'a>,
    guards: &'a Guards,
    /// By object, the release that wants it.
    wanted: HashMap<&'a ObjectId, &'a Arc<str>>,
    /// By UID, the wanted object: the server shows some objects in two groups.
    uids: HashMap<&'a str, &'a ObjectId>,
    /// By object, the releases that it left.
    left: HashMap<&'a ObjectId, BTreeSet<&'a Arc<str>>>,
    /// The releases of which something could not be told.
    unsure: HashSet<&'a Arc<str>>,
}

impl<'a> Gates<'a> {
    pub(super) fn new(
        comparison: &'a Comparison,
        releases: &'a [ReleaseFacts],
        holders: &'a Holders<'a>,
        guards: &'a Guards,
    ) -> Self {
        let objects = &comparison.objects;
        // Only what left its release is judged by them.
        let judges = objects.iter().any(|object| object.verdict == Verdict::Leftover);
        let wanted = || objects.iter().filter(|object| judges && object.desired.is_some());
        let unsure = objects.iter().filter(|object| is_unsure(object));
        let mut left: HashMap<_, BTreeSet<_>> = HashMap::new();
        for object in objects.iter().filter(|object| object.desired.is_none()) {
            left.entry(&object.id).or_default().insert(&object.release);
        }
        Self {
            releases,
            holders,
            guards,
            wanted: wanted().map(|object| (&object.id, &object.release)).collect(),
            uids: wanted().filter_map(|object| Some((uid(object)?, &object.id))).collect(),
            left,
            unsure: unsure.map(|object| &object.release).collect(),
        }
    }

    /// What is done to an object that left its release.
    pub(super) fn judge(&self, object: &ObjectComparison) -> Action {
        let gone = self.moved(object).map(|reason| Action::Forget { reason });
        gone.or_else(|| foreign(object, self.set(object)).map(|reason| Action::Keep { reason, leaves: true }))
            .or_else(|| self.spared(object).map(|reason| Action::Keep { reason, leaves: false }))
            .unwrap_or(Action::Delete)
    }

    /// Who has the object now, if it moved: another release, or the same object under another group.
    fn moved(&self, object: &ObjectComparison) -> Option<String> {
        if let Some(release) = self.wanted.get(&object.id) {
            return Some(format!("the release `{release}` has it now"));
        }
        if let Some(id) = uid(object).and_then(|uid| self.uids.get(uid)) {
            return Some(format!("the server shows it as `{id}` too, which is wanted"));
        }
        let claims = |release: &&&Arc<str>| !self.leaves(release, object);
        if let Some(release) = self.holders.get(&object.id).iter().find(claims) {
            return Some(format!("the inventory of the release `{release}` has it"));
        }
        let heir = self.heir(object)?;
        (*heir != object.release).then(|| format!("it leaves the release `{heir}` too, which decides"))
    }

    fn leaves(&self, release: &Arc<str>, object: &ObjectComparison) -> bool {
        self.left.get(&object.id).is_some_and(|releases| releases.contains(release))
    }

    /// Of several releases that an object leaves at once, the one that decides: that of its label, else the first.
    fn heir(&self, object: &ObjectComparison) -> Option<&'a Arc<str>> {
        let leaving = self.left.get(&object.id)?;
        let label = part_of(object.live.as_ref()?.body.get("metadata")?);
        let labelled = self.releases.iter().find(|release| Some(release.set.as_str()) == label);
        let labelled = labelled.and_then(|release| leaving.get(&release.name));
        labelled.or_else(|| leaving.first()).copied()
    }

    fn set(&self, object: &ObjectComparison) -> &str {
        self.release(object).map_or("", |release| &release.set)
    }

    fn release(&self, object: &ObjectComparison) -> Option<&ReleaseFacts> {
        self.releases.iter().find(|release| release.name == object.release)
    }

    /// Why the object stays ours although it left: the release does not prune, or a person has to say more.
    fn spared(&self, object: &ObjectComparison) -> Option<String> {
        let (release, kind) = (&object.release, &object.id.kind.kind);
        if !self.release(object).is_some_and(|facts| facts.prune) {
            return Some(format!("the release `{release}` does not prune"));
        }
        if self.unsure.contains(release) {
            return Some(format!("not all objects of the release `{release}` could be compared"));
        }
        (is_guarded(&object.id) && !self.guards.allow_delete.contains(kind))
            .then(|| format!("a {kind} goes only with `--delete-kind {kind}`"))
    }
}

/// Why the object is not ours to delete any more, as the live object says.
fn foreign(object: &ObjectComparison, set: &str) -> Option<String> {
    let meta = object.live.as_ref()?.body.get("metadata")?;
    match part_of(meta) {
        None => return Some(format!("its label `{PART_OF}` was removed")),
        Some(other) if other != set => return Some(format!("its label `{PART_OF}` names `{other}`")),
        Some(_) => {}
    }
    controller(meta).or_else(|| keep_mark(meta))
}

fn part_of(meta: &Value) -> Option<&str> {
    meta.dig(&["labels", PART_OF])?.as_str()
}

/// Whether anything of an object could not be told.
fn is_unsure(object: &ObjectComparison) -> bool {
    matches!(object.verdict, Verdict::Unknown(_))
        || object.fields.iter().any(|change| matches!(change.class, Class::Unknown(_)))
}

fn controller(meta: &Value) -> Option<String> {
    let owners = meta.get("ownerReferences")?.as_list()?;
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    let text = |key| owner.get(key).and_then(Value::as_str).unwrap_or("?");
    Some(format!("the controller `{} {}` owns it", text("kind"), text("name")))
}

fn keep_mark(meta: &Value) -> Option<String> {
    rows(include_str!("keep.txt")).find_map(|row| {
        let (key, wanted) = (*row.first()?, *row.get(1)?);
        let marks = ["annotations", "labels"].into_iter().filter_map(|map| meta.dig(&[map, key])?.as_str());
        let says = |mark: &str| mark.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted));
        marks.into_iter().any(says).then(|| format!("it is marked `{key}: {wanted}`"))
    })
}

/// The UID of an object, as the server says it or as it was when it was last applied.
pub(super) fn uid(object: &ObjectComparison) -> Option<&str> {
    let live = object.live.as_ref().and_then(|live| live.body.dig(&["metadata", "uid"])?.as_str());
    live.or_else(|| object.recorded.as_ref().map(|recorded| recorded.uid.as_str()))
}

/// Whether an object holds data or other objects.
pub(super) fn is_guarded(id: &ObjectId) -> bool {
    GUARDED.contains(&id.kind.kind.as_str())
}

/// Takes back the deletion of namespaces that hold, and of CRDs that define, an object that stays.
pub(super) fn spare_containers(actions: &mut [(Action, ObjectComparison)], releases: &[ReleaseFacts]) {
    if !actions.iter().any(|(action, object)| *action == Action::Delete && is_guarded(&object.id)) {
        return;
    }
    let going = |action: &Action, object: &ObjectComparison| {
        *action == Action::Delete || (object.desired.is_none() && object.verdict == Verdict::Gone)
    };
    let (gone, stays): (Vec<_>, Vec<_>) = actions.iter().partition(|(action, object)| going(action, object));
    let gone: BTreeSet<&ObjectId> = gone.into_iter().map(|(_, object)| &object.id).collect();
    let held = releases.iter().flat_map(|release| &release.inventory).filter(|id| !gone.contains(id));
    let staying: BTreeSet<ObjectId> = stays.into_iter().map(|(_, object)| &object.id).chain(held).cloned().collect();
    for (action, object) in actions.iter_mut().filter(|(action, _)| *action == Action::Delete) {
        if let Some(id) = staying.iter().find(|id| contains(object, id)) {
            *action = Action::Keep { reason: format!("`{id}` needs it, and stays"), leaves: false };
        }
    }
}

fn contains(container: &ObjectComparison, id: &ObjectId) -> bool {
    let in_namespace = id.namespace.as_deref().is_some_and(|name| order::namespace(name) == container.id);
    in_namespace || order::defined(container).is_some_and(|kind| kind == id.kind)
}
