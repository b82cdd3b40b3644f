//! Tests of the history's formats: what is written is what is read, and what does not change is kept once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::LazyLock;

use jsonschema::Validator;
use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use weft::diff::{Stripped, stripped};
use weft::manifest::ObjectId;
use weft::masked::FingerprintKey;
use weft::state::history::{
    Pack, Provenance, Revision, RevisionOutcome, decode_pack, decode_revision, encode_pack, encode_revision, last_good,
    pack,
};
use weft::value::{Map, Value};

use super::input;
use crate::cases;

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("state", "history-law", law),
        cases::code("state", "history-pack-is-left-behind", pack_is_left_behind),
        cases::code("state", "history-last-good", the_last_good_one),
    ]
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../../docs/schema/history-v1.json")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
});

/// Whether the document in the chunks is as the schema says.
fn is_valid(chunks: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let part = |chunk: &Vec<u8>| chunk.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default().to_vec();
    let data: Vec<u8> = chunks.iter().flat_map(part).collect();
    let mut text = String::new();
    let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
    flate2::read::GzDecoder::new(data.as_slice()).read_to_string(&mut text).map_err(|error| fail(&error))?;
    let document = serde_json::from_str(&text).map_err(|error| fail(&error))?;
    let errors: Vec<String> = SCHEMA.iter_errors(&document).map(|error| format!("{error} in {text}")).collect();
    prop_assert!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(())
}

/// A release as it might be at one time: by name, a text and a secret.
type State = (BTreeMap<u8, (u8, Option<u8>)>, bool);

fn states() -> impl Strategy<Value = Vec<State>> {
    let object = (0..3_u8, proptest::option::of(0..2_u8));
    let state = (prop::collection::btree_map(0..6_u8, object, 0..6), proptest::bool::weighted(0.8));
    prop::collection::vec(state, 1..6)
}

fn bodies(state: &State) -> BTreeMap<ObjectId, Value> {
    let body = |(name, (text, secret)): (&u8, &(u8, Option<u8>))| {
        let mut data = Map::new();
        data.insert("text", format!("text {text}"));
        if let Some(secret) = secret {
            data.insert("list", vec![Value::from("open"), Value::from(format!("secret {secret}")).masked()]);
            data.insert("a.b/c", Value::from(i64::from(*secret)).masked());
        }
        let id = input::id(&format!("ConfigMap apps/c{name}"));
        let body: Map = [("kind", Value::from("ConfigMap")), ("name", id.name.clone().into()), ("data", data.into())]
            .into_iter()
            .collect();
        (id, body.into())
    };
    state.0.iter().map(body).collect()
}

fn strip(bodies: &BTreeMap<ObjectId, Value>) -> BTreeMap<ObjectId, Stripped> {
    let key = FingerprintKey::new([7; 32]);
    bodies.iter().map(|(id, body)| (id.clone(), stripped(body, &key))).collect()
}

fn readers(state: &State) -> Vec<String> {
    if state.1 { vec!["age1one".into(), "age1two".into()] } else { vec!["age1one".into()] }
}

fn revision(number: u64, outcome: RevisionOutcome) -> Revision {
    let made =
        Provenance { commit: Some("c0ffee".into()), dirty: number == 2, by: "me".into(), ..Provenance::default() };
    let (back_to, objects, packs) = ((number > 3).then_some(1), BTreeMap::new(), BTreeMap::new());
    Revision { environment: "dev".into(), release: "web".into(), number, made, outcome, back_to, objects, packs }
}

/// A pack as it comes back from the cluster, with its secret values in the open in place of encrypted.
struct Stored {
    pack: Pack,
    values: Value,
}

/// Whatever a release is like over time: each revision comes back as it was, from packs that were written once.
fn law() -> Result<(), Failed> {
    let mut runner = TestRunner::new(cases::tries(128));
    runner.run(&states(), |states| history(&states)).map_err(|error| Failed::from(error.to_string()))
}

fn history(states: &[State]) -> Result<(), TestCaseError> {
    let fail = |error: weft::state::StateError| TestCaseError::fail(error.to_string());
    let mut stored: BTreeMap<String, Stored> = BTreeMap::new();
    let mut before: Option<Revision> = None;
    for (number, state) in (1..).zip(states) {
        let bodies = bodies(state);
        let objects = strip(&bodies);
        let (places, covers, new) = pack(objects.clone(), before.as_ref(), readers(state));
        if let Some(new) = new {
            let ids: BTreeMap<&str, &ObjectId> = objects.iter().map(|(id, it)| (it.digest.as_str(), id)).collect();
            let values = new.secrets(|digest| bodies.get(*ids.get(digest)?));
            let chunks = encode_pack(&new).map_err(fail)?;
            is_valid(&chunks)?;
            let pack = decode_pack(&chunks).map_err(fail)?;
            prop_assert_eq!(&pack, &new);
            stored.insert(pack.name.clone(), Stored { pack, values });
        }
        let revision =
            Revision { objects: places, packs: covers, ..revision(number, RevisionOutcome::Partial("why".into())) };
        let chunks = encode_revision(&revision).map_err(fail)?;
        is_valid(&chunks)?;
        let back = decode_revision(&chunks).map_err(fail)?;
        prop_assert_eq!(&back, &revision);
        let (places, _, again) = pack(objects, Some(&back), readers(state));
        prop_assert!(again.is_none() && places == back.objects, "what is kept is kept again");
        comes_back(&back, &bodies, &stored, &readers(state))?;
        before = Some(back);
    }
    Ok(())
}

fn comes_back(
    revision: &Revision,
    bodies: &BTreeMap<ObjectId, Value>,
    stored: &BTreeMap<String, Stored>,
    readers: &[String],
) -> Result<(), TestCaseError> {
    let used: BTreeSet<&String> = revision.objects.values().map(|place| &place.pack).collect();
    prop_assert!(used.into_iter().eq(revision.packs.keys()), "it names the packs that it uses, and no other");
    prop_assert!(revision.objects.keys().eq(bodies.keys()));
    for (id, place) in &revision.objects {
        let Stored { pack, values } = &stored[&place.pack];
        prop_assert_eq!(pack.objects.len(), revision.packs[&place.pack].objects);
        let mut restored = pack.restored();
        let hidden = format!("{:?}", restored[&place.digest].body);
        prop_assert!(!hidden.contains("secret "), "{}", hidden);
        if !restored[&place.digest].missing.is_empty() {
            prop_assert_eq!(&pack.readers, readers);
        }
        pack.fill(&mut restored, values);
        prop_assert_eq!(&restored[&place.digest].body, &bodies[id]);
        prop_assert!(restored[&place.digest].missing.is_empty());
    }
    Ok(())
}

/// A pack of which little is wanted is not kept for that.
#[allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]
fn pack_is_left_behind() -> Result<(), Failed> {
    let state = |texts: &[u8]| -> State { ((0..).zip(texts).map(|(at, text)| (at, (*text, None))).collect(), true) };
    let mut before: Option<Revision> = None;
    let mut brought = Vec::new();
    for texts in [[0; 4], [1, 1, 0, 0], [1, 1, 1, 0], [2, 1, 1, 0]] {
        let (objects, packs, new) = pack(strip(&bodies(&state(&texts))), before.as_ref(), Vec::new());
        brought.push((new.map_or(0, |it| it.objects.len()), packs.len()));
        before = Some(Revision { objects, packs, ..revision(1, RevisionOutcome::Done) });
    }
    // The third wants one of the four first objects: it takes that one into its own pack.
    assert_eq!(brought, [(4, 1), (2, 2), (2, 2), (1, 3)]);
    Ok(())
}

#[allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]
fn the_last_good_one() -> Result<(), Failed> {
    let failed = || RevisionOutcome::Failed("why".into());
    let of = |outcomes: Vec<RevisionOutcome>| {
        let mut all: Vec<_> = (1..).zip(outcomes).map(|(number, outcome)| revision(number, outcome)).collect();
        all.reverse();
        last_good(&all).map(|it| it.number)
    };
    assert_eq!(of(vec![]), None);
    assert_eq!(of(vec![RevisionOutcome::Done]), None);
    assert_eq!(of(vec![failed(), RevisionOutcome::Done]), None);
    assert_eq!(of(vec![RevisionOutcome::Done, RevisionOutcome::Done]), Some(1));
    assert_eq!(of(vec![RevisionOutcome::Done, failed(), failed()]), Some(1));
    assert_eq!(revision(4, failed()).result(), "rolled back to 1, failed: why");
    assert_eq!(revision(4, RevisionOutcome::Done).result(), "rolled back to 1");
    Ok(())
}
