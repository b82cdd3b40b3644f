//! What holds for every value.

use crate::cases;
use libtest_mimic::Failed;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use weft::value::{Data, Map, Value};
use weft::yaml::{self, Rules};

/// What is written is read back as the same value under both rules, and written again it is the same text.
pub fn read_back() -> Result<(), Failed> {
    TestRunner::new_with_rng(cases::tries(256), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&value(), |value| {
            let text = yaml::write(&value);
            for rules in [Rules::Strict, Rules::Kubernetes] {
                let read = yaml::document(&text, &super::file(), rules);
                let read = read.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
                prop_assert_eq!(&read, &value, "{}", text);
                prop_assert_eq!(yaml::write(&read), text.as_str());
            }
            Ok(())
        })
        .map_err(|error| error.to_string().into())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::default()),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|items| Data::List(items).into()),
            vec((text(), inner), 0..6).prop_map(|entries| entries.into_iter().collect::<Map>().into()),
        ]
    })
}

/// Texts that look like something else, with the characters that YAML minds.
fn text() -> impl Strategy<Value = String> {
    let words =
        vec!["yes", "null", "~", "0755", "1_000", "1e3", "12:30", "2001-12-14", "<<", "=", ".inf", "- a", "a: b"];
    let lines = [
        "a", " ", "  ", "\n", "\n\n", "\t", ": ", " #", "-", "?", "'", "\"", "\\", "{", "]", ",", "&a", "*a", "!", "|",
        ">", "%", "@",
    ];
    let nasty =
        ["\u{85}", "\u{2028}", "\u{2029}", "\u{feff}", "\r", "\0", "\u{7}", "\u{7f}", "\u{a0}", "é", "😀", "\u{ffff}"];
    let pieces = lines.into_iter().chain(nasty).collect::<Vec<_>>();
    prop_oneof![
        prop::sample::select(words).prop_map(str::to_owned),
        vec(prop::sample::select(pieces), 0..12).prop_map(|parts| parts.concat()),
        vec("[a-z]{1,12}", 0..40).prop_map(|words| words.join(" ")),
        any::<String>(),
    ]
}
