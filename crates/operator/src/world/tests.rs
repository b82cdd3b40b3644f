//! Tests which objects a change affects.

use serde_json::json;

use super::*;

fn sync(name: &str, version: &str, spec: &serde_json::Value) -> Arc<ConfigMapSync> {
    let object = json!({
        "apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync",
        "metadata": {"namespace": "own", "name": name, "uid": name, "resourceVersion": version, "generation": 1},
        "spec": spec,
    });
    Arc::new(serde_json::from_value(object).unwrap())
}

fn map(namespace: &str, name: &str, version: &str, owner: Option<&str>) -> ObjectMeta {
    let labels =
        owner.map(|it| json!({"weaver.example.com/owner-namespace": "own", "weaver.example.com/owner-name": it}));
    let meta = json!({
        "namespace": namespace, "name": name, "uid": format!("{namespace}-{name}"), "resourceVersion": version,
        "labels": labels, "annotations": owner.map(|it| json!({"weaver.example.com/owner-uid": it})),
    });
    serde_json::from_value(meta).unwrap()
}

fn world() -> World {
    let mut world = World::default();
    world.sync_applied(sync("named", "1", &json!({"source": {"name": "s"}, "syncToNamespaces": ["a", "b"]})));
    let red = json!({"matchLabels": {"team": "red"}});
    world.sync_applied(sync("selecting", "1", &json!({"source": {"name": "t"}, "namespaceSelector": red})));
    world
}

fn namespace(uid: &str, team: &str, terminating: bool) -> Namespace {
    Namespace { uid: uid.into(), labels: BTreeMap::from([("team".into(), team.into())]), terminating }
}

fn names(concerned: AffectedKeys) -> Vec<String> {
    concerned.into_iter().map(|it| it.name).collect()
}

fn verified(version: &str) -> TargetKnowledge {
    TargetKnowledge::Verified { uid: "a-s".into(), version: version.into(), hash: "h".into() }
}

#[test]
fn a_namespace_concerns_whoever_it_becomes_something_else_for() {
    let mut world = world();
    assert_eq!(names(world.namespace_applied("a", namespace("1", "blue", false))), ["named"]);
    assert_eq!(names(world.namespace_applied("a", namespace("1", "red", false))), ["selecting"]);
    assert_eq!(names(world.namespace_applied("a", namespace("1", "red", false))), [""; 0]);
    assert_eq!(names(world.namespace_applied("a", namespace("1", "red", true))), ["named", "selecting"]);
    assert_eq!(names(world.namespace_applied("a", namespace("2", "red", false))), ["named", "selecting"], "another");
    assert_eq!(names(world.namespace_applied("a", namespace("3", "red", false))), ["named", "selecting"], "another");
    assert_eq!(names(world.namespace_deleted("a")), ["named", "selecting"]);
    assert_eq!(names(world.namespace_applied("x", namespace("1", "blue", false))), [""; 0]);
    assert_eq!(names(world.namespace_applied("own", namespace("1", "blue", false))), [""; 0]);
    let tenant = names(world.namespace_applied("own", namespace("1", "black", false)));
    assert_eq!(tenant, ["named", "selecting"], "its labels say whether there are tokens");
}

#[test]
fn what_we_wrote_concerns_nobody_and_what_others_did_its_owner() {
    let mut world = world();
    let owner = CopySet::new(&NamespacedName::new("own", "named"), "s");
    world.copies_mut().know(&owner, "a", Some(verified("7")));
    assert!(world.copies().is_verified(&owner, "a", "h"), "the watch is behind");
    assert_eq!(names(world.map_applied(&map("a", "s", "5", Some("named")))), [""; 0], "an older one");
    assert_eq!(names(world.map_applied(&map("a", "s", "7", Some("named")))), [""; 0], "our own");
    assert!(world.copies().is_verified(&owner, "a", "h") && !world.copies().is_verified(&owner, "a", "other"));
    assert_eq!(names(world.map_applied(&map("a", "s", "8", Some("named")))), ["named"], "an edit");
    assert!(!world.copies().is_verified(&owner, "a", "h"));
    assert_eq!(names(world.map_applied(&map("a", "s", "9", None))), ["named"], "the label went");
    assert_eq!(world.copies().known_at(&owner, "a"), Some(&TargetKnowledge::Vanished));
}

#[test]
fn a_deletion_concerns_the_owner_and_whoever_waits_for_the_name() {
    let mut world = world();
    let owner = CopySet::new(&NamespacedName::new("own", "named"), "s");
    world.map_applied(&map("a", "s", "5", Some("named")));
    assert_eq!(world.copies().namespaces_of(&owner, "named"), ["a"]);
    assert_eq!(world.copies().namespaces_of(&owner, "another"), [""; 0], "of another UID");
    world.map_applied(&map("b", "planted", "5", Some("named")));
    assert_eq!(world.copies().namespaces_of(&owner, "named"), ["a"], "of another name");
    assert_eq!(names(world.map_deleted(&NamespacedName::new("a", "s"))), ["named"]);
    world.copies_mut().know(&owner, "b", Some(TargetKnowledge::Conflict));
    assert_eq!(names(world.map_deleted(&NamespacedName::new("b", "s"))), ["named"]);
    assert_eq!(names(world.map_deleted(&NamespacedName::new("b", "other"))), [""; 0]);
}

#[test]
fn a_source_and_an_account_concern_who_names_them() {
    let mut world = world();
    assert_eq!(names(world.map_applied(&map("own", "s", "1", None))), ["named"]);
    let account = NamespacedName::new("own", "default");
    assert_eq!(names(world.account_applied(&account, "1")), ["named", "selecting"]);
    assert_eq!(names(world.account_applied(&account, "1")), [""; 0]);
    assert_eq!(names(world.account_applied(&account, "2")), ["named", "selecting"], "recreated");
    assert_eq!(names(world.account_deleted(&account)), ["named", "selecting"]);
}

#[test]
fn a_copy_that_a_list_does_not_bring_is_gone_at_its_end() {
    let mut world = world();
    let owner = CopySet::new(&NamespacedName::new("own", "named"), "s");
    world.maps_listed_anew();
    world.map_applied(&map("a", "s", "5", Some("named")));
    world.map_applied(&map("b", "s", "5", Some("named")));
    assert_eq!(names(world.maps_listed()), [""; 0]);
    world.maps_listed_anew();
    world.map_applied(&map("b", "s", "5", Some("named")));
    world.maps_listed_anew();
    assert_eq!(world.copies().namespaces_of(&owner, "named"), ["a", "b"], "a list that broke off");
    world.map_applied(&map("a", "s", "5", Some("named")));
    assert_eq!(names(world.maps_listed()), ["named"]);
    assert_eq!(world.copies().namespaces_of(&owner, "named"), ["a"]);
}

#[test]
fn only_the_end_of_a_list_says_what_is_gone() {
    let mut world = world();
    world.namespace_applied("a", namespace("1", "red", false));
    world.namespace_applied("b", namespace("1", "red", false));
    world.namespaces_listed_anew();
    world.namespace_applied("a", namespace("1", "red", false));
    world.namespaces_listed_anew();
    assert_eq!(world.namespaces().len(), 2, "a list that broke off");
    world.namespace_applied("b", namespace("1", "red", false));
    assert_eq!(names(world.namespaces_listed()), ["named", "selecting"]);
    assert_eq!(world.namespaces().keys().collect::<Vec<_>>(), ["b"]);
    world.syncs_listed_anew();
    assert_eq!(names(world.syncs_listed()), ["named", "selecting"]);
    assert!(world.sync(&NamespacedName::new("own", "named")).is_none());
}

#[test]
fn an_older_version_and_a_status_concern_nobody() {
    let mut world = world();
    let spec = json!({"source": {"name": "s"}, "syncToNamespaces": ["c"]});
    assert_eq!(names(world.sync_applied(sync("named", "0", &spec))), [""; 0], "older");
    assert_eq!(world.sync(&NamespacedName::new("own", "named")).unwrap().object.spec.sync_to_namespaces, ["a", "b"]);
    assert_eq!(names(world.sync_applied(sync("named", "2", &spec))), [""; 0], "the same generation");
}

#[test]
fn the_finalizer_that_keeps_copies_is_remembered() {
    let mut world = world();
    let with = |version: &str, finalizers: &[&str]| {
        let object = json!({
            "apiVersion": "weaver.example.com/v1alpha1", "kind": "ConfigMapSync",
            "metadata": {
                "namespace": "own", "name": "named", "uid": "named", "resourceVersion": version, "generation": 2,
                "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers,
            },
            "spec": {"source": {"name": "s"}, "syncToNamespaces": ["a"]},
        });
        Arc::new(serde_json::from_value(object).unwrap())
    };
    world.sync_applied(with("3", &["weaver.example.com/cleanup", "orphan"]));
    world.sync_applied(with("4", &["weaver.example.com/cleanup"]));
    assert!(world.sync(&NamespacedName::new("own", "named")).unwrap().orphaned);
}

#[test]
fn a_copy_that_is_not_found_twice_is_gone() {
    let mut world = world();
    let owner = CopySet::new(&NamespacedName::new("own", "named"), "s");
    world.map_applied(&map("a", "s", "5", Some("named")));
    assert!(!world.copies_mut().missed(&owner, "a"), "the reader may be behind");
    assert_eq!(world.copies().namespaces_of(&owner, "named"), ["a"]);
    assert!(world.copies_mut().missed(&owner, "a"), "the watch lost an event");
    assert_eq!(world.copies().namespaces_of(&owner, "named"), [""; 0]);
    assert!(world.copies_mut().missed(&owner, "a"), "there is none");
}
