//! Tests of `secrets`.
//!
//! A case with `encrypted.*` is decrypted with its `keys.txt` (the files were written by sops or age, see `make.sh` beside
//! the cases, or made from one of theirs by hand), one with `source.yaml` is encrypted, `rules.yaml` is asked about the paths of `paths.txt`,
//! and `identity.txt` is read as a key file.

mod formats;
mod verbs;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use weft::diagnostic::{Diagnose, Diagnostic};
use weft::secrets::{self, Identities, Rule, SecretsError};
use weft::tree::Tree;
use weft::value::{Data, Map, Mark, Origin, Value};
use weft::yaml;

use crate::cases::{self, Case, same};

const NOW: &str = "2026-01-02T03:04:05Z";

/// What all secrets of the cases hold, and nothing else does.
const CANARIES: [&str; 3] = ["canary", "CANARY", "hunter2"];

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("secrets", run);
    trials.extend([
        cases::code("secrets", "what_was_encrypted_decrypts_to_the_same", round_trip),
        cases::code("secrets", "every_changed_character_of_a_file_is_refused", changed),
        cases::code("secrets", "an_edit_keeps_what_did_not_change", edit),
        cases::code("secrets", "many_files_decrypt_once_each", many),
        cases::code("secrets", "a_new_key_reads_back", keygen),
        cases::code("secrets", "the_example_decrypts_for_dev_only", example),
    ]);
    trials.extend(formats::trials());
    trials.extend(verbs::trials());
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    if let Some(name) = formats::encrypted(case) {
        return formats::decrypt(case, &name);
    }
    if let Some(text) = case.read_if_there("source.yaml") {
        return encrypt(case, &text);
    }
    if let Some(text) = case.read_if_there("rules.yaml") {
        return rules(case, &text);
    }
    let error = Identities::parse(&case.read("identity.txt"), "identity.txt").expect_err("a refused key");
    case.expect("error.txt", &shown(&error))
}

fn encrypt(case: &Case, text: &str) -> Result<(), Failed> {
    let identities = throwaway();
    let rule = if case.read_if_there("nobody").is_some() { Rule::default() } else { identities.recipients().into() };
    let file = Arc::new("source.yaml".to_owned());
    let encrypted = match secrets::encrypt(text, &file, &rule, &mut counting(), NOW) {
        Ok(encrypted) => encrypted,
        Err(error) => return case.expect("error.txt", &shown(&error)),
    };
    assert_eq!(secrets::decrypt(&encrypted, &file, &identities)?, plain_value(text));
    case.expect("plain.yaml", secrets::plain(&encrypted, &file, &identities)?.expose())?;
    // What age writes is another each time; all else follows from the random bytes.
    let (before, rest) = encrypted.split_once("    age:\n").expect("stanzas");
    let (_, after) = rest.split_once("    lastmodified").expect("a time");
    case.expect("encrypted.txt", &format!("{before}    age: ...\n    lastmodified{after}"))
}

fn rules(case: &Case, text: &str) -> Result<(), Failed> {
    let file = Arc::new(".sops.yaml".to_owned());
    let rules = match secrets::rules(text, &file) {
        Ok(rules) => rules,
        Err(error) => return case.expect("error.txt", &shown(&error)),
    };
    let describe = |path: &str| match rules.rule_for(path) {
        Ok(rule) => format!("{path}: {rule:?}\n"),
        Err(error) => format!("{path}: {}", shown(&error)),
    };
    case.expect("rules.txt", &case.read("paths.txt").lines().map(describe).collect::<String>())
}

/// The whole text of an error, which holds no secret, as its Debug form does not.
fn shown(error: &(impl Diagnose + std::fmt::Debug)) -> String {
    let text = Diagnostic::of(error).to_string();
    for canary in CANARIES {
        assert!(!text.contains(canary) && !format!("{error:?}").contains(canary), "leaks {canary}: {text}\n{error:?}");
    }
    text
}

fn plain_value(text: &str) -> Value {
    yaml::document(text, &Arc::default(), yaml::Rules::Strict).expect("YAML")
}

fn throwaway() -> Identities {
    let (text, _) = secrets::keygen(NOW, None);
    Identities::parse(text.expose(), "keys.txt").expect("a key")
}

/// "Random" bytes that differ from call to call.
fn counting() -> impl FnMut(&mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut calls = 0u8;
    move |bytes| {
        calls = calls.wrapping_add(1);
        bytes.fill(calls);
        Ok(())
    }
}

fn round_trip() -> Result<(), Failed> {
    let identities = throwaway();
    let (rule, file) = (identities.recipients().into(), Arc::new("x.yaml".to_owned()));
    let mut runner = TestRunner::new(cases::tries(48));
    let law = |root: Value| {
        let text = yaml::write(&root);
        let encrypted = secrets::encrypt(&text, &file, &rule, &mut counting(), NOW).expect("encrypts");
        let again = secrets::decrypt(&encrypted, &file, &identities).expect("decrypts");
        prop_assert_eq!(&again, &root);
        all_masked(&again);
        let plain = secrets::plain(&encrypted, &file, &identities).expect("decrypts");
        prop_assert_eq!(&plain_value(plain.expose()), &again);
        Ok(())
    };
    runner.run(&map(), law).map_err(|error| error.to_string().into())
}

fn all_masked(value: &Value) {
    match &value.data {
        Data::Map(map) => map.iter().for_each(|entry| all_masked(&entry.value)),
        Data::List(items) => items.iter().for_each(all_masked),
        Data::Null | Data::Masked(_) => {}
        Data::Text(text) if text.is_empty() => {}
        leaf => panic!("{leaf:?} is not masked"),
    }
}

fn map() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["\\PC{0,20}", "[ #:'\"a-c\n\\\\]{0,30}", "[a-z ]{60,120}", Just("yes".to_owned())];
    let leaf = prop_oneof![
        Just(Value::default()),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let key = || prop_oneof!["[a-z]{1,6}", "[a-z #:.'\"]{1,10}"].prop_filter("taken", |key| key != "sops");
    let node = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4).prop_map(|pairs| Map::from_iter(pairs).into()),
        ]
    });
    let key = prop_oneof!["[a-z]{1,6}"].prop_filter("taken", |key| key != "sops");
    prop::collection::vec((key, node), 0..5).prop_map(|pairs| Map::from_iter(pairs).into())
}

fn changed() -> Result<(), Failed> {
    let identities = throwaway();
    let file = Arc::new("x.yaml".to_owned());
    let text = "a: hunter2\nb: [1, true]\nc_unencrypted: plain\n";
    let encrypted = secrets::encrypt(text, &file, &identities.recipients().into(), &mut counting(), NOW)?;
    let values: Vec<&str> = encrypted.lines().filter(|l| l.contains("ENC[")).collect();
    for line in values {
        let start = encrypted.find(line).expect("the line");
        let (from, to) = (line.find("data:").expect("data") + 5, line.find(",type:").expect("a kind"));
        for at in start + from..start + to {
            let old = encrypted.as_bytes()[at];
            let mut changed = encrypted.clone().into_bytes();
            changed[at] = if old == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            let error = secrets::decrypt(&changed, &file, &identities).expect_err("a changed file");
            shown(&error);
        }
    }
    let error = secrets::decrypt(&encrypted.replace("plain", "other"), &file, &identities).expect_err("changed");
    assert!(matches!(error, SecretsError::Mac { .. }), "{error:?}");
    Ok(())
}

fn edit() -> Result<(), Failed> {
    let identities = throwaway();
    let file = Arc::new("x.yaml".to_owned());
    let text = "# note\na: one\nb: one # tail\nlist: [one, one, two]\n";
    let mut random = counting();
    let old = secrets::encrypt(text, &file, &identities.recipients().into(), &mut random, NOW)?;
    let plain = secrets::plain(&old, &file, &identities)?;
    let same = secrets::edit(&old, plain.expose(), &file, &identities, &mut random, "2027-01-01T00:00:00Z")?;
    assert_eq!(same, old, "nothing changed, not even the time");
    let wanted = plain.expose().replace("two", "three").replace("b: one", "c: one");
    let new = secrets::edit(&old, &wanted, &file, &identities, &mut random, "2027-01-01T00:00:00Z")?;
    assert_eq!(secrets::plain(&new, &file, &identities)?.expose(), &wanted);
    let changed: Vec<&str> = new.lines().filter(|line| !old.contains(line)).collect();
    let heads: Vec<&str> = changed.iter().map(|l| l.split_once("ENC").map_or(*l, |(head, _)| head)).collect();
    assert_eq!(heads, ["c: ", "    - ", "    lastmodified: \"2027-01-01T00:00:00Z\"", "    mac: "]);
    let tail = |text: &str| text.lines().find_map(|l| l.split_once(" #ENC").map(|(_, tail)| tail.to_owned()));
    assert_eq!(tail(&new), tail(&old), "the comment stands in the same map, so it stays");
    Ok(())
}

fn many() -> Result<(), Failed> {
    let identities = throwaway();
    let one = |n: usize| {
        let (path, text) = (format!("secrets/{n}.yaml"), format!("number: {n}\n"));
        let rule = identities.recipients().into();
        let text = secrets::encrypt(&text, &Arc::new(path.clone()), &rule, &mut counting(), NOW).expect("encrypts");
        (path, text.into_bytes())
    };
    let tree = Tree::new((0..20).map(one));
    let origin = Origin::new(&Arc::new("environment.yaml".to_owned()), Mark { line: 3, column: 5 });
    for n in 0..20_i64 {
        let path = format!("secrets/{n}.yaml");
        let opened = secrets::decrypt_file(&tree, &path, &origin, &identities)?;
        assert_eq!(opened.get("number"), Some(&Value::from(n)));
        assert_eq!(opened.get("number").expect("a number").origin.to_string(), format!("{path}:1:9"));
    }
    let error = secrets::decrypt_file(&tree, "secrets/none.yaml", &origin, &identities).expect_err("a missing file");
    snapshot("missing-file.txt", &shown(&error))
}

fn keygen() -> Result<(), Failed> {
    let (text, recipient) = secrets::keygen(NOW, Some("for trying things out"));
    let lines: Vec<&str> = text.expose().lines().collect();
    assert_eq!(lines[0], "# public throwaway key: for trying things out");
    assert_eq!(lines[1..3], [format!("# created: {NOW}"), format!("# public key: {recipient}")]);
    let identities = Identities::parse(text.expose(), "new.txt")?;
    assert_eq!(identities.recipients(), std::slice::from_ref(&recipient));
    assert_eq!(format!("{identities:?}"), format!("Identities([\"{recipient} (new.txt)\"])"));
    assert!(secrets::is_throwaway(text.expose()));
    Ok(())
}

fn example() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let key = read("secrets/dev.agekey");
    assert!(secrets::is_throwaway(&key), "the first line says that the key is public");
    let identities = Identities::parse(&key, "secrets/dev.agekey")?;
    let rules = secrets::rules(&read(".sops.yaml"), &Arc::new(".sops.yaml".to_owned()))?;
    for environment in ["dev", "staging", "production"] {
        let path = format!("secrets/{environment}/app-flask.yaml");
        let opened = secrets::decrypt(&read(&path), &Arc::new(path.clone()), &identities);
        let [recipient] = &rules.recipients_for(&path)?[..] else { return Err("one recipient each".into()) };
        if environment == "dev" {
            assert!(opened?.dig(&["database", "password"]).expect("a password").is_masked());
            assert_eq!(identities.recipients(), std::slice::from_ref(recipient));
        } else {
            let error = opened.expect_err("another key");
            assert!(shown(&error).contains(&recipient.to_string()), "{error}");
        }
    }
    Ok(())
}

/// Holds a text against a file beside the cases.
fn snapshot(file: &str, actual: &str) -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secrets").join(file);
    if std::env::var_os("WEFT_UPDATE").is_some() {
        return fs::write(&path, actual).map_err(Failed::from);
    }
    same(file, &fs::read_to_string(&path).unwrap_or_default(), actual)
}
