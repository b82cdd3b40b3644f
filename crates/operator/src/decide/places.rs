//! The namespaces that get a copy.

use std::collections::{BTreeMap, BTreeSet};

use super::content::target_name;
use super::selects;
use crate::marks::NamespacedName;
use crate::{ConfigMapSyncSpec, Selector};

/// A namespace, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The UID: another one is another namespace.
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

/// The state of a namespace that is to have a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetPlace {
    /// It is there.
    Ready,
    /// It is named, and not there.
    Missing,
    /// It is named, and is being deleted.
    Terminating,
    /// It is named, and the copy would be the source.
    IsSource,
}

/// The namespaces that shall have a copy. `own` is the object's namespace. One that is only selected is left out where
/// it is being deleted or has the source.
pub fn places(
    spec: &ConfigMapSyncSpec,
    own: &str,
    namespaces: &BTreeMap<String, Namespace>,
) -> BTreeMap<String, TargetPlace> {
    let named: BTreeSet<&str> = spec.sync_to_namespaces.iter().map(String::as_str).collect();
    let all = named.iter().copied().chain(namespaces.keys().map(String::as_str));
    let of = |name: &str| place(spec, own, name, named.contains(name), namespaces.get(name));
    all.filter_map(|name| Some((name.to_owned(), of(name)?))).collect()
}

/// The state of a namespace for a spec; `None` if it is to have no copy.
pub fn place_of(spec: &ConfigMapSyncSpec, own: &str, name: &str, found: Option<&Namespace>) -> Option<TargetPlace> {
    place(spec, own, name, spec.sync_to_namespaces.iter().any(|it| it == name), found)
}

fn place(
    spec: &ConfigMapSyncSpec,
    own: &str,
    name: &str,
    named: bool,
    found: Option<&Namespace>,
) -> Option<TargetPlace> {
    if spec.exclude_namespaces.iter().any(|it| it == name) {
        return None;
    }
    let from = source(spec, own);
    let is_source = name == from.namespace && target_name(spec) == from.name;
    let selected = |it: &Namespace| spec.namespace_selector.as_ref().is_some_and(|by| is_taken(spec, by, it));
    match found {
        _ if named && is_source => Some(TargetPlace::IsSource),
        None => named.then_some(TargetPlace::Missing),
        Some(it) if it.terminating => named.then_some(TargetPlace::Terminating),
        Some(it) if named || (!is_source && selected(it)) => Some(TargetPlace::Ready),
        Some(_) => None,
    }
}

/// The namespaces with a copy that shall not have one any more. In a namespace that is being deleted, or is gone,
/// nothing is to be done.
pub fn leaving<'c>(
    copies: impl IntoIterator<Item = &'c String>,
    wanted: &BTreeMap<String, TargetPlace>,
    namespaces: &BTreeMap<String, Namespace>,
) -> Vec<String> {
    let there = |name: &&String| namespaces.get(*name).is_some_and(|it| !it.terminating);
    copies.into_iter().filter(there).filter(|name| !wanted.contains_key(*name)).cloned().collect()
}

/// The source.
pub fn source(spec: &ConfigMapSyncSpec, own: &str) -> NamespacedName {
    NamespacedName::new(spec.source.namespace.as_deref().unwrap_or(own), &spec.source.name)
}

/// An empty selector selects nothing unless the spec says otherwise; the definition refuses it as well.
fn is_taken(spec: &ConfigMapSyncSpec, selector: &Selector, namespace: &Namespace) -> bool {
    let empty = selector.match_labels.is_empty() && selector.match_expressions.is_empty();
    (spec.all_namespaces || !empty) && selects(selector, &namespace.labels)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(more: &serde_json::Value) -> ConfigMapSyncSpec {
        let mut spec = json!({"source": {"name": "s"}});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    fn cluster() -> BTreeMap<String, Namespace> {
        let namespace = |team: &str, terminating| Namespace {
            labels: BTreeMap::from([("team".to_owned(), team.to_owned())]),
            terminating,
            ..Namespace::default()
        };
        let all = [("a", "red", false), ("b", "red", false), ("c", "blue", false), ("dying", "red", true)];
        let mut all: BTreeMap<_, _> = all.map(|(name, team, it)| (name.to_owned(), namespace(team, it))).into();
        all.insert("kube-system".into(), namespace("red", false));
        all
    }

    fn found(more: &serde_json::Value) -> String {
        let found = places(&spec(more), "a", &cluster());
        found.iter().map(|(name, place)| format!("{name}={place:?} ")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn named_and_selected_namespaces_are_joined() {
        let red = json!({"matchLabels": {"team": "red"}});
        assert_eq!(found(&json!({"namespaceSelector": red})), "b=Ready ");
        assert_eq!(
            found(&json!({"namespaceSelector": red, "syncToNamespaces": ["c", "x"]})),
            "b=Ready c=Ready x=Missing "
        );
        assert_eq!(found(&json!({"syncToNamespaces": ["a", "dying"]})), "a=IsSource dying=Terminating ");
        assert_eq!(found(&json!({"syncToNamespaces": ["a"], "target": {"name": "t"}})), "a=Ready ");
    }

    #[test]
    fn what_is_excluded_is_left_out_whatever_else_is_said() {
        assert_eq!(found(&json!({"syncToNamespaces": ["kube-system", "b"]})), "b=Ready ");
        assert_eq!(found(&json!({"syncToNamespaces": ["b"], "excludeNamespaces": ["b"]})), "");
    }

    #[test]
    fn an_empty_selector_takes_all_only_where_that_is_said() {
        assert_eq!(found(&json!({"namespaceSelector": {}})), "");
        assert_eq!(found(&json!({"namespaceSelector": {}, "allNamespaces": true})), "b=Ready c=Ready ");
    }

    #[test]
    fn nothing_leaves_a_namespace_that_goes_by_itself() {
        let copies = ["b", "c", "dying", "gone"].map(str::to_owned);
        let wanted = places(&spec(&json!({"syncToNamespaces": ["b"]})), "a", &cluster());
        assert_eq!(leaving(&copies, &wanted, &cluster()), ["c"]);
    }
}
