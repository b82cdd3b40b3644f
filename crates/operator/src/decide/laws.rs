//! Laws of a target over generated input, against a simulated server: every target comes to rest, a second run does
//! nothing, and nothing of others is ever touched.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::marks::{NamespacedName, OWNER_NAME, OWNER_NAMESPACE, OWNER_UID, SOURCE_HASH};
use crate::{ConflictPolicy, DriftPolicy};

/// A ConfigMap that somebody may have left at the target.
#[derive(Clone, Debug)]
struct ForeignMap {
    data: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    marks: Marks,
    immutable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Marks {
    Ours,
    OursOutdated,
    Before,
    AnotherSync,
    Helm,
    None,
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[abc]", "[xy]{0,2}", 0..4)
}

fn left() -> impl Strategy<Value = Option<ForeignMap>> {
    let marks = prop::sample::select(vec![
        Marks::Ours,
        Marks::OursOutdated,
        Marks::Before,
        Marks::AnotherSync,
        Marks::Helm,
        Marks::None,
    ]);
    let one = (texts(), texts(), marks, any::<bool>());
    prop::option::of(one.prop_map(|(data, labels, marks, immutable)| ForeignMap { data, labels, marks, immutable }))
}

fn conflict() -> impl Strategy<Value = ConflictPolicy> {
    prop::sample::select(vec![ConflictPolicy::Fail, ConflictPolicy::Adopt, ConflictPolicy::Skip])
}

fn drift() -> impl Strategy<Value = DriftPolicy> {
    prop::sample::select(vec![DriftPolicy::Correct, DriftPolicy::Report, DriftPolicy::Ignore])
}

fn owner() -> CopyOwner {
    CopyOwner { key: NamespacedName::new("own", "sync"), uid: "u1".into() }
}

fn wanted(data: &BTreeMap<String, String>, immutable: bool) -> DesiredCopy {
    let spec = json!({
        "source": {"name": "s"},
        "target": {"labels": {"static": "1"}, "immutable": if immutable { "Always" } else { "Never" }},
    });
    let source = json!({"metadata": {"namespace": "own", "name": "s"}, "data": data});
    DesiredCopy::new(&owner(), &serde_json::from_value(spec).unwrap(), &serde_json::from_value(source).unwrap())
}

fn planted(left: &ForeignMap, wanted: &DesiredCopy) -> ConfigMap {
    let mut object = wanted.object("there");
    object.data = Some(left.data.clone());
    object.immutable = left.immutable.then_some(true);
    let labels = object.metadata.labels.get_or_insert_default();
    let annotations = object.metadata.annotations.get_or_insert_default();
    labels.extend(left.labels.clone());
    match left.marks {
        Marks::Ours => {}
        Marks::OursOutdated => _ = annotations.insert(SOURCE_HASH.into(), "old".into()),
        Marks::Before => _ = annotations.insert(OWNER_UID.into(), "u0".into()),
        Marks::AnotherSync => _ = labels.insert(OWNER_NAME.into(), "another".into()),
        Marks::Helm | Marks::None => {
            labels.remove(OWNER_NAME);
            labels.remove(OWNER_NAMESPACE);
            annotations.clear();
        }
    }
    if left.marks == Marks::Helm {
        annotations.insert("meta.helm.sh/release-name".into(), "r".into());
    }
    object
}

/// What a server makes of a step, and whether it was a write.
fn act(step: &TargetStep, found: &TargetState, wanted: &DesiredCopy) -> TargetState {
    let TargetState::Present(object) = found else {
        assert_eq!(*step, TargetStep::Create, "only that can be done to nothing");
        return TargetState::Present(Box::new(wanted.object("there")));
    };
    let mut object = object.clone();
    match step {
        TargetStep::Create => panic!("it is there"),
        TargetStep::Replace => return TargetState::Absent,
        TargetStep::Change { difference, .. } => {
            assert!(object.immutable != Some(true) || !difference.is_of_data(), "a server refuses that");
            let mut merged = serde_json::to_value(&*object).unwrap();
            merge(&mut merged, &wanted.patch(difference, None));
            object = Box::new(serde_json::from_value(merged).unwrap());
        }
        TargetStep::Done(_) => panic!("nothing is to be done"),
    }
    TargetState::Present(object)
}

/// A merge patch, as RFC 7396 has it.
fn merge(target: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else { return };
    for (key, value) in patch {
        match value {
            Json::Null => _ = target.as_object_mut().unwrap().remove(key),
            Json::Object(_) => {
                if !target[key].is_object() {
                    target[key] = json!({});
                }
                merge(&mut target[key], value);
            }
            other => target[key] = other.clone(),
        }
    }
}

/// Runs to the end: how it ended, what is there then, and how many writes it took.
fn run(rules: &TargetRules<'_>, mut found: TargetState) -> (TargetOutcome, TargetState, usize) {
    for writes in 0..6 {
        match step(rules, &found) {
            TargetStep::Done(outcome) => return (outcome, found, writes),
            next => found = act(&next, &found, rules.wanted),
        }
    }
    panic!("it never ends: {found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_target_comes_to_rest_and_nothing_foreign_is_touched(
        data in texts(), immutable: bool, left in left(), conflict in conflict(), drift in drift(), seen: bool,
    ) {
        let wanted = wanted(&data, immutable);
        let owner = owner();
        let rules = TargetRules { wanted: &wanted, owner: &owner, conflict, drift };
        let nothing = if seen { TargetState::Absent } else { TargetState::Unseen };
        let begin = left.as_ref().map_or(nothing, |it| TargetState::Present(Box::new(planted(it, &wanted))));
        let (outcome, end, writes) = run(&rules, begin.clone());

        let (again, still, more) = run(&rules, end.clone());
        prop_assert_eq!((&again, &still, more), (&outcome, &end, 0), "a second run does nothing");

        let marks = left.as_ref().map(|it| it.marks);
        let theirs = matches!(marks, Some(Marks::AnotherSync | Marks::Helm));
        let not_ours = matches!(marks, Some(Marks::None | Marks::Before)) && conflict != ConflictPolicy::Adopt;
        let taken_up = marks == Some(Marks::Before) && outcome == TargetOutcome::Synced;
        if theirs || (not_ours && !taken_up) {
            prop_assert_eq!(&end, &begin, "not ours");
            prop_assert!(matches!(outcome, TargetOutcome::Conflict(_) | TargetOutcome::Skipped));
        } else if drift == DriftPolicy::Correct {
            let TargetState::Present(object) = &end else { panic!("it is there") };
            prop_assert!(wanted.difference(object).is_none(), "{:?}", wanted.difference(object));
            prop_assert_eq!(&outcome, &TargetOutcome::Synced);
        }
        if taken_up && conflict != ConflictPolicy::Adopt {
            let (TargetState::Present(before), TargetState::Present(after)) = (&begin, &end) else { panic!("it is there") };
            prop_assert_eq!(&before.data, &after.data, "it was what we would have written");
        }
        prop_assert!(writes <= 2, "one write, or a deletion and a creation");
        if marks == Some(Marks::Ours) && drift != DriftPolicy::Correct {
            prop_assert_eq!(writes, 0, "drift is not corrected");
        }
    }

    #[test]
    fn an_edit_of_the_source_is_one_write(before in texts(), after in texts()) {
        let old = wanted(&before, false);
        let new = wanted(&after, false);
        let owner = owner();
        prop_assume!(before != after);
        for drift in [DriftPolicy::Correct, DriftPolicy::Report, DriftPolicy::Ignore] {
            let rules = TargetRules { wanted: &new, owner: &owner, conflict: ConflictPolicy::Fail, drift };
            let (outcome, _, writes) = run(&rules, TargetState::Present(Box::new(old.object("there"))));
            prop_assert_eq!((outcome, writes), (TargetOutcome::Synced, 1));
        }
    }

    #[test]
    fn sums_are_of_the_parts(outcomes in prop::collection::btree_map("[a-z]{3}", 0u8..5, 0..80)) {
        let of = |kind| match kind {
            0 => TargetOutcome::Synced,
            1 => TargetOutcome::Skipped,
            2 => TargetOutcome::pending(crate::SyncReason::NamespaceMissing, "w"),
            3 => TargetOutcome::Conflict("c".into()),
            _ => TargetOutcome::failed(crate::SyncReason::TargetForbidden, "f"),
        };
        let outcomes: BTreeMap<String, TargetOutcome> = outcomes.into_iter().map(|(name, kind)| (name, of(kind))).collect();
        let sum = tally(&outcomes);
        prop_assert_eq!(sum.targets, sum.synced + sum.pending + sum.failed);
        prop_assert!(sum.conflicts <= sum.failed && sum.listed.len() == sum.failed.min(50));
        prop_assert!(sum.listed.is_sorted_by_key(|it| it.namespace.clone()));
    }
}

#[test]
fn a_status_that_finds_the_same_is_the_same() {
    let wanted = wanted(&BTreeMap::from([("a".into(), "1".into())]), false);
    let outcomes = BTreeMap::from([
        ("x".to_owned(), TargetOutcome::Synced),
        ("y".to_owned(), TargetOutcome::Conflict("c".into())),
    ]);
    let sum = tally(&outcomes);
    let view = VisitView::Seen { source: ("u", "1"), wanted: &wanted, tally: &sum };
    let at = |second| k8s_openapi::jiff::Timestamp::from_second(second).unwrap();
    let first = status(&crate::ConfigMapSyncStatus::default(), 1, &view, at(100));
    assert_eq!(status(&first, 1, &view, at(200)), first);
    let said: Vec<String> =
        first.conditions.iter().map(|it| format!("{}={}/{}", it.type_, it.status, it.reason)).collect();
    assert_eq!(
        said,
        ["Available=False/PartiallySynced", "Progressing=False/TargetConflict", "Degraded=True/TargetConflict"]
    );
}
