//! Tests of the formats of encrypted files, beside files that sops and age wrote.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::secrets::{self, File, Foreign, Format, Group, Identities, Readers, Rule, SecretsError};
use weft::tree::Tree;
use weft::value::{Mark, Origin, Path as Place, Value};
use weft::yaml::{self, Order};

use super::{NOW, counting, shown, throwaway};
use crate::cases::{self, Case, same};

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("secrets", "files_of_sops_are_written_as_sops_writes_them", rewritten),
        cases::code("secrets", "a_new_file_of_each_format_opens_again", each_format),
        cases::code("secrets", "groups_open_with_a_threshold_of_keys", groups),
        cases::code("secrets", "keys_of_other_services_are_kept", foreign_keys),
        cases::code("secrets", "what_a_format_cannot_hold_is_refused", refused),
        cases::code("secrets", "a_comment_that_decides_decides_in_new_files", deciding),
        cases::code("secrets", "a_value_that_goes_takes_its_comment_along", unset),
        cases::code("secrets", "an_opened_file_prints_no_secret", printed),
        cases::code("secrets", "a_binary_file_is_replaced_as_a_whole", binary),
    ]
}

/// The encrypted file of a case.
pub fn encrypted(case: &Case) -> Option<String> {
    let files = fs::read_dir(case.path(".")).ok()?.filter_map(|file| file.ok()?.file_name().into_string().ok());
    files.into_iter().find(|name| name.starts_with("encrypted.") && name != "encrypted.txt")
}

/// Holds what an encrypted file holds against the plain one of the case, which sops or age wrote themselves.
pub fn decrypt(case: &Case, name: &str) -> Result<(), Failed> {
    let (bytes, identities) = (fs::read(case.path(name))?, identities(case)?);
    let tree = Tree::new([(name.to_owned(), bytes.clone())]);
    let file = Arc::new(name.to_owned());
    let plain = match secrets::plain_bytes(&bytes, &file, &identities) {
        Ok(plain) => plain,
        Err(error) => return case.expect("error.txt", &shown(&error)),
    };
    let plain_name = name.replace("encrypted", "plain");
    if std::env::var_os("WEFT_UPDATE").is_none() && plain.expose() != &fs::read(case.path(&plain_name))? {
        same(&plain_name, &case.read(&plain_name), &String::from_utf8_lossy(plain.expose()))?;
    }
    match secrets::decrypt_file(&tree, name, &Origin::default(), &identities) {
        Ok(value) => {
            let written = yaml::Write { order: Order::Written, ..Default::default() };
            case.expect("values.yaml", &yaml::write_with(&value, written))
        }
        Err(error) => case.expect("error.txt", &shown(&error)),
    }
}

fn identities(case: &Case) -> Result<Identities, Failed> {
    let mut identities = Identities::default();
    identities.looked_at("the file `keys.txt`");
    if let Some(keys) = case.read_if_there("keys.txt") {
        identities.extend(Identities::parse(&keys, "keys.txt")?);
    }
    Ok(identities)
}

/// Every file that sops wrote, opened and written again with all of its values, has the same bytes but for the code,
/// whose ciphertext is new. Encrypted comments in lists are the exception: sops writes them as items.
fn rewritten() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secrets");
    let mut count = 0;
    for case in fs::read_dir(folder)?.filter_map(|it| it.ok().map(|it| it.path())) {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(path) = fs::read_dir(&case).ok().and_then(|files| {
            let mut files = files.filter_map(|file| Some(file.ok()?.path()));
            files.find(|path| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("encrypted.")))
        }) else {
            continue;
        };
        let bytes = fs::read(&path)?;
        let keys = fs::read_to_string(case.join("keys.txt")).unwrap_or_default();
        let file = Arc::new(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        let opened = File::open(&bytes, &file, &Identities::parse(&keys, "keys.txt")?);
        let (Ok(mut opened), true) = (opened, name.starts_with("sops-")) else { continue };
        let before = String::from_utf8(bytes)?;
        assert_eq!(opened.write(&mut counting(), NOW)?, before.as_bytes(), "{name}: nothing was changed");
        let (there, again) = (Place::of_fields(["weft-new"]), opened.value().clone());
        let there = if again.as_list().is_some() { Place::root().index(0).field("weft-new") } else { there };
        if opened.format() == Format::Binary {
            let content = opened.bytes()?;
            opened.rewrite(b"another content")?;
            opened.rewrite(content.expose())?;
        } else {
            assert!(opened.set(&there, Value::from("x"))? && opened.unset(&there)?);
        }
        let rest = before.split("lastmodified").nth(1).unwrap_or_default();
        let time = &rest[rest.find("20").unwrap_or_default()..][.."2026-01-02T03:04:05Z".len()];
        let after = String::from_utf8(opened.write(&mut counting(), time)?)?;
        let items = before.lines().any(|line| line.contains("- ENC") && line.ends_with("type:comment]"));
        if !items {
            same(&name, &without_code(&before), &without_code(&after))?;
            count += 1;
        }
        let again = File::open(after.as_bytes(), &file, &Identities::parse(&keys, "keys.txt")?)?;
        assert_eq!(again.value(), opened.value(), "{name}");
    }
    assert!(count > 20, "only {count} files were compared");
    Ok(())
}

/// The lines of a file but for the code over its values.
fn without_code(text: &str) -> String {
    let is_code = |line: &str| {
        let line = line.trim_start().trim_start_matches('"');
        line.starts_with("mac:") || line.starts_with("mac\":") || line.starts_with("sops_mac=")
    };
    text.lines().filter(|line| !is_code(line)).collect::<Vec<_>>().join("\n")
}

fn each_format() -> Result<(), Failed> {
    let identities = throwaway();
    let mut groups = Rule::from(identities.recipients());
    let (_, other) = secrets::keygen(NOW, None);
    groups.readers.groups.push(Group { recipients: vec![other], others: Vec::new() });
    groups.readers.groups.push(groups.readers.groups[0].clone());
    groups.readers.threshold = Some(2);
    let texts: [(&str, &[u8]); 8] = [
        ("x.yaml", b"# c\na:\n    b: 1 # d\n    c:\n        - x\n"),
        ("y.yml", b"a: 1\n---\n# c\nb: 2\n"),
        ("x.json", b"{\n\t\"a\": [\n\t\t1,\n\t\t\"x\\u003c\"\n\t],\n\t\"b\": {}\n}\n"),
        ("x.env", b"# c\nA=1\nB=\nC=a=b\\nc\n"),
        ("x.txt", b"one\ntwo"),
        ("x.p12", b"\xff\x00\x01"),
        ("empty.bin", b""),
        ("empty.yaml", b"{}\n"),
    ];
    for rule in [identities.recipients().into(), groups] {
        for (name, plain) in texts {
            let file = Arc::new(name.to_owned());
            let written = File::new(plain, &file, &rule)?.write(&mut counting(), NOW)?;
            let opened = File::open(&written, &file, &identities)?;
            assert_eq!(opened.bytes()?.expose(), plain, "{name}");
            assert_eq!(opened.readers(), &rule.readers, "{name}");
            let rekeyed = opened.rekeyed().write(&mut counting(), NOW)?;
            assert_eq!(File::open(&rekeyed, &file, &identities)?.bytes()?.expose(), plain, "{name}");
        }
    }
    Ok(())
}

fn groups() -> Result<(), Failed> {
    let keys: Vec<_> = (0..4).map(|_| secrets::keygen(NOW, None)).collect();
    let group = |at: usize| Group { recipients: vec![keys[at].1.clone()], others: Vec::new() };
    let readers = Readers { groups: (0..4).map(group).collect(), threshold: Some(3) };
    let rule = Rule { readers, ..Rule::default() };
    let file = Arc::new("x.yaml".to_owned());
    let written = File::new(b"a: hunter2\n", &file, &rule)?.write(&mut random(), NOW)?;
    for some in 0..16_u32 {
        let mut identities = Identities::default();
        for (at, (key, _)) in keys.iter().enumerate().filter(|(at, _)| some & (1 << at) > 0) {
            identities.extend(Identities::parse(key.expose(), &format!("{at}.txt"))?);
        }
        match (File::open(&written, &file, &identities), some.count_ones()) {
            (Ok(opened), 3..) => assert_eq!(opened.value().get("a"), Some(&Value::from("hunter2"))),
            (Err(SecretsError::NoIdentity { .. }), 0) => {}
            (Err(SecretsError::Groups { needed: 3, opened, missing, .. }), count) => {
                assert_eq!((opened, missing.len()), (count as usize, 4 - count as usize));
            }
            (other, count) => return Err(format!("{count} keys: {other:?}").into()),
        }
    }
    for threshold in [0, 1, 5] {
        let readers = Readers { threshold: Some(threshold), ..rule.readers.clone() };
        let rule = Rule { readers, ..Rule::default() };
        let error = File::new(b"a: 1\n", &file, &rule)?.write(&mut random(), NOW).expect_err("a wrong threshold");
        assert!(matches!(error, SecretsError::Threshold { .. }), "{error:?}");
    }
    Ok(())
}

/// What comments decide is the same where we encrypt and where sops does.
fn deciding() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secrets");
    for name in [
        "sops-encrypted-comment/encrypted.yaml",
        "sops-unencrypted-comment/encrypted.yaml",
        "sops-dotenv-comment/encrypted.env",
    ] {
        let path = folder.join(name);
        let keys = fs::read_to_string(path.with_file_name("keys.txt"))?;
        let identities = Identities::parse(&keys, "keys.txt")?;
        let (bytes, file) = (fs::read(&path)?, Arc::new(name.to_owned()));
        let rekeyed = File::open(&bytes, &file, &identities)?.rekeyed().write(&mut counting(), NOW)?;
        let hidden = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let lines = text.lines().take_while(|line| !line.starts_with("sops"));
            lines.map(|line| line.split("ENC[").next().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(hidden(&bytes), hidden(&rekeyed), "{name}");
    }
    Ok(())
}

fn unset() -> Result<(), Failed> {
    let (identities, file) = (throwaway(), Arc::new("x.yaml".to_owned()));
    let plain = b"# head\na: 1 # beside a\nb:\n    # in b\n    c: 2 # beside c\n    d: 3\ne: 4 # beside e\n";
    let mut opened = File::new(plain, &file, &identities.recipients().into())?;
    assert!(opened.unset(&Place::of_fields(["b", "c"]))? && opened.unset(&Place::of_fields(["a"]))?);
    assert!(!opened.unset(&Place::of_fields(["a"]))?, "it is gone already");
    same("the rest", "# head\nb:\n    # in b\n    d: 3\ne: 4 # beside e\n", opened.plain()?.expose())
}

fn printed() -> Result<(), Failed> {
    let (identities, file) = (throwaway(), Arc::new("x.yaml".to_owned()));
    let mut opened = File::new(b"a: hunter2\n# hunter2\nb: [hunter2]\n", &file, &identities.recipients().into())?;
    let mut shown = vec![format!("{opened:?}")];
    opened.rewrite(b"a: hunter2\nc: {d: hunter2}\n")?;
    shown.push(format!("{opened:?}"));
    opened.set(&Place::of_fields(["e"]), Value::from("hunter2"))?;
    shown.push(format!("{opened:?}"));
    opened.replace(Value::from(weft::value::Map::from_iter([("a", "hunter2")])))?;
    shown.push(format!("{opened:?}"));
    assert!(shown.iter().all(|it| !it.contains("hunter2") && it.contains("(masked)")), "{shown:?}");
    Ok(())
}

/// Bytes that are not all the same.
fn random() -> impl FnMut(&mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut state = 1_u32;
    move |bytes| {
        for byte in bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        Ok(())
    }
}

fn foreign_keys() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secrets/sops-pgp-and-age");
    let identities = Identities::parse(&fs::read_to_string(folder.join("keys.txt"))?, "keys.txt")?;
    let (bytes, file) = (fs::read(folder.join("encrypted.yaml"))?, Arc::new("encrypted.yaml".to_owned()));
    let mut opened = File::open(&bytes, &file, &identities)?;
    let others: Vec<&Foreign> = opened.readers().others().collect();
    assert!(matches!(others[..], [Foreign { service: "pgp", .. }]), "{others:?}");
    opened.set(&Place::of_fields(["a"]), Value::from("new"))?;
    let (_, more) = secrets::keygen(NOW, None);
    let readers = opened.readers().with(&more, 0);
    let written = opened.with_readers(readers).write(&mut counting(), NOW)?;
    let (before, after) = (String::from_utf8(bytes)?, String::from_utf8(written)?);
    let message = |text: &str| {
        let lines = text.lines().map(str::trim).skip_while(|line| !line.contains("BEGIN PGP"));
        lines.take_while(|line| !line.contains("END PGP")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(message(&before).len() > 5);
    assert_eq!(message(&before), message(&after), "what gpg wrapped stays");
    let error = File::open(after.as_bytes(), &file, &identities)?.rekeyed().write(&mut counting(), NOW);
    let text = shown(&error.expect_err("a key of another service"));
    super::snapshot("foreign-key.txt", &text.replace(&fingerprint(&after), "FINGERPRINT"))
}

fn fingerprint(text: &str) -> String {
    text.split("fp: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default().trim_matches('"').to_owned()
}

fn refused() -> Result<(), Failed> {
    let identities = throwaway();
    let rule = Rule::from(identities.recipients());
    let new = |name: &str, plain: &[u8]| {
        let file = Arc::new(name.to_owned());
        File::new(plain, &file, &rule).and_then(|file| file.write(&mut counting(), NOW))
    };
    let age = b"age-encryption.org/v1\n-> X25519 a\n";
    let documents = new("two.yaml", b"a: 1\n---\nb: 2\n")?;
    let tree = Tree::new([("two.yaml".to_owned(), documents)]);
    let place = Origin::new(&Arc::new("environment.yaml".to_owned()), Mark { line: 3, column: 5 });
    let env = Arc::new("x.env".to_owned());
    let mut opened = File::open(&new("x.env", b"A=1\n")?, &env, &identities)?;
    opened.set(&Place::of_fields(["B", "c"]), Value::from("hunter2"))?;
    let errors = [
        new("x.ini", b"a=hunter2\n").expect_err("an INI file"),
        new("x.json", b"{\"a\": \"hunter2\",}\n").expect_err("no JSON"),
        new("x.json", b"[\"hunter2\"]\n").expect_err("a list"),
        new("x.env", b"hunter2\n").expect_err("no key"),
        new("x.env", b"A=hunter2\nA=b\n").expect_err("twice"),
        new("x.env", b"sops_mac=hunter2\n").expect_err("a section"),
        new("x.yaml", b"\xff\n").expect_err("no text"),
        opened.write(&mut counting(), NOW).expect_err("too deep"),
        File::open(age, &Arc::new("x.yaml.age".to_owned()), &identities).expect_err("a whole file"),
        secrets::plain_bytes(age, &Arc::new("x.yaml.age".to_owned()), &identities).expect_err("damaged"),
        secrets::decrypt_file(&tree, "two.yaml", &place, &identities).expect_err("two documents"),
    ];
    super::snapshot("format-errors.txt", &errors.iter().map(shown).collect::<String>())
}

fn binary() -> Result<(), Failed> {
    let (identities, file) = (throwaway(), Arc::new("x.bin".to_owned()));
    let old = File::new(b"\xffone", &file, &identities.recipients().into())?.write(&mut counting(), NOW)?;
    let mut opened = File::open(&old, &file, &identities)?;
    assert_eq!(opened.value().get("data"), Some(&Value::from("/29uZQ==")), "base64, as it is no text");
    opened.rewrite(b"\xffone")?;
    assert_eq!(opened.write(&mut counting(), NOW)?, old, "nothing was changed");
    opened.rewrite(b"two\xff")?;
    let new = opened.write(&mut counting(), NOW)?;
    assert_eq!(File::open(&new, &file, &identities)?.bytes()?.expose(), b"two\xff");
    opened.set(&Place::of_fields(["data"]), Value::from("text"))?;
    let new = opened.write(&mut counting(), NOW)?;
    assert_eq!(File::open(&new, &file, &identities)?.plain()?.expose(), "text");
    Ok(())
}
