//! Tests of `values`: cases are projects with the layers of one release; laws and `--set` are code.

#![allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use serde::Deserialize;
use weft::diagnostic::Diagnostic;
use weft::project::{self, Environment};
use weft::tree::Tree;
use weft::value::{Map, Value};
use weft::values::{self, Layer, SetKind, Values, ValuesError};
use weft::yaml::{self, Rules};

use crate::cases::{self, Case, same};

/// A test that is code.
type Law = fn() -> Result<(), Failed>;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("values", run);
    let laws: [(&str, Law); 6] = [
        ("set_reads_what_helm_reads", set),
        ("set_says_what_is_wrong", set_errors),
        ("merge_is_associative", associative),
        ("an_empty_layer_changes_nothing", empty_layer),
        ("a_later_layer_wins", later_wins),
        ("null_removes", null_removes),
    ];
    trials.extend(laws.map(|(name, law)| cases::code("values", name, law)));
    trials
}

/// What a case asks for. The chart's defaults are `charts/<release>/values.yaml` of its project, the decrypted secrets
/// are `secrets.yaml` of the case.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Asked {
    inputs: BTreeMap<String, String>,
    set: Vec<String>,
    set_string: Vec<String>,
    set_json: Vec<String>,
}

fn run(case: &Case) -> Result<(), Failed> {
    let asked = case.read_if_there("case.yaml").unwrap_or_else(|| "{}".to_owned());
    let asked: Asked = yaml::config(&asked, &Arc::new("case.yaml".to_owned()))?;
    let secrets = case.read_if_there("secrets.yaml").map(|text| read("secrets/dev/app.yaml", &text).masked());
    let tree = case.tree("project");
    let environment = project::load(&tree, "dev").map_err(|error| Diagnostic::of(&error).to_string())?;
    let said = match layers(&tree, &environment, secrets, &asked) {
        Ok(layers) => describe(&values::merge(layers)),
        Err(error) => Diagnostic::of(&error).to_string(),
    };
    case.expect("expected.txt", &said)
}

fn layers(
    tree: &Tree,
    environment: &Environment,
    secrets: Option<Value>,
    asked: &Asked,
) -> Result<Vec<Layer>, ValuesError> {
    let release = &environment.releases[0];
    let defaults = format!("charts/{}/values.yaml", release.name);
    let defaults = tree.text(&defaults).ok().map(|text| read(&defaults, text));
    let secrets = secrets.map(|values| Layer::of_user("secrets", values)).into_iter().collect();
    let mut overrides = Vec::new();
    for (kind, texts) in
        [(SetKind::Json, &asked.set_json), (SetKind::Typed, &asked.set), (SetKind::Text, &asked.set_string)]
    {
        for text in texts {
            overrides.push(values::parse_set(text, kind)?);
        }
    }
    values::layers(environment, release, tree, defaults.as_ref(), secrets, overrides, &asked.inputs)
}

fn read(file: &str, text: &str) -> Value {
    yaml::document(text, &Arc::new(file.to_owned()), Rules::Strict).expect("YAML")
}

fn describe(values: &Values) -> String {
    let mut out = values::explain(values);
    out.push_str("\nset by a user:\n");
    for (path, origin) in &values.set_by_user {
        let _ = writeln!(out, "  {path} at {origin}");
    }
    out
}

fn merged(texts: &[&str]) -> Value {
    merge(texts.iter().map(|text| read("layer.yaml", text)))
}

fn merge(layers: impl IntoIterator<Item = Value>) -> Value {
    values::merge(layers.into_iter().map(|values| Layer::of_user("layer", values)).collect()).merged
}

/// Arguments over values of users, and what Helm's `strvals` makes of both.
const SETS: &[(SetKind, &str, &str, &str)] = &[
    (SetKind::Typed, "a=1,b=x", "{}", r#"{"a":1,"b":"x"}"#),
    (SetKind::Typed, "a.b.c=1", "{a: {b: {d: 2}}}", r#"{"a":{"b":{"d":2,"c":1}}}"#),
    (SetKind::Typed, "a=true,b=FALSE,c=null,d=", "{c: 1}", r#"{"c":null,"a":true,"b":false,"d":""}"#),
    (SetKind::Typed, "a=0,b=007,c=1.5,d=-3,e=1e3", "{}", r#"{"a":0,"b":"007","c":"1.5","d":-3,"e":"1e3"}"#),
    (SetKind::Typed, "a=99999999999999999999", "{}", r#"{"a":"99999999999999999999"}"#),
    (SetKind::Typed, "a={x,1,true}", "{a: [old, b]}", r#"{"a":["x",1,true]}"#),
    (SetKind::Typed, "a={},b={x},c=y", "{}", r#"{"a":[""],"b":["x"],"c":"y"}"#),
    (SetKind::Typed, "a[0].b=x,a[2]=y", "{}", r#"{"a":[{"b":"x"},null,"y"]}"#),
    (SetKind::Typed, "a[1].b=x", "{a: [{c: 1}, {c: 2}]}", r#"{"a":[{"c":1},{"c":2,"b":"x"}]}"#),
    (SetKind::Typed, "a[0][1]=x", "{}", r#"{"a":[[null,"x"]]}"#),
    (SetKind::Typed, r"a\.b/c=1,d=x\,y\=z", "{}", r#"{"a.b/c":1,"d":"x,y=z"}"#),
    (SetKind::Typed, r"a=\{x\}", "{}", r#"{"a":"{x}"}"#),
    (SetKind::Typed, "a=b=c", "{}", r#"{"a":"b=c"}"#),
    (SetKind::Typed, "a=x,", "{}", r#"{"a":"x"}"#),
    (SetKind::Typed, "", "{a: 1}", r#"{"a":1}"#),
    (SetKind::Typed, "a.b=1", "{a: text}", r#"{"a":{"b":1}}"#),
    (SetKind::Text, "a=1,b=true,c={1,2}", "{}", r#"{"a":"1","b":"true","c":["1","2"]}"#),
    (
        SetKind::Json,
        r#"a={"b":[1,{"c":"x,y"}]},d.e=1.5"#,
        "{a: {z: 1}}",
        r#"{"a":{"b":[1,{"c":"x,y"}]},"d":{"e":1.5}}"#,
    ),
    (SetKind::Json, r#"a=,b[1]="x" , c=null"#, "{}", r#"{"a":null,"b":[null,"x"]," c":null}"#),
    (SetKind::Json, r#"{"a":{"b":1}}"#, "{a: {z: 1}}", r#"{"a":{"z":1,"b":1}}"#),
];

fn set() -> Result<(), Failed> {
    for (kind, argument, below, expected) in SETS {
        let layer = values::parse_set(argument, *kind).map_err(|error| format!("{argument}: {error}"))?;
        let merged = values::merge(vec![Layer::of_user("below", read("below.yaml", below)), layer]).merged;
        same(argument, expected, &serde_json::to_string(&merged)?)?;
    }
    Ok(())
}

fn set_errors() -> Result<(), Failed> {
    let cases = [
        ("a", "`a` has no value"),
        ("a,b=1", "`a` has no value"),
        ("=1", "a key is empty"),
        ("a..b=1", "a key below `a` is empty"),
        ("a[x]=1", "`a[x]` names no place of a list; the largest is 65536"),
        ("a[-1]=1", "`a[-1]` names no place of a list; the largest is 65536"),
        ("a[65537]=1", "`a[65537]` names no place of a list; the largest is 65536"),
        ("a[0=1", "the `[` behind `a` is not closed"),
        ("a[0]b=1", "`a[0]` must be followed by `=`, `.` or `[`"),
        (&format!("a{}=1", "[0]".repeat(30)), &format!("`a{}` is deeper than 30 levels", "[0]".repeat(29))),
        (&format!("a{}=1", ".b".repeat(30)), &format!("`a{}` is deeper than 30 levels", ".b".repeat(29))),
        ("a={x", "the `{` of `a` is not closed"),
        ("a={x}y", "there is more behind the `}` of `a`"),
    ];
    for (argument, expected) in cases {
        let error = values::parse_set(argument, SetKind::Typed).expect_err(argument);
        same(argument, &format!("`--set` cannot be read: {expected}"), &error.to_string())?;
    }
    let error = values::parse_set("password=hunter2", SetKind::Json).expect_err("no JSON");
    let expected = "`--set-json` cannot be read: the value of `password` is not JSON (column 1)";
    same("the text without the value", expected, &error.to_string())
}

/// Maps whose keys `a` and `b` hold maps, and whose others hold leaves: no layer has a leaf where another has a map.
fn layer() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(Value::default()),
        prop::collection::vec(any::<i64>().prop_map(Value::from), 0..3).prop_map(Value::from),
    ];
    let leaves = prop::collection::vec(("[w-z]", leaf), 0..4).prop_map(map);
    let below = leaves.clone();
    leaves.prop_recursive(3, 16, 2, move |deeper| {
        (below.clone(), prop::collection::vec(("[ab]", deeper), 0..3)).prop_map(|(mut all, deeper)| {
            for (key, value) in deeper {
                all.as_map_mut().expect("a map").insert(key, value);
            }
            all
        })
    })
}

fn map(pairs: Vec<(String, Value)>) -> Value {
    pairs.into_iter().collect::<Map>().into()
}

fn associative() -> Result<(), Failed> {
    proptest!(cases::tries(256), |(one in layer(), two in layer(), three in layer())| {
        let left = merge([merge([one.clone(), two.clone()]), three.clone()]);
        let right = merge([one.clone(), merge([two.clone(), three.clone()])]);
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(left, merge([one, two, three]));
    });
    Ok(())
}

fn empty_layer() -> Result<(), Failed> {
    let empty = || Value::from(Map::new());
    proptest!(cases::tries(256), |(one in layer(), two in layer())| {
        let expected = merge([one.clone(), two.clone()]);
        prop_assert_eq!(&expected, &merge([empty(), one.clone(), two.clone()]));
        prop_assert_eq!(&expected, &merge([one.clone(), empty(), two.clone()]));
        prop_assert_eq!(&expected, &merge([one, two, empty()]));
    });
    Ok(())
}

fn later_wins() -> Result<(), Failed> {
    proptest!(cases::tries(256), |(one in layer(), two in layer())| {
        let merged = merge([one, two.clone()]);
        let set = values::merge(vec![Layer::of_user("two", two.clone())]).set_by_user;
        for (path, _) in set.iter().filter(|(path, _)| path.resolve(&two).is_some_and(|it| it.as_map().is_none())) {
            prop_assert_eq!(path.resolve(&merged), path.resolve(&two), "{}", path);
        }
        prop_assert_eq!(merge([two.clone(), two.clone()]), two);
    });
    Ok(())
}

/// A null takes the chart's default away, and over another user's value it stays for the chart.
fn null_removes() -> Result<(), Failed> {
    proptest!(cases::tries(256), |(defaults in layer(), key in "[abw-z]")| {
        let null = || Layer::of_user("null", [(key.as_str(), Value::default())].into_iter().collect::<Map>().into());
        let merged = values::merge(vec![Layer::of_chart(defaults.clone()), null()]);
        let had = defaults.get(&key).is_some_and(|value| !value.is_null());
        prop_assert_eq!(merged.merged.get(&key).is_some(), !had);
        prop_assert_eq!(merged.overridden.is_empty(), defaults.get(&key).is_none());
        prop_assert!(merged.set_by_user.is_empty());
    });
    same("a null of a user", "{\"a\": null}", &format!("{:?}", merged(&["{a: {b: 1}}", "{a: null}"])))
}
