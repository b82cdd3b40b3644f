//! Laws of merges, for any objects and writers.

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use weft::diff::{LiveObject, Manager};
use weft::schema::fields::FieldSet;
use weft::schema::merge::{Applied, apply, compare, field_set, remove};
use weft::schema::{Schemas, Type};
use weft::value::Value;

use super::story::{gvk, nothing, schemas, whole, yaml};
use crate::cases;

const SCHEMA: &str = "{type: object, properties: {
    count: {type: integer}, labels: {type: object, additionalProperties: {type: string}},
    whole: {type: array, items: {type: integer}},
    set: {type: array, x-kubernetes-list-type: set, items: {type: string}},
    struct: {type: object, properties: {a: {type: string}, b: {type: integer}}},
    items: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k, l], items: {type: object,
        properties: {k: {type: string}, l: {type: string, default: d}, v: {type: integer},
            inner: {type: object, additionalProperties: {type: integer}}}}}}}";

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("merge", "law_the_same_apply_twice_changes_nothing", twice),
        cases::code("merge", "law_an_apply_is_there_afterwards", there),
        cases::code("merge", "law_what_one_applier_added_goes_with_it", back),
        cases::code("merge", "law_others_keep_what_an_apply_did_not_change", others),
        cases::code("merge", "law_a_comparison_is_its_own_mirror", mirror),
        cases::code("merge", "law_sets_are_an_algebra", algebra),
        cases::code("merge", "law_what_is_removed_is_not_owned", removed),
    ]
}

fn check<S: Strategy>(strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) -> Result<(), Failed> {
    TestRunner::new(cases::tries(256)).run(strategy, law).map_err(|error| error.to_string().into())
}

fn map(key: &'static str, value: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    prop::collection::btree_map(key, value, 0..3).prop_map(|map| json!(map))
}

fn item() -> impl Strategy<Value = Json> {
    let letter = "[a-c]";
    let fields = (letter, prop::option::of("[de]"), prop::option::of(0..3), prop::option::of(map("[a-b]", number())));
    fields.prop_map(|(k, l, v, inner)| without_nulls(json!({"k": k, "l": l, "v": v, "inner": inner})))
}

fn number() -> impl Strategy<Value = Json> {
    (0..3).prop_map(|it| json!(it))
}

/// Objects in which no two items have the same keys. No list is empty: whoever applies an empty list that is merged owns
/// nothing by it, so that nobody is there to take it out again.
fn object() -> impl Strategy<Value = Value> {
    let text = || "[x-z]".prop_map(Json::from);
    let set =
        prop::collection::btree_set("[a-d]", 1..4).prop_map(|set| json!(set)).prop_flat_map(|list| shuffled(&list));
    let items = prop::collection::vec(item(), 1..4).prop_map(distinct);
    let optional = prop::option::of::<BoxedStrategy<Json>>;
    let fields = (
        optional(number().boxed()),
        optional(map("[a-c]", text()).boxed()),
        optional(prop::collection::vec(number(), 0..3).prop_map(Json::from).boxed()),
        optional(set.boxed()),
        optional(map("a", text()).boxed()),
        optional(items.boxed()),
    );
    fields.prop_map(|(count, labels, list, set, part, items)| {
        let object =
            json!({"count": count, "labels": labels, "whole": list, "set": set, "struct": part, "items": items});
        whole(&serde_json::from_value(without_nulls(object)).unwrap())
    })
}

fn shuffled(list: &Json) -> impl Strategy<Value = Json> + use<> {
    Just(list.as_array().cloned().unwrap_or_default()).prop_shuffle().prop_map(Json::from)
}

fn distinct(items: Vec<Json>) -> Json {
    let mut seen = std::collections::BTreeSet::new();
    let key = |item: &Json| (item["k"].to_string(), item["l"].as_str().unwrap_or("d").to_owned());
    items.into_iter().filter(|item| seen.insert(key(item))).collect()
}

fn without_nulls(value: Json) -> Json {
    let Json::Object(map) = value else { return value };
    Json::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// What some appliers in a row leave behind.
fn story() -> impl Strategy<Value = LiveObject> {
    prop::collection::vec(("[a-c]", object()), 0..4).prop_map(|applies| {
        let schemas = known();
        applies
            .into_iter()
            .fold(nothing(), |live, (name, object)| after(&live, applied(&live, &object, &schemas, &name)))
    })
}

fn known() -> Schemas {
    schemas(Some(&yaml(SCHEMA)), None)
}

fn shape(schemas: &Schemas) -> Type<'_> {
    schemas.of(&gvk()).unwrap()
}

fn applied(live: &LiveObject, object: &Value, schemas: &Schemas, name: &str) -> Applied {
    apply(live.managed(), object, shape(schemas), name).unwrap()
}

fn after(live: &LiveObject, applied: Applied) -> LiveObject {
    LiveObject { id: live.id.clone(), body: applied.body, managers: applied.managers }
}

fn fields(manager: &Manager) -> FieldSet {
    FieldSet::from_fields_v1(&manager.fields).unwrap()
}

fn twice() -> Result<(), Failed> {
    let schemas = known();
    check(&(story(), object()), |(live, desired)| {
        let once = applied(&live, &desired, &schemas, "weft");
        let live = after(&live, once.clone());
        let again = applied(&live, &desired, &schemas, "weft");
        prop_assert_eq!(&again.body, &once.body);
        prop_assert_eq!(&again.managers, &once.managers);
        prop_assert!(again.conflicts.is_empty());
        Ok(())
    })
}

fn there() -> Result<(), Failed> {
    let schemas = known();
    check(&(story(), object()), |(live, desired)| {
        let applied = applied(&live, &desired, &schemas, "weft");
        let set = field_set(&desired, shape(&schemas)).unwrap();
        prop_assert_eq!(&applied.ours, &set);
        let found = compare(&desired, &applied.body, shape(&schemas));
        // Nothing that was wanted is missing or another; where nothing was wanted, something may be.
        prop_assert!(found.removed.intersection(&set).is_empty(), "{:?}", found.removed.paths());
        prop_assert!(found.modified.is_empty(), "{:?}", found.modified.paths());
        Ok(())
    })
}

fn back() -> Result<(), Failed> {
    let schemas = known();
    check(&(story(), object()), |(live, desired)| {
        let first = applied(&live, &desired, &schemas, "weft");
        prop_assume!(first.conflicts.is_empty());
        let added = compare(&live.body, &first.body, shape(&schemas));
        prop_assume!(added.modified.is_empty());
        let left = applied(&after(&live, first), &whole(&yaml("{}")), &schemas, "weft");
        let found = compare(&live.body, &left.body, shape(&schemas));
        prop_assert!(found.added.is_empty(), "{:?} {:?}", found.added.paths(), left.body);
        prop_assert!(left.ours.is_empty());
        Ok(())
    })
}

fn others() -> Result<(), Failed> {
    let schemas = known();
    check(&(story(), object()), |(live, desired)| {
        let applied = applied(&live, &desired, &schemas, "weft");
        let changed = compare(&live.body, &applied.body, shape(&schemas));
        for manager in &live.managers {
            let later = applied.managers.iter().find(|m| m.name == manager.name).map(fields).unwrap_or_default();
            let expected =
                fields(manager).difference(&changed.modified).difference(&changed.added).difference(&changed.removed);
            prop_assert_eq!(later, expected);
        }
        Ok(())
    })
}

fn mirror() -> Result<(), Failed> {
    let schemas = known();
    check(&(object(), object()), |(a, b)| {
        let (there, back) = (compare(&a, &b, shape(&schemas)), compare(&b, &a, shape(&schemas)));
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.modified, &back.modified);
        prop_assert!(compare(&a, &a, shape(&schemas)).is_empty());
        Ok(())
    })
}

fn algebra() -> Result<(), Failed> {
    let schemas = known();
    let set = |object: &Value| field_set(object, shape(&schemas)).unwrap();
    check(&(object(), object()), |(a, b)| {
        let (a, b) = (set(&a), set(&b));
        let union = a.clone().union(&b);
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.difference(&b).union(&b.difference(&a)).union(&a.intersection(&b)), union.clone());
        prop_assert_eq!(union.difference(&b).intersection(&b).len(), 0);
        prop_assert!(a.recursive_difference(&b).difference(&a.difference(&b)).is_empty());
        prop_assert_eq!(a.only_leaves().paths(), a.leaves());
        prop_assert!(a.difference(&a.with_named_fields(Some(shape(&schemas)))).is_empty());
        let read = FieldSet::from_fields_v1(&union.to_fields_v1()).unwrap();
        prop_assert_eq!(read, union);
        Ok(())
    })
}

fn removed() -> Result<(), Failed> {
    let schemas = known();
    check(&(object(), object()), |(a, b)| {
        let set = field_set(&b, shape(&schemas)).unwrap();
        let left = remove(&a, &set, shape(&schemas));
        let found = compare(&a, &left, shape(&schemas));
        let both = field_set(&a, shape(&schemas)).unwrap().intersection(&set);
        prop_assert!(found.added.is_empty());
        prop_assert!(both.difference(&found.removed).is_empty(), "{:?}", both.difference(&found.removed).paths());
        prop_assert_eq!(&remove(&left, &set, shape(&schemas)), &left);
        prop_assert_eq!(remove(&a, &FieldSet::default(), shape(&schemas)), a);
        Ok(())
    })
}
