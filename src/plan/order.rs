//! The order of steps: releases by `needs`, within them objects by what they depend on, deletes backwards at the end.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use super::table::{fits, rows};
use super::{Action, ReleaseFacts, Step};
use crate::diff::ObjectComparison;
use crate::manifest::ObjectId;
use crate::schema::GroupKind;
use crate::value::Value;

/// The place of a step before waves are counted: what is wanted first, then what left, and in each the release's level
/// and the kind's rank (both negative for what left, which goes backwards).
type Key = (bool, isize, isize);

static RANKS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| rows(include_str!("order.txt")).collect());

/// Puts actions in order. Waves are numbered from 0 without gaps.
pub(super) fn steps(actions: Vec<(Action, ObjectComparison)>, releases: &[ReleaseFacts]) -> Vec<Step> {
    let levels = levels(releases);
    let hoisted = Hoisted::by(&actions, &levels);
    let keys: Vec<Key> = actions.iter().map(|(_, object)| key(object, &levels, &hoisted)).collect();
    let mut waves: Vec<Key> = keys.clone();
    waves.sort_unstable();
    waves.dedup();
    let numbered = actions.into_iter().zip(keys);
    let mut steps: Vec<Step> = numbered
        .map(|((action, object), key)| Step { action, wave: waves.binary_search(&key).unwrap_or(0), object, was: None })
        .collect();
    steps.sort_by(|a, b| place(a).cmp(&place(b)));
    steps
}

fn place(step: &Step) -> (usize, &str, &ObjectId) {
    (step.wave, &step.object.release, &step.object.id)
}

fn key(object: &ObjectComparison, levels: &Levels, hoisted: &Hoisted<'_>) -> Key {
    let left = object.desired.is_none();
    let own = level(levels, &object.release);
    let level = hoisted.of(object).map_or(own, |users| own.min(users));
    let rank = isize::try_from(rank(&object.id.kind)).unwrap_or(isize::MAX);
    if left { (left, -level, -rank) } else { (left, level, rank) }
}

/// By release, how many releases have to be there before it, at the longest.
type Levels = BTreeMap<Arc<str>, isize>;

fn level(levels: &Levels, release: &str) -> isize {
    levels.get(release).copied().unwrap_or(0)
}

fn levels(releases: &[ReleaseFacts]) -> Levels {
    let mut levels: Levels = releases.iter().map(|release| (Arc::clone(&release.name), 0)).collect();
    // Each round settles the next level. `project` refuses circles, and the count of rounds ends one in any case.
    for _ in releases {
        let deeper: Vec<_> = releases
            .iter()
            .filter_map(|release| {
                let below = release.needs.iter().filter_map(|need| levels.get(need.as_str())).max()?;
                (level(&levels, &release.name) <= *below).then(|| (Arc::clone(&release.name), below + 1))
            })
            .collect();
        if deeper.is_empty() {
            break;
        }
        levels.extend(deeper);
    }
    levels
}

/// By namespace and by kind (and whether it leaves), the lowest level of an object in the one and of the other. What
/// makes namespaces and kinds depends on nothing itself, so it goes with the first that needs it, whatever release it is
/// in.
#[derive(Default)]
struct Hoisted<'a> {
    namespaces: HashMap<(bool, &'a str), isize>,
    kinds: HashMap<(bool, &'a GroupKind), isize>,
}

impl<'a> Hoisted<'a> {
    fn by(actions: &'a [(Action, ObjectComparison)], levels: &Levels) -> Self {
        let mut hoisted = Self::default();
        for (_, object) in actions {
            let (left, level) = (object.desired.is_none(), level(levels, &object.release));
            let namespace = object.id.namespace.as_deref();
            let namespace = namespace.map(|name| hoisted.namespaces.entry((left, name)).or_insert(level));
            let kind = Some(hoisted.kinds.entry((left, &object.id.kind)).or_insert(level));
            namespace.into_iter().chain(kind).for_each(|lowest| *lowest = level.min(*lowest));
        }
        hoisted
    }

    /// The lowest level of an object that needs this one.
    fn of(&self, object: &ObjectComparison) -> Option<isize> {
        let left = object.desired.is_none();
        let namespace = is_namespace(&object.id).then(|| self.namespaces.get(&(left, object.id.name.as_str())));
        let defined = defined(object).map(|kind| self.kinds.get(&(left, &kind)).copied());
        namespace.flatten().copied().or(defined.flatten())
    }
}

fn is_namespace(id: &ObjectId) -> bool {
    id.kind.group.is_empty() && id.kind.kind == "Namespace"
}

/// The namespace of this name.
pub(super) fn namespace(name: &str) -> ObjectId {
    let kind = GroupKind { group: String::new(), kind: "Namespace".into() };
    ObjectId { kind, namespace: None, name: name.to_owned() }
}

/// The kind that a CRD defines.
pub(super) fn defined(object: &ObjectComparison) -> Option<GroupKind> {
    if object.id.kind.kind != "CustomResourceDefinition" {
        return None;
    }
    let bodies = [object.desired.as_ref().map(|d| &d.body), object.live.as_ref().map(|l| &l.body)];
    let spec = bodies.into_iter().flatten().find_map(|body| body.get("spec"))?;
    let text = |keys: &[&str]| spec.dig(keys).and_then(Value::as_str).map(str::to_owned);
    Some(GroupKind { group: text(&["group"])?, kind: text(&["names", "kind"])? })
}

/// The line of the table: one that names the kind, else one that names its ending, else the one for all others.
fn rank(kind: &GroupKind) -> usize {
    let name = kind.to_string();
    let line = |fits: &dyn Fn(&str) -> bool| RANKS.iter().position(|row| row.iter().any(|pattern| fits(pattern)));
    line(&|pattern| pattern == name)
        .or_else(|| line(&|pattern| pattern != "*" && fits(pattern, &kind.kind)))
        .or_else(|| line(&|pattern| pattern == "*"))
        .unwrap_or(RANKS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> usize {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        rank(&GroupKind { group: group.into(), kind: kind.into() })
    }

    #[test]
    fn kinds_come_after_what_they_depend_on() {
        let order = [
            "Namespace",
            "CustomResourceDefinition.apiextensions.k8s.io",
            "StorageClass.storage.k8s.io",
            "ServiceAccount",
            "RoleBinding.rbac.authorization.k8s.io",
            "ConfigMap",
            "PersistentVolumeClaim",
            "Service",
            "Deployment.apps",
            "Ingress.networking.k8s.io",
            "ConfigMapSync.weaver.example.com",
            "APIService.apiregistration.k8s.io",
            "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        ];
        let ranks: Vec<usize> = order.iter().map(|kind| of(kind)).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        assert_eq!(of("GatewayClass.gateway.networking.k8s.io"), of("StorageClass.storage.k8s.io"));
    }
}
