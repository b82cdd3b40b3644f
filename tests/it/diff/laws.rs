//! Laws that hold for any sets, objects and edits.

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use weft::diff::{LiveObject, MANAGER, live, proven, record};
use weft::schema::fields::FieldSet;
use weft::value::{Path, Step, Value};

use super::{key, object};
use crate::cases;

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("diff", "law_sets_are_an_algebra", sets_are_an_algebra),
        cases::code("diff", "law_sets_survive_the_codec", sets_survive_the_codec),
        cases::code("diff", "law_a_record_proves_what_it_was_made_of", records_prove),
        cases::code("diff", "law_a_change_of_an_owned_field_breaks_the_proof", owned_changes_break_proofs),
        cases::code("diff", "law_a_change_of_a_foreign_field_does_not", foreign_changes_do_not),
    ]
}

fn check<S: Strategy>(strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) -> Result<(), Failed> {
    TestRunner::new(cases::tries(256)).run(strategy, law).map_err(|error| error.to_string().into())
}

fn step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![any::<i64>().prop_map(Value::from), "[a-z\"\\\\.é<]{0,3}".prop_map(Value::from)];
    prop_oneof![
        3 => "[a-c./]{0,2}".prop_map(|name| Step::Field(name.into())),
        1 => leaf.clone().prop_map(|name| Step::Item(vec![("name".into(), name)])),
        1 => (leaf.clone(), any::<bool>())
            .prop_map(|(port, flag)| Step::Item(vec![("flag".into(), flag.into()), ("port".into(), port)])),
        1 => leaf.prop_map(Step::Member),
    ]
}

fn set() -> impl Strategy<Value = FieldSet> {
    let path = prop::collection::vec(step(), 1..4).prop_map(Path);
    prop::collection::vec(path, 0..8).prop_map(|paths| paths.into_iter().collect())
}

fn sets_are_an_algebra() -> Result<(), Failed> {
    check(&(set(), set(), set()), |(a, b, c)| {
        let union = |x: &FieldSet, y: &FieldSet| x.clone().union(y);
        prop_assert_eq!(union(&a, &b), union(&b, &a));
        prop_assert_eq!(union(&union(&a, &b), &c), union(&a, &union(&b, &c)));
        prop_assert_eq!(union(&a, &a), a.clone());
        prop_assert!(a.difference(&a).is_empty());
        prop_assert!(a.difference(&union(&a, &b)).is_empty());
        prop_assert_eq!(union(&union(&a, &b).difference(&b), &b), union(&a, &b));
        for path in a.paths() {
            prop_assert!(a.contains(&path) && a.owns(&path) && union(&a, &b).contains(&path));
            prop_assert_eq!(a.difference(&b).contains(&path), !b.contains(&path));
        }
        Ok(())
    })
}

fn sets_survive_the_codec() -> Result<(), Failed> {
    check(&set(), |set| {
        let text = serde_json::to_string(&set.to_fields_v1()).unwrap();
        let back = FieldSet::from_fields_v1(&serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert_eq!(&back, &set);
        prop_assert_eq!(back.paths().into_iter().collect::<FieldSet>(), set);
        Ok(())
    })
}

/// A config map with an owned and a foreign key for each entry; some of ours are lists of named items.
#[derive(Clone, Debug)]
struct Sample {
    owned: Vec<(String, String)>,
    foreign: Vec<(String, String)>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let entries = |prefix: &'static str| {
        let keys = prop::collection::btree_map("[a-z./]{1,4}", "[a-z0-9]{0,4}", 1..5);
        keys.prop_map(move |map| map.into_iter().map(|(k, v)| (format!("{prefix}{k}"), v)).collect::<Vec<_>>())
    };
    (entries("our-"), entries("their-")).prop_map(|(owned, foreign)| Sample { owned, foreign })
}

impl Sample {
    fn desired(&self) -> Json {
        let items: Vec<Json> = self.owned.iter().map(|(k, v)| json!({"name": k, "value": v})).collect();
        let data: serde_json::Map<_, _> = self.owned.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        json!({"apiVersion": "example.com/v1", "kind": "Sample", "metadata": {"name": "a"}, "data": data, "items": items})
    }

    fn live(&self) -> LiveObject {
        let mut body = self.desired();
        let mut ours = json!({"f:data": {}, "f:items": {}});
        for (name, _) in &self.owned {
            ours["f:data"][format!("f:{name}")] = json!({});
            ours["f:items"][format!("k:{}", json!({"name": name}))] = json!({".": {}, "f:name": {}, "f:value": {}});
        }
        let mut theirs = json!({"f:data": {}});
        for (name, value) in &self.foreign {
            body["data"][name] = json!(value);
            body["items"].as_array_mut().unwrap().insert(0, json!({"name": name, "value": value}));
            theirs["f:data"][format!("f:{name}")] = json!({});
        }
        body["metadata"]["uid"] = json!("u");
        body["metadata"]["managedFields"] = json!([
            {"manager": MANAGER, "operation": "Apply", "fieldsV1": ours},
            {"manager": "other", "operation": "Update", "fieldsV1": theirs},
        ]);
        of(&body)
    }
}

fn of(body: &Json) -> LiveObject {
    live(serde_json::from_value(body.clone()).unwrap()).unwrap()
}

/// Whether an edit of the body leaves the proof standing.
fn still_proven(sample: &Sample, edit: impl FnOnce(&mut Json)) -> bool {
    let object = object(serde_json::from_value(sample.desired()).unwrap());
    let before = sample.live();
    let recorded = record(&object, &before, &key());
    let mut body = serde_json::to_value(&before.body).unwrap();
    edit(&mut body);
    let after = LiveObject { body: serde_json::from_value(body).unwrap(), ..before };
    proven(&object, &after, &recorded, None, &key())
}

fn holds(sample: &Sample, edit: impl FnOnce(&mut Json)) -> Result<(), TestCaseError> {
    let proven = still_proven(sample, edit);
    prop_assert!(proven, "the proof should hold");
    Ok(())
}

fn breaks(sample: &Sample, edit: impl FnOnce(&mut Json)) -> Result<(), TestCaseError> {
    let proven = still_proven(sample, edit);
    prop_assert!(!proven, "the proof should break");
    Ok(())
}

fn items(body: &mut Json) -> &mut Vec<Json> {
    body["items"].as_array_mut().unwrap()
}

fn records_prove() -> Result<(), Failed> {
    check(&sample(), |sample| {
        holds(&sample, |_| ())?;
        breaks(&sample, |body| body["metadata"]["uid"] = json!("other"))?;
        breaks(&sample, |body| body["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"))
    })
}

fn owned_changes_break_proofs() -> Result<(), Failed> {
    check(&(sample(), any::<prop::sample::Index>(), "[A-Z]{1,3}"), |(sample, which, value)| {
        let name = &which.get(&sample.owned).0;
        let place = |body: &mut Json| items(body).iter().position(|item| item["name"] == json!(name)).unwrap();
        breaks(&sample, |body| body["data"][name] = json!(value))?;
        breaks(&sample, |body| drop(body["data"].as_object_mut().unwrap().remove(name)))?;
        breaks(&sample, |body| {
            let at = place(body);
            items(body)[at]["value"] = json!(value);
        })?;
        breaks(&sample, |body| {
            let at = place(body);
            items(body).remove(at);
        })?;
        if sample.owned.len() > 1 {
            breaks(&sample, |body| items(body).reverse())?;
        }
        Ok(())
    })
}

fn foreign_changes_do_not() -> Result<(), Failed> {
    check(&(sample(), any::<prop::sample::Index>(), "[A-Z]{1,3}"), |(sample, which, value)| {
        let name = &which.get(&sample.foreign).0;
        holds(&sample, |body| body["data"][name] = json!(value))?;
        holds(&sample, |body| body["data"][&value] = json!(value))?;
        holds(&sample, |body| drop(items(body).remove(0)))?;
        holds(&sample, |body| items(body).push(json!({"name": value})))?;
        holds(&sample, |body| body["status"] = json!({"x": value}))?;
        holds(&sample, |body| body["metadata"]["resourceVersion"] = json!(value))
    })
}
