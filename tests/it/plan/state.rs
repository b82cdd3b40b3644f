//! Tests of `state`: what is written is what is read, whatever happens to the chunks on the way.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use weft::diagnostic::Diagnostic;
use weft::diff::Recorded;
use weft::state::{self, Inventory, Member};
use weft::value::{Map, Value};

use super::input;
use crate::cases::{self, Case, same};

pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("state", run);
    trials.push(cases::code("state", "law-round-trip", round_trip));
    trials.push(cases::code("state", "chunks", chunks));
    trials
}

/// A case is a document that is decoded: its inventory, or the error.
fn run(case: &Case) -> Result<(), Failed> {
    let document = case.read("inventory.json");
    match state::decode(&[chunk(document.trim_end().as_bytes())?]) {
        Ok(inventory) => {
            let written = text(&state::encode(&inventory)?)?;
            same("the document, written again", &compact(&document)?, &written)?;
            cases::same("the schema's verdict", "valid", &verdict(&document)?)
        }
        Err(error) => case.expect("error.txt", &Diagnostic::of(&error).to_string()),
    }
}

fn compact(text: &str) -> Result<String, Failed> {
    Ok(serde_json::from_str::<serde_json::Value>(text)?.to_string())
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../../docs/schema/inventory-v1.json")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
});

fn verdict(document: &str) -> Result<String, Failed> {
    let errors: Vec<String> =
        SCHEMA.iter_errors(&serde_json::from_str(document)?).map(|error| error.to_string()).collect();
    Ok(if errors.is_empty() { "valid".into() } else { errors.join("\n") })
}

/// One whole chunk, made as any other program would.
fn chunk(document: &[u8]) -> Result<Vec<u8>, Failed> {
    use base64::Engine as _;
    use sha2::Digest as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(document)?;
    let data = encoder.finish()?;
    let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&data));
    Ok([format!("weft/1 1 1 {digest}\n").as_bytes(), &data].concat())
}

/// The document in the chunks.
fn text(chunks: &[Vec<u8>]) -> Result<String, Failed> {
    let data: Vec<u8> =
        chunks.iter().flat_map(|chunk| chunk.splitn(2, |b| *b == b'\n').nth(1).unwrap_or(&[])).copied().collect();
    let mut text = String::new();
    flate2::read::GzDecoder::new(data.as_slice()).read_to_string(&mut text)?;
    Ok(text)
}

fn round_trip() -> Result<(), Failed> {
    let shuffled = inventory().prop_flat_map(|it| {
        let chunks = state::encode(&it).expect("no secrets");
        (Just(it), Just(chunks).prop_shuffle())
    });
    let mut runner = TestRunner::new(cases::tries(256));
    let law = |(inventory, chunks): (Inventory, Vec<Vec<u8>>)| {
        prop_assert_eq!(state::decode(&chunks).map_err(|error| TestCaseError::fail(error.to_string()))?, inventory);
        let document = text(&chunks).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(verdict(&document).map_err(|error| TestCaseError::fail(format!("{error:?}")))?, "valid");
        Ok(())
    };
    runner.run(&shuffled, law).map_err(|error| Failed::from(error.to_string()))
}

fn inventory() -> impl Strategy<Value = Inventory> {
    let id =
        proptest::sample::select(vec!["ConfigMap apps/a", "ConfigMap apps/b", "Deployment.apps apps/a", "Namespace x"]);
    let member = ("[a-z0-9/]{1,8}", proptest::option::of(recorded()))
        .prop_map(|(api_version, recorded)| Member { api_version, recorded: recorded.map(Arc::new) });
    let objects = prop::collection::btree_map(id.prop_map(input::id), member, 0..4);
    (".*", ".*", proptest::option::of(".*"), objects).prop_map(|(environment, release, commit, objects)| Inventory {
        environment,
        release: release.into(),
        commit,
        objects,
        ..Inventory::default()
    })
}

fn recorded() -> impl Strategy<Value = Recorded> {
    ([".*", ".*", ".*", ".*"], value()).prop_map(|([uid, desired, owned, projection], applied)| Recorded {
        uid,
        desired,
        owned,
        projection,
        applied: applied.into(),
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::default()),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1.0e15..1.0e15).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let map =
            prop::collection::btree_map(".*", inner.clone(), 0..4).prop_map(|m| m.into_iter().collect::<Map>().into());
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::from), map]
    })
}

/// An inventory that needs several chunks, and each way in which they can be damaged.
fn chunks() -> Result<(), Failed> {
    let big = large();
    let chunks = state::encode(&big)?;
    assert!(chunks.len() >= 2 && chunks.iter().all(|chunk| chunk.len() <= 768 * 1024), "{} chunks", chunks.len());
    assert_eq!(state::decode(&chunks)?, big);
    let other = state::encode(&Inventory { commit: Some("other".into()), ..big.clone() })?;
    let garbled = [&chunks[0][..], &[0][..]].concat();
    let hidden: Map =
        [("data", [("a.b", Value::from("hunter2").masked())].into_iter().collect::<Map>())].into_iter().collect();
    let secret = Recorded { applied: Value::from(hidden).into(), ..record("") };
    let member = Member { api_version: "v1".into(), recorded: Some(Arc::new(secret)) };
    let with_secret =
        Inventory { objects: BTreeMap::from([(input::id("Secret apps/db"), member)]), ..Inventory::default() };
    let said =
        |chunks: &[Vec<u8>]| state::decode(chunks).map_err(|error| Diagnostic::of(&error).to_string()).unwrap_err();
    let texts = [
        said(&[]),
        said(&chunks[1..]),
        said(&[&chunks[..], &chunks[..1]].concat()),
        said(&[&other[..1], &chunks[1..]].concat()),
        said(&[&[garbled], &chunks[1..]].concat()),
        said(&[b"no header".to_vec()]),
        said(&[b"weft/2 1 1 x\n".to_vec()]),
        Diagnostic::of(&state::encode(&with_secret).expect_err("a secret")).to_string(),
    ];
    same("the errors", include_str!("../../cases/state/chunks.txt"), &texts.join("\n"))
}

fn record(text: &str) -> Recorded {
    let applied = Value::from(text).into();
    Recorded { uid: "1".into(), desired: "2".into(), owned: "3".into(), projection: "4".into(), applied }
}

/// A megabyte that does not compress.
fn large() -> Inventory {
    let mut state = 1_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:x}", state >> 8)
    };
    let member = |text: String| Member { api_version: "v1".into(), recorded: Some(Arc::new(record(&text))) };
    let objects = (0..800).map(|n| {
        let text: String = (0..150).map(|_| noise()).collect();
        (input::id(&format!("ConfigMap apps/{n}")), member(text))
    });
    let objects = objects.collect();
    Inventory { environment: "dev".into(), release: "app".into(), commit: None, objects, ..Inventory::default() }
}
