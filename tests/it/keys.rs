//! Tests of `keys`: where identities come from, and all their kinds. The keys in `tests/cases/keys/kinds` protect nothing;
//! the files beside them were encrypted to them by the Go programs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::{Diagnose, Diagnostic};
use weft::keys::{self, KeysError, Process, Sources, Variables};
use weft::masked::Masked;
use weft::secrets::{self, Asks, Identities, Recipient, Rule};
use weft::tree::Tree;
use weft::value::Value;

use crate::cases::{self, own, same};

const NOW: &str = "2026-01-02T03:04:05Z";

/// What all secrets of these tests hold, and nothing else does.
const CANARIES: [&str; 3] = ["canary", "CANARY", "hunter2"];

/// The files that are encrypted to each kind of key, and the key files that open them.
const KINDS: [(&str, &str); 8] = [
    ("native.yaml", "native.txt"),
    ("native.yaml", "native_locked.age"),
    ("native.yaml", "native_locked.bin"),
    ("ssh_ed25519.yaml", "ssh_ed25519"),
    ("ssh_ed25519_locked.yaml", "ssh_ed25519_locked"),
    ("ssh_rsa.yaml", "ssh_rsa"),
    ("ssh_rsa_locked.yaml", "ssh_rsa_locked"),
    ("ssh_rsa_pem.yaml", "ssh_rsa_pem"),
];

/// A plugin that writes the key of a file down in plain.
const PLUGIN: &str = r#"#!/bin/sh
while read -r _ command rest; do
    case "$command $rest" in
    "wrap-file-key "* | "recipient-stanza 0 wefttest") read -r key ;;
    "done "*) read -r _; break ;;
    esac
done
case "$1" in
*recipient-v1) printf -- '-> recipient-stanza 0 wefttest\n%s\n' "$key" ;;
*) printf -- '-> file-key 0\n%s\n' "$key" ;;
esac
read -r _; read -r _
printf -- '-> done\n\n'
"#;

const PLUGIN_RECIPIENT: &str = "age1wefttest1hqcxfa";
const PLUGIN_IDENTITY: &str = "AGE-PLUGIN-WEFTTEST-13ZEZJF";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("keys", "all_kinds_open_what_sops_encrypted", kinds),
        cases::code("keys", "all_kinds_open_what_is_encrypted_to_them", round_trip),
        cases::code("keys", "a_passphrase_is_asked_for_once_and_only_if_needed", asked),
        cases::code("keys", "keys_come_from_their_places_in_order", order),
        cases::code("keys", "keys_that_cannot_be_used_are_named", errors),
        cases::code("keys", "no_key_at_all_names_the_places", no_key),
        cases::code("keys", "keys_behind_a_passphrase_say_what_is_missing", locked),
        cases::code("keys", "refused_kinds_are_named", refused),
        cases::code("keys", "refused_recipients_are_named", recipients),
        cases::code("keys", "a_mounted_secret_is_a_folder_of_keys", mounted),
        cases::code("keys", "the_users_ssh_keys_are_tried", ssh),
        cases::code("keys", "a_plugin_is_run", plugin),
        cases::code("keys", "standard_input_holds_keys", standard_input),
        cases::code("keys", "a_key_file_gets_a_passphrase", new_locked),
        cases::code("keys", "keygen_makes_a_key_behind_a_passphrase", keygen),
    ]
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/keys/kinds").join(name)).expect(name)
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).expect("text")
}

/// Somebody who knows all passphrases, or one wrong one, and counts how often they are asked.
struct Knows {
    wrong: bool,
    asked: AtomicUsize,
}

impl Asks for Knows {
    fn passphrase(&self, what: &str, attempt: usize) -> Result<Masked<String>, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let right = if what.contains("ssh") { "hunter2-ssh" } else { "hunter2-file" };
        let passphrase = if self.wrong || attempt == 0 && what.contains("twice") { "hunter2-wrong" } else { right };
        Ok(Masked::new(passphrase.to_owned()))
    }
}

fn knows(wrong: bool) -> (Arc<Knows>, Arc<dyn Asks>) {
    let knows = Arc::new(Knows { wrong, asked: AtomicUsize::new(0) });
    (knows.clone(), knows)
}

fn kinds() -> Result<(), Failed> {
    for (file, key) in KINDS {
        let identities = Identities::read(&fixture(key), key, &knows(false).1)?;
        let opened = secrets::decrypt(&text(file), &Arc::new(file.to_owned()), &identities)?;
        assert!(opened.get("token").is_some_and(Value::is_masked), "{key}");
        if let Some(public) = identities.recipients().first() {
            let public = public.to_string();
            assert!(text(file).contains(&public), "{public} is the recipient of {file}");
        }
    }
    Ok(())
}

fn round_trip() -> Result<(), Failed> {
    for key in ["native.txt", "ssh_ed25519", "ssh_ed25519_locked", "ssh_rsa", "ssh_rsa_locked", "ssh_rsa_pem"] {
        let identities = Identities::read(&fixture(key), key, &knows(false).1)?;
        let (file, rule) = (Arc::new("x.yaml".to_owned()), Rule::from(identities.recipients()));
        let encrypted = secrets::encrypt("a: 1\n", &file, &rule, &mut random, NOW)?;
        assert_eq!(secrets::decrypt(&encrypted, &file, &identities)?.get("a"), Some(&Value::from(1_i64)), "{key}");
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "what is asked for randomness may fail")]
fn random(bytes: &mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    bytes.fill(7);
    Ok(())
}

fn asked() -> Result<(), Failed> {
    let (count, asks) = knows(false);
    let mut identities = Identities::read(&fixture("ssh_ed25519_locked"), "ssh-twice", &asks)?;
    identities.extend(Identities::read(&fixture("native_locked.age"), "file", &asks)?);
    identities.extend(Identities::read(&fixture("ssh_ed25519"), "plain", &asks)?);
    let open = |file: &str| secrets::decrypt(&text(file), &Arc::new(file.to_owned()), &identities);
    open("ssh_ed25519.yaml")?;
    assert_eq!(count.asked.load(Ordering::Relaxed), 0, "a key without a passphrase fits");
    open("ssh_ed25519_locked.yaml")?;
    open("ssh_ed25519_locked.yaml")?;
    assert_eq!(count.asked.load(Ordering::Relaxed), 2, "a wrong one, the right one, and no more");
    open("native.yaml")?;
    open("native.yaml")?;
    assert_eq!(count.asked.load(Ordering::Relaxed), 3);
    Ok(())
}

/// The whole text of an error, which holds no secret, as its Debug form does not.
fn shown(error: &(impl Diagnose + std::fmt::Debug)) -> String {
    let text = Diagnostic::of(error).to_string();
    for canary in CANARIES {
        assert!(!text.contains(canary) && !format!("{error:?}").contains(canary), "leaks {canary}: {text}\n{error:?}");
    }
    text
}

/// A folder with key files of the given modes.
fn folder(files: &[(&str, &[u8], u32)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, mode) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("a mode");
    }
    folder
}

fn order() -> Result<(), Failed> {
    let keys: Vec<_> = (0..12).map(|_| secrets::keygen(NOW, Some("test"))).collect();
    let text = |n: usize| keys[n].0.expose().as_str();
    let file = |name, n: usize, mode| (name, text(n).as_bytes(), mode);
    let folder = folder(&[
        file("explicit", 0, 0o600),
        file("weft", 3, 0o400),
        file("printed-weft", 4, 0o600),
        file("sops", 7, 0o400),
        file("printed-sops", 8, 0o600),
        file("ssh", 9, 0o600),
        file("config/sops/age/keys.txt", 10, 0o600),
        file("config/weft/keys.txt", 11, 0o600),
    ]);
    let path = |name: &str| folder.path().join(name);
    let bare = |n: usize| text(n).lines().last().expect("a key").to_owned();
    let variable = |name: &str| match name {
        "WEFT_AGE_KEY" => Some(bare(2)),
        "WEFT_AGE_KEY_FILE" => Some(path("weft").display().to_string()),
        "WEFT_AGE_KEY_CMD" => Some(format!("cat '{}'", path("printed-weft").display())),
        "SOPS_AGE_KEY" => Some(format!("{} {}", bare(5), bare(6))),
        "SOPS_AGE_KEY_FILE" => Some(path("sops").display().to_string()),
        "SOPS_AGE_KEY_CMD" => Some(format!("cat '{}'", path("printed-sops").display())),
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE" => Some(path("ssh").display().to_string()),
        "XDG_CONFIG_HOME" => Some(path("config").display().to_string()),
        "WEFT_AGE_PASSPHRASE" => Some("hunter2".to_owned()),
        _ => None,
    };
    let process = Process::new(&variable);
    let tree = Tree::new([("dev.agekey".to_owned(), text(1).as_bytes().to_vec())]);
    let files = [path("explicit")];
    let found = keys::find(
        &Sources { files: &files, project: Some((&tree, "dev.agekey")), process: &process },
        own([]).keys().expect("keys"),
    )?;
    assert_eq!(found.recipients(), keys.iter().map(|(_, recipient)| recipient.clone()).collect::<Vec<_>>());
    let debug = format!("{process:?} {found:?}");
    assert!((0..12).all(|n| !debug.contains(&bare(n))) && !debug.contains("hunter2"), "{debug}");
    Ok(())
}

fn find(files: &[PathBuf], project: Option<(&Tree, &str)>, process: &Process) -> KeysError {
    keys::find(&Sources { files, project, process }, own([]).keys().expect("keys")).expect_err("a refused key")
}

fn errors() -> Result<(), Failed> {
    let (private, _) = secrets::keygen(NOW, None);
    let (public, _) = secrets::keygen(NOW, Some("test"));
    let private_bytes = private.expose().as_bytes();
    let folder = folder(&[
        ("open", private_bytes, 0o640),
        ("throwaway", public.expose().as_bytes(), 0o644),
        ("empty", b"# nothing\n", 0o600),
        ("wrong", b"hunter2-canary\n", 0o600),
        ("bytes", b"\xffhunter2-canary\n", 0o600),
        ("none-inside/.hidden", b"", 0o600),
        ("folder/key", private_bytes, 0o640),
        ("mounted/..data/key", private_bytes, 0o600),
        ("mounted/key", private_bytes, 0o644),
    ]);
    let path = |name: &str| folder.path().join(name);
    fs::rename(path("mounted/..data"), path("mounted/..1"))?;
    symlink("..1", path("mounted/..data"))?;
    let tree = Tree::new([("prod.agekey".to_owned(), private_bytes.to_vec())]);
    let of_file = |name: &str| find(&[path(name)], None, &Process::default());
    let of_project = |name: &str| find(&[], Some((&tree, name)), &Process::default());
    let of = |variables: Variables| find(&[], None, &Process { weft: variables, ..Process::default() });
    let of_command = |command: &str| of(Variables { command: Some(command.to_owned()), ..Variables::default() });
    let of_key = |key: &str| of(Variables { key: Some(Masked::new(key.to_owned())), ..Variables::default() });
    let errors = [
        of_file("none"),
        of_file("open"),
        of_file("throwaway"),
        of_file("empty"),
        of_file("wrong"),
        of_file("bytes"),
        of_file("none-inside"),
        of_file("folder"),
        of_file("mounted"),
        of_project("prod.agekey"),
        of_project("none.agekey"),
        of_command("cat 'hunter2"),
        of_command("/no/such/program hunter2"),
        of_command("false hunter2"),
        of_key("hunter2-canary"),
    ];
    let text: String = errors.iter().map(shown).collect();
    snapshot("errors.txt", &text.replace(&folder.path().display().to_string(), "/keys"))
}

fn no_key() -> Result<(), Failed> {
    let folder =
        folder(&[(".ssh/id_ed25519", &fixture("ssh_ecdsa"), 0o600), (".ssh/id_rsa", &fixture("ssh_rsa"), 0o644)]);
    let home = folder.path().display().to_string();
    let process = Process::new(&|name| (name == "HOME").then(|| home.clone()));
    let found = keys::find(&Sources { files: &[], project: None, process: &process }, own([]).keys().expect("keys"))?;
    let file = Arc::new("x.yaml".to_owned());
    let rule = Rule::from(vec!["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".parse()?]);
    let encrypted = secrets::encrypt("a: 1\n", &file, &rule, &mut random, NOW)?;
    let error = secrets::decrypt(&encrypted, &file, &found).expect_err("no key");
    snapshot("no-key.txt", &shown(&error).replace(&home, "/home/me"))
}

fn locked() -> Result<(), Failed> {
    let folder = folder(&[
        ("id", &fixture("ssh_ed25519_locked"), 0o600),
        ("keys.age", &fixture("native_locked.age"), 0o600),
        ("plugin", PLUGIN_IDENTITY.as_bytes(), 0o600),
    ]);
    let failure = |key: &str, file: &str, passphrase: Option<&str>| {
        let passphrase = passphrase.map(|it| Masked::new(it.to_owned()));
        let process = Process { passphrase, ..Process::default() };
        let files = [folder.path().join(key)];
        let found =
            keys::find(&Sources { files: &files, project: None, process: &process }, own([]).keys().expect("keys"))
                .expect("keys");
        shown(&secrets::decrypt(&text(file), &Arc::new(file.to_owned()), &found).expect_err("a key that is locked"))
    };
    let texts = [
        failure("id", "ssh_ed25519_locked.yaml", None),
        failure("id", "ssh_ed25519_locked.yaml", Some("hunter2-wrong")),
        failure("id", "native.yaml", None),
        failure("keys.age", "native.yaml", None),
        failure("keys.age", "native.yaml", Some("hunter2-wrong")),
        failure("keys.age", "ssh_rsa.yaml", Some("hunter2-file")),
        failure("plugin", "native.yaml", None),
    ];
    snapshot("locked.txt", &texts.concat().replace(&folder.path().display().to_string(), "/keys"))
}

fn refused() -> Result<(), Failed> {
    let error = |name: &str| shown(&Identities::read(&fixture(name), name, &knows(false).1).expect_err(name));
    let of_text = |text: &str| shown(&Identities::parse(text, "keys.txt").expect_err("a refused key"));
    let texts = [
        error("post_quantum.txt"),
        error("ssh_ecdsa"),
        error("ssh_rsa_pem_locked"),
        error("ssh_ed25519.pub"),
        of_text("AGE-PLUGIN-CANARY-1CANARY\n"),
        of_text("-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n-----END OPENSSH PRIVATE KEY-----\n"),
        of_text("-----BEGIN PRIVATE KEY-----\nCANARY\n"),
        of_text("-----BEGIN CERTIFICATE-----\nCANARY\n"),
    ];
    snapshot("refused.txt", &texts.concat())
}

fn recipients() -> Result<(), Failed> {
    let pq = text("post_quantum.txt");
    let pq = pq.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a public key");
    let ecdsa = text("ssh_ecdsa.pub");
    let texts = [
        "AGE-SECRET-KEY-1CANARY",
        "AGE-PLUGIN-CANARY-1CANARY",
        "age1damaged",
        "age1yubikey1damaged",
        &pq[..40],
        ecdsa.trim(),
        "ssh-ed25519 AAAAdamaged",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDWMECYXSvgM/SMALLERTHAN2048",
        "somebody",
    ];
    let texts = texts.map(|text| shown(&text.parse::<Recipient>().expect_err(text)));
    for text in [PLUGIN_RECIPIENT, text("ssh_rsa.pub").trim(), text("ssh_ed25519.pub").trim()] {
        let shown = text.parse::<Recipient>()?.to_string();
        assert!(text.starts_with(&shown), "{shown} without its comment");
    }
    snapshot("recipients.txt", &texts.concat())
}

/// As Kubernetes mounts a Secret: the files are links into a folder that changes as a whole.
fn mounted() -> Result<(), Failed> {
    let keys: Vec<_> = (0..2).map(|_| secrets::keygen(NOW, None)).collect();
    let bytes = |n: usize| keys[n].0.expose().as_bytes();
    let folder = folder(&[("..2026_01/a.agekey", bytes(0), 0o440), ("..2026_01/b.agekey", bytes(1), 0o400)]);
    symlink("..2026_01", folder.path().join("..data"))?;
    for name in ["a.agekey", "b.agekey"] {
        symlink(Path::new("..data").join(name), folder.path().join(name))?;
    }
    let weft = Variables { file: Some(folder.path().to_owned()), ..Variables::default() };
    let process = Process { weft, ..Process::default() };
    let found = keys::find(&Sources { files: &[], project: None, process: &process }, own([]).keys().expect("keys"))?;
    assert_eq!(found.recipients(), keys.iter().map(|(_, recipient)| recipient.clone()).collect::<Vec<_>>());
    Ok(())
}

fn ssh() -> Result<(), Failed> {
    let folder = folder(&[
        (".ssh/id_ed25519", &fixture("ssh_ed25519"), 0o600),
        (".ssh/id_rsa", &fixture("ssh_rsa_locked"), 0o600),
    ]);
    let process = Process {
        home: Some(folder.path().to_owned()),
        passphrase: Some(Masked::new("hunter2-ssh".to_owned())),
        ..Process::default()
    };
    let found = keys::find(&Sources { files: &[], project: None, process: &process }, own([]).keys().expect("keys"))?;
    for file in ["ssh_ed25519.yaml", "ssh_rsa_locked.yaml"] {
        secrets::decrypt(&text(file), &Arc::new(file.to_owned()), &found)?;
    }
    Ok(())
}

/// The program in an environment that has nothing but a search path.
fn weft(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    let path = format!("{}:/usr/bin:/bin", folder.display());
    command.env_clear().env("PATH", path).current_dir(folder).stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("weft runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn plugin() -> Result<(), Failed> {
    let folder = folder(&[
        ("age-plugin-wefttest", PLUGIN.as_bytes(), 0o755),
        ("key", PLUGIN_IDENTITY.as_bytes(), 0o600),
        ("plain.yaml", b"token: canary\n", 0o644),
    ]);
    let encrypted =
        output(weft(folder.path()).args(["secrets", "encrypt", "plain.yaml", "--recipient", PLUGIN_RECIPIENT]));
    assert!(encrypted.contains(PLUGIN_RECIPIENT) && !encrypted.contains("canary"), "{encrypted}");
    fs::write(folder.path().join("x.yaml"), encrypted)?;
    let plain = output(weft(folder.path()).args(["secrets", "decrypt", "x.yaml", "--identity", "key"]));
    assert_eq!(plain, "token: canary\n");
    Ok(())
}

fn standard_input() -> Result<(), Failed> {
    let folder = folder(&[("x.yaml", &fixture("native.yaml"), 0o644)]);
    let mut command = weft(folder.path());
    command.args(["secrets", "decrypt", "x.yaml", "--identity", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().expect("a pipe").write_all(&fixture("native.txt"))?;
    let output = child.wait_with_output()?;
    assert!(output.status.success() && output.stdout.starts_with(b"token: canary"), "{output:?}");
    Ok(())
}

fn new_locked() -> Result<(), Failed> {
    let (plain, recipient) = secrets::keygen(NOW, None);
    let file = secrets::locked(&plain, &Masked::new("hunter2-file".to_owned()))?;
    let (count, asks) = knows(false);
    let identities = Identities::read(file.as_bytes(), "keys.age", &asks)?;
    let name = Arc::new("x.yaml".to_owned());
    let encrypted = secrets::encrypt("a: 1\n", &name, &Rule::from(vec![recipient]), &mut random, NOW)?;
    secrets::decrypt(&encrypted, &name, &identities)?;
    assert_eq!(count.asked.load(Ordering::Relaxed), 1);
    let mut whole = Identities::asking(asks);
    whole.extend(identities);
    assert_eq!(whole.open(file.as_bytes(), "keys.age")?.expose(), plain.expose().as_bytes());
    Ok(())
}

fn keygen() -> Result<(), Failed> {
    let folder = folder(&[("plain.yaml", b"token: canary\n", 0o644)]);
    let with = |arguments: &[&str]| {
        output(weft(folder.path()).env("WEFT_AGE_PASSPHRASE", "hunter2-file").arg("secrets").args(arguments))
    };
    let recipient = with(&["keygen", "--passphrase", "--output", "keys.age"]);
    let file = fs::read_to_string(folder.path().join("keys.age"))?;
    assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{file}");
    let encrypted = with(&["encrypt", "plain.yaml", "--recipient", recipient.trim()]);
    fs::write(folder.path().join("x.yaml"), encrypted)?;
    assert_eq!(with(&["decrypt", "x.yaml", "--identity", "keys.age"]), "token: canary\n");
    let passphrase =
        |text: Option<&str>| Process { passphrase: text.map(|it| Masked::new(it.to_owned())), ..Process::default() };
    let errors = [None, Some("")].map(|text| keys::new_passphrase(&passphrase(text), "`keys.age`").expect_err("none"));
    snapshot("new-passphrase.txt", &errors.iter().map(shown).collect::<String>())
}

/// Holds a text against a file beside the cases.
fn snapshot(file: &str, actual: &str) -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/keys").join(file);
    if std::env::var_os("WEFT_UPDATE").is_some() {
        return fs::write(&path, actual).map_err(Failed::from);
    }
    same(file, &fs::read_to_string(&path).unwrap_or_default(), actual)
}
