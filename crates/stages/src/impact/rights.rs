//! Rights that widen: compares rules as sets, and who has them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Consequence, StepChange};
use weft_base::value::Value;

const GROUP: &str = "rbac.authorization.k8s.io";

/// One right: a verb on a resource of a group, on all objects or on one; or a verb on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right<'v> {
    Resource { group: &'v str, resource: &'v str, name: Option<&'v str>, verb: &'v str },
    Path { path: &'v str, verb: &'v str },
}

/// What an object gives that it did not give before.
pub(super) fn widened(change: &StepChange) -> Option<Consequence> {
    let id = &change.step.object.id;
    if id.kind.group != GROUP {
        return None;
    }
    let after = change.after?;
    let gives = match id.kind.kind.as_str() {
        "Role" | "ClusterRole" => {
            let mut gives = listed(&new_rights(change.before, after));
            gives.extend(gathers(change.before, after));
            gives
        }
        "RoleBinding" | "ClusterRoleBinding" => given(change.before, after),
        _ => Vec::new(),
    };
    (!gives.is_empty()).then_some(Consequence::Rights { gives })
}

/// The rights that no rule from before covers.
fn new_rights<'v>(before: Option<&'v Value>, after: &'v Value) -> BTreeSet<Right<'v>> {
    let old: Vec<&Value> = before.map(rules).unwrap_or_default();
    let new = rules(after).into_iter().flat_map(rights);
    new.filter(|right| !old.iter().any(|rule| covers(rule, *right))).collect()
}

fn rules(role: &Value) -> Vec<&Value> {
    role.get("rules").and_then(Value::as_list).unwrap_or_default().iter().collect()
}

fn words<'v>(rule: &'v Value, key: &str) -> Vec<&'v str> {
    let list = rule.get(key).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

fn rights(rule: &Value) -> Vec<Right<'_>> {
    let verbs = words(rule, "verbs");
    let names: Vec<Option<&str>> = match words(rule, "resourceNames") {
        names if names.is_empty() => vec![None],
        names => names.into_iter().map(Some).collect(),
    };
    let mut rights = Vec::new();
    for verb in verbs {
        rights.extend(words(rule, "nonResourceURLs").into_iter().map(|path| Right::Path { path, verb }));
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                rights.extend(names.iter().map(|name| Right::Resource { group, resource, name: *name, verb }));
            }
        }
    }
    rights
}

/// Whether a rule gives a right, as the server's authorizer reads it.
fn covers(rule: &Value, right: Right) -> bool {
    let any = |key: &str, is: &dyn Fn(&str) -> bool| words(rule, key).into_iter().any(|it| it == "*" || is(it));
    match right {
        Right::Path { path, verb } => {
            let below = |it: &str| it == path || it.strip_suffix('*').is_some_and(|it| path.starts_with(it));
            any("verbs", &|it| it == verb) && any("nonResourceURLs", &below)
        }
        Right::Resource { group, resource, name, verb } => {
            let part = resource.split_once('/').map(|(_, part)| part);
            let of_any = |it: &str| part.is_some() && it.strip_prefix("*/") == part;
            let names = words(rule, "resourceNames");
            any("verbs", &|it| it == verb)
                && any("apiGroups", &|it| it == group)
                && any("resources", &|it| it == resource || of_any(it))
                && (names.is_empty() || name.is_some_and(|name| names.contains(&name)))
        }
    }
}

/// `get, list on pods and services`, `* on *.*`, `get on secrets named tls`, `get on /metrics`.
fn listed(rights: &BTreeSet<Right>) -> Vec<String> {
    let mut verbs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for right in rights {
        let (on, verb) = match right {
            Right::Path { path, verb } => ((*path).to_owned(), *verb),
            Right::Resource { group, resource, name, verb } => {
                let group = if group.is_empty() { String::new() } else { format!(".{group}") };
                let named = name.map(|name| format!(" named {name}")).unwrap_or_default();
                (format!("{resource}{group}{named}"), *verb)
            }
        };
        verbs.entry(on).or_default().insert(verb);
    }
    let mut resources: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (on, verbs) in verbs {
        resources.entry(verbs.into_iter().collect::<Vec<_>>().join(", ")).or_default().push(on);
    }
    resources.into_iter().map(|(verbs, on)| format!("{verbs} on {}", on.join(" and "))).collect()
}

/// The roles whose rules a role takes over by their labels, where it did not before.
fn gathers(before: Option<&Value>, after: &Value) -> Option<String> {
    let selectors = |role: &Value| {
        let list = role.dig(&["aggregationRule", "clusterRoleSelectors"]).and_then(Value::as_list);
        list.unwrap_or_default().to_vec()
    };
    let old = before.map(selectors).unwrap_or_default();
    let new = selectors(after).into_iter().filter(|it| !old.contains(it)).count();
    (new > 0).then(|| format!("the rules of all cluster roles of {new} more selectors"))
}

/// Who gets a role that they did not have by this binding.
fn given(before: Option<&Value>, after: &Value) -> Vec<String> {
    let role = |binding: &Value| {
        let text = |key: &str| binding.dig(&["roleRef", key]).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{} {}", text("kind"), text("name"))
    };
    let to = role(after);
    let old = before.filter(|it| role(it) == to).map(subjects).unwrap_or_default();
    let new: Vec<String> = subjects(after).into_iter().filter(|it| !old.contains(it)).collect();
    if new.is_empty() { Vec::new() } else { vec![format!("{to} to {}", new.join(", "))] }
}

/// `ServiceAccount apps/web`, `Group admins`.
fn subjects(binding: &Value) -> BTreeSet<String> {
    let list = binding.get("subjects").and_then(Value::as_list).unwrap_or_default();
    let subject = |it: &Value| {
        let text = |key: &str| it.get(key).and_then(Value::as_str).unwrap_or_default();
        let namespace = it.get("namespace").and_then(Value::as_str).map(|it| format!("{it}/")).unwrap_or_default();
        format!("{} {namespace}{}", text("kind"), text("name"))
    };
    list.iter().map(subject).collect()
}
