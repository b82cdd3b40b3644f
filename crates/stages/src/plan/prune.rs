//! Decides what happens to an object that left the repository. It is deleted only if every gate lets it through.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::holders::Holders;
use super::{Action, Guards, PART_OF, PlanContext, ReleaseFacts, by_name, order};
use crate::diff::table::rows;
use crate::diff::{Class, Comparison, ObjectComparison, Residents, Verdict};
use crate::manifest::ObjectId;
use crate::project::{GUARDED, Prune};
use weft_base::value::Value;
use weft_schema::GroupKind;

/// The annotation with which an object chooses what happens to it when it leaves: `orphan` or `keep`.
const MARK: &str = "weft.example.com/prune";

/// What the gates look at besides the object.
pub(super) struct Gates<'a> {
    by_name: HashMap<&'a Arc<str>, &'a ReleaseFacts>,
    by_set: HashMap<&'a str, &'a ReleaseFacts>,
    /// By object, the release that may have it next, which this run is not about.
    heirs: HashMap<&'a ObjectId, &'a Arc<str>>,
    /// The first release that could not be rendered, and why.
    unrendered: Option<(&'a Arc<str>, &'a String)>,
    holders: &'a Holders<'a>,
    guards: &'a Guards,
    /// By object, the release that wants it.
    wanted: HashMap<&'a ObjectId, &'a Arc<str>>,
    /// By UID, the wanted object: the server shows some objects in two groups.
    uids: HashMap<&'a str, &'a ObjectId>,
    /// By object, the releases that it left.
    left: HashMap<&'a ObjectId, BTreeSet<&'a Arc<str>>>,
    /// The releases with something unknown.
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
        // They matter only to objects that left their release.
        let judges = objects.iter().any(|object| object.verdict == Verdict::Leftover);
        let wanted = || objects.iter().filter(|object| judges && object.desired.is_some());
        let unsure = objects.iter().filter(|object| is_unsure(object));
        let mut left: HashMap<_, BTreeSet<_>> = HashMap::new();
        for object in objects.iter().filter(|object| object.desired.is_none()) {
            left.entry(&object.id).or_default().insert(&object.release);
        }
        let others: &[ReleaseFacts] = if judges { releases } else { &[] };
        Self {
            by_name: by_name(releases),
            by_set: releases.iter().rev().map(|release| (release.set.as_str(), release)).collect(),
            heirs: others.iter().rev().flat_map(|it| it.wanted.iter().map(|id| (id, &it.name))).collect(),
            unrendered: releases.iter().find_map(|it| Some((&it.name, it.unrendered.as_ref()?))),
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
        let leaves = |reason| Action::Keep { reason, leaves: true };
        let gone = self.moved(object).map(|reason| Action::Forget { reason });
        gone.or_else(|| changed_hands(object, self.set(object)).map(leaves))
            .or_else(|| self.guards.orphan.as_ref().map(|_| Action::Orphan { reason: "it is let go".into() }))
            .or_else(|| self.unsure(object).map(|reason| Action::Keep { reason, leaves: false }))
            .or_else(|| self.let_go(object).map(|reason| Action::Orphan { reason }))
            .or_else(|| held(object).map(leaves))
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
        let claims = |release: &&Arc<str>| !self.leaves(release, object);
        if let Some(release) = self.holders.get(&object.id).find(claims) {
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
        let labelled = label.and_then(|label| leaving.get(&self.by_set.get(label)?.name));
        labelled.or_else(|| leaving.first()).copied()
    }

    fn set(&self, object: &ObjectComparison) -> &str {
        self.release(object).map_or("", |release| &release.set)
    }

    fn release(&self, object: &ObjectComparison) -> Option<&ReleaseFacts> {
        self.by_name.get(&object.release).copied()
    }

    /// Why nothing is certain about what left: an object that could not be compared may be the same one elsewhere, and a
    /// release that this run is not about may have it next.
    fn unsure(&self, object: &ObjectComparison) -> Option<String> {
        let release = &object.release;
        if self.unsure.contains(release) {
            return Some(format!("not all objects of the release `{release}` could be compared"));
        }
        if let Some(heir) = self.heirs.get(&object.id) {
            return Some(format!("it moves to the release `{heir}` when that is applied"));
        }
        let (other, reason) = self.unrendered?;
        Some(format!("the release `{other}` may have it now, which could not be rendered: {reason}"))
    }

    /// Why the object is managed no more, and stays.
    fn let_go(&self, object: &ObjectComparison) -> Option<String> {
        if mark(object) == Some("orphan") {
            return Some(format!("it is marked `{MARK}: orphan`"));
        }
        let release = self.release(object).filter(|facts| facts.prune == Prune::Orphan)?;
        Some(format!("the release `{}` lets go of what leaves it", release.name))
    }

    /// Why the object stays ours although it left: the release does not prune, or a person has to say more.
    fn spared(&self, object: &ObjectComparison) -> Option<String> {
        let release = &object.release;
        let kind = &object.id.kind.kind;
        if self.release(object).is_none_or(|facts| facts.prune == Prune::Keep) {
            return Some(format!("the release `{release}` does not prune"));
        }
        if mark(object) == Some("keep") {
            return Some(format!("it is marked `{MARK}: keep`"));
        }
        (is_guarded(&object.id) && !self.guards.allow_delete.contains(kind))
            .then(|| format!("a {kind} goes only with `--delete-kind {kind}`"))
    }
}

/// Why the object is not ours any more, as its label says.
fn changed_hands(object: &ObjectComparison, set: &str) -> Option<String> {
    match part_of(object.live.as_ref()?.body.get("metadata")?) {
        None => Some(format!("its label `{PART_OF}` was removed")),
        Some(other) if other != set => Some(format!("its label `{PART_OF}` names `{other}`")),
        Some(_) => None,
    }
}

/// Why the object is not ours to delete: a controller owns it, or it carries a mark of some tool.
fn held(object: &ObjectComparison) -> Option<String> {
    let meta = object.live.as_ref()?.body.get("metadata")?;
    controller(meta).or_else(|| keep_mark(meta))
}

/// What our own mark says.
fn mark(object: &ObjectComparison) -> Option<&str> {
    object.live.as_ref()?.body.dig(&["metadata", "annotations", MARK])?.as_str()
}

fn part_of(meta: &Value) -> Option<&str> {
    meta.dig(&["labels", PART_OF])?.as_str()
}

/// Whether anything about an object is unknown.
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
        let key = *row.first()?;
        let wanted = *row.get(1)?;
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
pub(crate) fn is_guarded(id: &ObjectId) -> bool {
    GUARDED.contains(&id.kind.kind.as_str())
}

/// Takes back the deletion of namespaces that hold, and of definitions that define, an object that stays: one of ours, or
/// any that the cluster has.
pub(super) fn spare_containers(actions: &mut [(Action, ObjectComparison)], around: &PlanContext<'_>) {
    if !actions.iter().any(|(action, object)| *action == Action::Delete && is_guarded(&object.id)) {
        return;
    }
    let going = |action: &Action, object: &ObjectComparison| {
        *action == Action::Delete || (object.desired.is_none() && object.verdict == Verdict::Gone)
    };
    let (gone, stays): (Vec<_>, Vec<_>) = actions.iter().partition(|(action, object)| going(action, object));
    let gone: BTreeSet<ObjectId> = gone.into_iter().map(|(_, object)| object.id.clone()).collect();
    let held = around.releases.iter().flat_map(|release| release.inventory.ids()).filter(|id| !gone.contains(id));
    let staying: BTreeSet<ObjectId> = stays.into_iter().map(|(_, object)| object.id.clone()).chain(held).collect();
    let contents = Contents::new(&staying);
    for (action, object) in actions.iter_mut().filter(|(action, _)| *action == Action::Delete) {
        let ours = contents.first_in(object).map(|id| format!("`{id}` needs it, and stays"));
        if let Some(reason) = ours.or_else(|| inhabited(around.residents.get(&object.id)?, &gone)) {
            *action = Action::Keep { reason, leaves: false };
        }
    }
}

/// Why a container stays, as the cluster tells.
fn inhabited(residents: &Residents, gone: &BTreeSet<ObjectId>) -> Option<String> {
    match residents {
        Residents::Unknown(reason) => Some(format!("it could not be told what would go with it: {reason}")),
        Residents::Known(found) => {
            let staying: Vec<&ObjectId> = found.difference(gone).collect();
            let first = staying.first()?;
            let more = staying.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            Some(format!("`{first}`{more} would go with it, which this plan does not delete"))
        }
    }
}

/// The first object in each namespace and of each kind.
struct Contents<'a> {
    namespaces: HashMap<&'a str, &'a ObjectId>,
    kinds: HashMap<&'a GroupKind, &'a ObjectId>,
}

impl<'a> Contents<'a> {
    fn new(objects: &'a BTreeSet<ObjectId>) -> Self {
        let mut namespaces = HashMap::new();
        let mut kinds = HashMap::new();
        for id in objects {
            if let Some(namespace) = id.namespace.as_deref() {
                namespaces.entry(namespace).or_insert(id);
            }
            kinds.entry(&id.kind).or_insert(id);
        }
        Self { namespaces, kinds }
    }

    /// The first object that is in a namespace, or of the kind that a definition makes.
    fn first_in(&self, container: &ObjectComparison) -> Option<&'a ObjectId> {
        let inside = order::is_namespace(&container.id).then(|| self.namespaces.get(container.id.name.as_str()));
        let defined = order::defined(container).and_then(|kind| self.kinds.get(&kind));
        inside.flatten().into_iter().chain(defined).copied().min()
    }
}
