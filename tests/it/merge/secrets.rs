//! Secrets in a merge: they are compared by their values, stay masked, and may even tell items apart.

use libtest_mimic::{Failed, Trial};
use weft::schema::merge::{apply, field_set};
use weft::value::{Map, Value};

use super::story::{gvk, json, nothing, schemas, whole, yaml};
use crate::cases;

const SCHEMA: &str = "{type: object, properties: {
    data: {type: object, additionalProperties: {type: string}}, count: {type: integer},
    set: {type: array, x-kubernetes-list-type: set, items: {type: string}}}}";

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("merge", "secrets_compare_by_value_and_stay_masked", compare_by_value),
        cases::code("merge", "secrets_tell_items_apart", tell_items_apart),
    ]
}

fn object(key: &str, value: Value) -> Value {
    whole(&[(key, value)].into_iter().collect::<Map>().into())
}

fn compare_by_value() -> Result<(), Failed> {
    let schemas = schemas(Some(&yaml(SCHEMA)), None);
    let shape = schemas.of(&gvk()).unwrap();
    let mut live = nothing();
    live.body = object("data", yaml("{a: hunter2, b: plain, c: old}"));
    let desired = object("data", yaml("{a: hunter2, c: new}").masked());
    let applied = apply(live.managed(), &desired, shape, "a").unwrap();
    let taken: Vec<String> =
        applied.conflicts.iter().flat_map(|it| it.fields.paths()).map(|path| path.to_string()).collect();
    assert_eq!(taken, ["data.c"]);
    assert!(applied.body.dig(&["data", "c"]).unwrap().is_masked());
    assert!(!json(&applied.body).contains("new"), "{}", json(&applied.body));
    // Once it is there, nothing changes, whichever side is masked.
    let again = live.clone();
    let again = weft::diff::LiveObject { body: applied.body.clone(), managers: applied.managers, ..again };
    let second = apply(again.managed(), &desired, shape, "a").unwrap();
    assert_eq!(second.body, applied.body);
    assert!(second.conflicts.is_empty());
    // What a secret is, nobody is told: not even that it is of the wrong kind.
    field_set(&object("count", Value::from("x").masked()), shape).map(drop).map_err(|error| error.to_string().into())
}

fn tell_items_apart() -> Result<(), Failed> {
    let schemas = schemas(Some(&yaml(SCHEMA)), None);
    let shape = schemas.of(&gvk()).unwrap();
    let masked = field_set(&object("set", yaml("[b, a]").masked()), shape).unwrap();
    assert_eq!(masked, field_set(&object("set", yaml("[a, b]")), shape).unwrap());
    let twice = field_set(&object("set", yaml("[hunter2, hunter2]").masked()), shape).unwrap_err();
    cases::same("the error", "`set[=(masked)]` is there twice", &twice.to_string())
}
