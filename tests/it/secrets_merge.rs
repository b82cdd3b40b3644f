//! Laws of merges and of differences of decrypted files.

#![allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use weft::secrets::{ChangeKind, Clash, Conflict, Merged, difference, merge, merge_sets};
use weft::value::{Map, Path, Step, Value};

use crate::cases;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("secrets", "what_one_side_changed_is_taken", one_side),
        cases::code("secrets", "merges_are_the_same_from_both_sides", both_ways),
        cases::code("secrets", "changes_of_different_keys_never_conflict", apart),
        cases::code("secrets", "a_conflict_keeps_our_side_and_a_merge_invents_nothing", conflicts),
        cases::code("secrets", "a_difference_is_empty_for_equal_contents_alone", differences),
        cases::code("secrets", "merges_tell_what_each_side_did", table),
        cases::code("secrets", "merged_keys_keep_their_order", order),
    ]
}

fn law<S: Strategy>(strategy: S, law: impl Fn(S::Value) -> TestCaseResult) -> Result<(), Failed> {
    TestRunner::new(cases::tries(256)).run(&strategy, law).map_err(|error| error.to_string().into())
}

/// Few keys and few values, so that sides often touch the same place, or do the same.
fn map() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::default()),
        (0..3_i64).prop_map(Value::from),
        (0..3_i64).prop_map(|n| Value::from(n).masked()),
    ];
    let node = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from), of_keys(inner)]
    });
    of_keys(node)
}

fn of_keys(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(("[a-e]", inner), 0..5).prop_map(|pairs| Map::from_iter(pairs).into())
}

fn one_side() -> Result<(), Failed> {
    law((map(), map()), |(base, side)| {
        for (ours, theirs) in [(&base, &side), (&side, &base), (&side, &side)] {
            let Merged { value, conflicts } = merge(&base, ours, theirs);
            prop_assert_eq!(&conflicts, &[]);
            prop_assert_eq!(&value, &side);
        }
        Ok(())
    })
}

fn both_ways() -> Result<(), Failed> {
    let mirrored = |conflict: &Conflict| {
        let clash = match conflict.clash {
            Clash::RemovedByUs => Clash::RemovedByThem,
            Clash::RemovedByThem => Clash::RemovedByUs,
            same => same,
        };
        (conflict.path.to_string(), clash as u8)
    };
    law((map(), map(), map()), |(base, ours, theirs)| {
        let (one, two) = (merge(&base, &ours, &theirs), merge(&base, &theirs, &ours));
        let mut here: Vec<_> = one.conflicts.iter().map(|it| (it.path.to_string(), it.clash as u8)).collect();
        let mut there: Vec<_> = two.conflicts.iter().map(mirrored).collect();
        here.sort();
        there.sort();
        prop_assert_eq!(&here, &there);
        if here.is_empty() {
            prop_assert_eq!(one.value, two.value);
        }
        Ok(())
    })
}

fn apart() -> Result<(), Failed> {
    let sides = prop::collection::vec(("[a-h]", prop::option::of(map()), any::<bool>()), 0..8);
    law((map(), sides), |(base, changes)| {
        let (mut ours, mut theirs, mut both) = (base.clone(), base.clone(), base.clone());
        let mut seen = Vec::new();
        for (key, value, mine) in changes {
            if seen.contains(&key) {
                continue;
            }
            for side in [if mine { &mut ours } else { &mut theirs }, &mut both] {
                let side = side.as_map_mut().expect("a map");
                match &value {
                    Some(value) => drop(side.insert(key.clone(), value.clone())),
                    None => drop(side.remove(&key)),
                }
            }
            seen.push(key);
        }
        let merged = merge(&base, &ours, &theirs);
        prop_assert_eq!(&merged.conflicts, &[]);
        prop_assert_eq!(merged.value, both);
        Ok(())
    })
}

fn conflicts() -> Result<(), Failed> {
    law((map(), map(), map()), |(base, ours, theirs)| {
        let merged = merge(&base, &ours, &theirs);
        for conflict in &merged.conflicts {
            prop_assert_eq!(conflict.path.resolve(&merged.value), conflict.path.resolve(&ours));
            prop_assert!(conflict.path.resolve(&ours) != conflict.path.resolve(&theirs));
        }
        let changed = |side: &Value| difference(&base, side).into_iter().map(|it| top(&it.path)).collect::<Vec<_>>();
        let allowed = [changed(&ours), changed(&theirs)].concat();
        for change in difference(&base, &merged.value) {
            prop_assert!(allowed.contains(&top(&change.path)), "{} was changed by nobody", change.path);
        }
        Ok(())
    })
}

/// The first key of a path.
fn top(path: &Path) -> Option<Step> {
    path.0.first().cloned()
}

fn differences() -> Result<(), Failed> {
    law((map(), map()), |(old, new)| {
        prop_assert_eq!(difference(&old, &old), vec![]);
        let found = difference(&old, &new);
        prop_assert_eq!(found.is_empty(), old == new);
        for change in found {
            // Items of lists move, so that only paths through maps stand for both revisions.
            let through_maps = change.path.0.iter().all(|step| matches!(step, Step::Field(_)));
            let (before, after) = (change.path.resolve(&old), change.path.resolve(&new));
            match change.kind {
                ChangeKind::Added | ChangeKind::Changed => prop_assert!(after.is_some()),
                ChangeKind::Removed => prop_assert!(before.is_some() || !through_maps),
                ChangeKind::Unknown => prop_assert!(false, "nothing is encrypted"),
            }
            prop_assert!(!through_maps || before != after);
        }
        Ok(())
    })
}

fn yaml(text: &str) -> Value {
    weft::yaml::document(text, &std::sync::Arc::default(), weft::yaml::Rules::Strict).expect("YAML")
}

/// Base, ours, theirs, what is merged, and the conflicts.
const TABLE: &[(&str, &str, &str, &str, &[&str])] = &[
    ("{a: 1}", "{a: 2}", "{a: 3}", "{a: 2}", &["a: changed on both sides"]),
    ("{}", "{a: 2}", "{a: 3}", "{a: 2}", &["a: added on both sides"]),
    ("{a: 1}", "{}", "{a: 3}", "{}", &["a: removed by us, changed by them"]),
    ("{a: 1}", "{a: 3}", "{}", "{a: 3}", &["a: changed by us, removed by them"]),
    ("{a: 1, b: 1}", "{b: 1}", "{a: 1}", "{}", &[]),
    ("{a: {b: 1, c: 1}}", "{a: {b: 2, c: 1}}", "{a: {b: 1, c: 2}}", "{a: {b: 2, c: 2}}", &[]),
    ("{a: {b: 1}}", "{a: {b: 1, c: 1}}", "{}", "{a: {b: 1, c: 1}}", &["a: changed by us, removed by them"]),
    ("{}", "{a: {b: 1}}", "{a: {c: 1}}", "{a: {b: 1, c: 1}}", &[]),
    ("{a: 1}", "{a: {b: 1}}", "{a: [1]}", "{a: {b: 1}}", &["a: changed on both sides"]),
    ("{a: [1, 2, 3, 4]}", "{a: [0, 1, 2, 3, 4]}", "{a: [1, 2, 4]}", "{a: [0, 1, 2, 4]}", &[]),
    ("{a: [1, 2]}", "{a: [1, 2, 3]}", "{a: [1, 2, 4]}", "{a: [1, 2, 3]}", &["a: changed on both sides"]),
    ("{a: [1, 2]}", "{a: [1, 2, 3]}", "{a: [1, 2, 3]}", "{a: [1, 2, 3]}", &[]),
    ("{a: null}", "{}", "{a: null, b: 1}", "{b: 1}", &[]),
    ("[{a: 1}, {b: 1}]", "[{a: 2}, {b: 1}]", "[{a: 1}, {b: 2}]", "[{a: 2}, {b: 2}]", &[]),
    ("{a: 1}", "{a: '1'}", "{a: 1}", "{a: '1'}", &[]),
];

fn table() -> Result<(), Failed> {
    for (base, ours, theirs, expected, conflicts) in TABLE {
        let merged = merge(&yaml(base), &yaml(ours), &yaml(theirs));
        assert_eq!(merged.value, yaml(expected), "{base} {ours} {theirs}");
        let said: Vec<String> = merged.conflicts.iter().map(|it| format!("{}: {}", it.path, it.clash)).collect();
        assert_eq!(said, *conflicts, "{base} {ours} {theirs}");
    }
    assert_eq!(merge_sets(&["a", "b"], &["a", "c"], &["a", "b", "d"]), ["a", "c", "d"]);
    Ok(())
}

fn order() -> Result<(), Failed> {
    let keys = |base, ours, theirs| {
        let merged = merge(&yaml(base), &yaml(ours), &yaml(theirs)).value;
        merged.as_map().expect("a map").keys().collect::<Vec<_>>().join("")
    };
    let base = "{a: 1, b: 1, c: 1}";
    assert_eq!(keys(base, "{a: 1, x: 1, b: 1, c: 1}", "{a: 1, b: 1, w: 1, c: 1}"), "axbwc");
    assert_eq!(keys(base, base, "{z: 1, a: 1, b: 1, c: 1}"), "zabc");
    assert_eq!(keys(base, "{a: 1, b: 1, c: 1, x: 1}", "{c: 1, b: 1, a: 1}"), "cxba", "they alone changed the order");
    assert_eq!(keys(base, "{b: 1, a: 1, c: 1}", "{c: 1, b: 1, a: 1, w: 1}"), "bawc", "our order wins");
    Ok(())
}
