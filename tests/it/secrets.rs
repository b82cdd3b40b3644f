//! Tests of `secrets` and `keys`.
//!
//! A case with `encrypted.yaml` is decrypted with its `keys.txt` (the files were written by the Go program, or made from
//! one of its files by hand), one with `source.yaml` is encrypted, `rules.yaml` is asked about the paths of `paths.txt`,
//! and `identity.txt` is read as a key file.

mod verbs;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use weft::diagnostic::{Diagnose, Diagnostic};
use weft::keys::{self, KeysError, Process, Sources};
use weft::masked::Masked;
use weft::secrets::{self, Identities, Rule, SecretsError};
use weft::tree::Tree;
use weft::value::{Data, Map, Mark, Origin, Value};
use weft::yaml::{self, Order};

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
        cases::code("secrets", "keys_come_from_their_places_in_order", key_order),
        cases::code("secrets", "keys_that_cannot_be_used_are_named", key_errors),
        cases::code("secrets", "no_key_at_all_names_the_places", no_key),
    ]);
    trials.extend(verbs::trials());
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    if let Some(text) = case.read_if_there("encrypted.yaml") {
        return decrypt(case, &text);
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

fn decrypt(case: &Case, text: &str) -> Result<(), Failed> {
    let mut identities = Identities::default();
    identities.looked_at("the file `keys.txt`");
    if let Some(keys) = case.read_if_there("keys.txt") {
        identities.extend(Identities::parse(&keys, "keys.txt")?);
    }
    let file = Arc::new("encrypted.yaml".to_owned());
    let opened = secrets::decrypt(text, &file, &identities)
        .and_then(|value| Ok((value, secrets::plain(text, &file, &identities)?)));
    let (value, plain) = match opened {
        Ok(opened) => opened,
        Err(error) => return case.expect("error.txt", &shown(&error)),
    };
    assert_eq!(plain_value(plain.expose()), value, "the text and the values are the same");
    case.expect("values.yaml", &yaml::write_with(&value, yaml::Write { order: Order::Written, ..Default::default() }))?;
    case.expect("plain.yaml", plain.expose())
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

/// A folder with key files of the given modes.
fn folder(files: &[(&str, &str, u32)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, mode) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("a mode");
    }
    folder
}

fn key_order() -> Result<(), Failed> {
    let keys: Vec<_> = (0..8).map(|_| secrets::keygen(NOW, Some("test"))).collect();
    let text = |n: usize| keys[n].0.expose().as_str();
    let folder = folder(&[
        ("explicit", text(0), 0o600),
        ("named", text(4), 0o400),
        ("printed", text(5), 0o600),
        ("config/sops/age/keys.txt", text(6), 0o600),
        ("config/weft/keys.txt", text(7), 0o600),
    ]);
    let path = |name: &str| folder.path().join(name);
    let bare = |n: usize| text(n).lines().last().expect("a key").to_owned();
    let variable = |name: &str| match name {
        "SOPS_AGE_KEY" => Some(format!("{} {}", bare(2), bare(3))),
        "SOPS_AGE_KEY_FILE" => Some(path("named").display().to_string()),
        "SOPS_AGE_KEY_CMD" => Some(format!("cat '{}'", path("printed").display())),
        "XDG_CONFIG_HOME" => Some(path("config").display().to_string()),
        _ => None,
    };
    let process = Process::new(&variable);
    let tree = Tree::new([("dev.agekey".to_owned(), text(1).as_bytes().to_vec())]);
    let files = [path("explicit")];
    let found = keys::find(&Sources { files: &files, project: Some((&tree, "dev.agekey")), process: &process })?;
    assert_eq!(found.recipients(), keys.iter().map(|(_, recipient)| recipient.clone()).collect::<Vec<_>>());
    let debug = format!("{process:?} {found:?}");
    assert!((0..8).all(|n| !debug.contains(&bare(n))), "{debug}");
    Ok(())
}

fn key_errors() -> Result<(), Failed> {
    let (private, _) = secrets::keygen(NOW, None);
    let (public, _) = secrets::keygen(NOW, Some("test"));
    let folder = folder(&[
        ("open", private.expose(), 0o640),
        ("throwaway", public.expose(), 0o644),
        ("empty", "# nothing\n", 0o600),
        ("wrong", "hunter2-canary\n", 0o600),
        ("folder/x", "", 0o600),
    ]);
    let path = |name: &str| folder.path().join(name);
    let tree = Tree::new([("prod.agekey".to_owned(), private.expose().as_bytes().to_vec())]);
    let of_file = |name: &str| find(&[path(name)], None, &Process::default());
    let of_project = |name: &str| find(&[], Some((&tree, name)), &Process::default());
    let of_command =
        |command: &str| find(&[], None, &Process { key_command: Some(command.to_owned()), ..Process::default() });
    let of_key = |key: &str| find(&[], None, &Process { key: Some(Masked::new(key.to_owned())), ..Process::default() });
    let errors = [
        of_file("none"),
        of_file("open"),
        of_file("throwaway"),
        of_file("empty"),
        of_file("wrong"),
        of_file("folder"),
        of_project("prod.agekey"),
        of_project("none.agekey"),
        of_command("cat 'hunter2"),
        of_command("/no/such/program hunter2"),
        of_command("false hunter2"),
        of_key("hunter2-canary"),
    ];
    let text: String = errors.iter().map(shown).collect();
    let text = text.replace(&folder.path().display().to_string(), "/keys");
    snapshot("key-errors.txt", &text)
}

fn no_key() -> Result<(), Failed> {
    let folder = folder(&[]);
    let process = Process { config: Some(folder.path().to_owned()), ..Process::default() };
    let found = keys::find(&Sources { files: &[], project: None, process: &process })?;
    let file = Arc::new("x.yaml".to_owned());
    let rule = Rule::from(vec!["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".parse()?]);
    let encrypted = secrets::encrypt("a: 1\n", &file, &rule, &mut counting(), NOW)?;
    let error = secrets::decrypt(&encrypted, &file, &found).expect_err("no key");
    snapshot("no-key.txt", &shown(&error).replace(&folder.path().display().to_string(), "/home/me/.config"))
}

fn find(files: &[PathBuf], project: Option<(&Tree, &str)>, process: &Process) -> KeysError {
    keys::find(&Sources { files, project, process }).expect_err("a refused key")
}

/// Holds a text against a file beside the cases.
fn snapshot(file: &str, actual: &str) -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secrets").join(file);
    if std::env::var_os("WEFT_UPDATE").is_some() {
        return fs::write(&path, actual).map_err(Failed::from);
    }
    same(file, &fs::read_to_string(&path).unwrap_or_default(), actual)
}
