//! The daily acts on secrets, through the program.
//!
//! Each test is a talk with the program in a project of its own; the talks are files under `tests/cases/secret_verbs`,
//! in which keys have the names of the people who hold them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use weft::secrets::{self, Recipient};

use crate::cases::{self, same};
use crate::cli::program::{Desk, Run};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("secrets", "verbs_get_set_unset", get_set_unset),
        cases::code("secrets", "verbs_values_come_in_unseen", values),
        cases::code("secrets", "verbs_what_is_set_keeps_the_rest", small_changes),
        cases::code("secrets", "verbs_recipients_come_and_go", recipients),
        cases::code("secrets", "verbs_rules_that_reach_further_stay", reach),
        cases::code("secrets", "verbs_new_data_keys", data_keys),
        cases::code("secrets", "verbs_nothing_is_written_if_one_fails", all_or_none),
        cases::code("secrets", "verbs_who", who),
        cases::code("secrets", "verbs_edit", edit),
        cases::code("secrets", "verbs_formats", formats),
        cases::code("secrets", "verbs_groups", groups),
        cases::code("secrets", "verbs_mistakes", mistakes),
        cases::code("secrets", "verbs_help", help),
        match program("gpg") {
            Some(_) => cases::code("secrets", "verbs_from_pgp_to_age", from_pgp),
            None => cases::code("secrets", "verbs_from_pgp_to_age (skipped: no gpg on this machine)", from_pgp)
                .with_ignored_flag(true),
        },
    ]
}

const CANARY: &str = "hunter2-canary";

/// The rules of the projects here, with what should survive changes.
const RULES: &str = "\
# Who reads what.
creation_rules:
# Everybody.
- path_regex: ^secrets/dev/
  age: ANN # ann
- path_regex: ^secrets/production/
  age:
  # The first.
  - ANN # ann
  - BOB # bob, on call
";

/// A project with people who have keys, and what was said in it.
struct Talk {
    desk: Desk,
    people: Vec<(&'static str, String, Recipient)>,
    said: String,
}

impl Talk {
    fn new() -> Self {
        let person = |name| {
            let (text, recipient) = secrets::keygen("2026-01-02T03:04:05Z", None);
            (name, text.expose().lines().last().expect("a key").to_owned(), recipient)
        };
        let talk = Self { desk: Desk::new(), people: ["ANN", "BOB", "EVE"].map(person).into(), said: String::new() };
        talk.desk.write("environments/dev/environment.yaml", "releases: []\n");
        talk.write(".sops.yaml", RULES);
        talk
    }

    /// One with encrypted files.
    fn with_files() -> Result<Self, Failed> {
        let talk = Self::new();
        let text = format!("# why\ndb:\n  password: {CANARY}\n  port: 5432\nhosts: [a, b]\nopen_unencrypted: yes\n");
        for file in ["secrets/dev/a.yaml", "secrets/dev/b.yaml", "secrets/production/a.yaml"] {
            talk.desk.write(file, &text);
            talk.desk.run(["secrets", "encrypt", "--in-place", file]).ends_with(0)?;
        }
        Ok(talk)
    }

    fn key(&self, name: &str) -> String {
        self.people.iter().find(|(it, ..)| *it == name).expect("a person").2.to_string()
    }

    /// Writes a file in which names stand for keys.
    fn write(&self, path: &str, text: &str) {
        let named = |text: String, (name, _, key): &(&str, String, Recipient)| text.replace(name, &key.to_string());
        self.desk.write(path, self.people.iter().fold(text.to_owned(), named));
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.desk.project().join(path)).expect(path)
    }

    /// Runs the program as somebody, with something on its standard input.
    fn run(&self, name: &str, arguments: &[&str], input: Option<&str>) -> Run {
        let people = self.people.iter().filter(|(it, ..)| name.split('+').any(|name| name == *it));
        let private = people.map(|(_, key, _)| key.as_str()).collect::<Vec<_>>().join("\n");
        let mut command = self.desk.command(["secrets"]);
        command.args(arguments).env("SOPS_AGE_KEY", private).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Some(input) = input else { return self.desk.output(&mut command) };
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the program");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("input");
        self.desk.read(&child.wait_with_output().expect("an end"))
    }

    /// The same, written down; words of the line are parted by spaces, and `'` holds them together.
    fn say(&mut self, name: &str, line: &str, input: Option<&str>) -> Run {
        let named = |text: &str, (name, _, key): &(&str, String, Recipient)| text.replace(name, &key.to_string());
        let line_keyed = self.people.iter().fold(line.to_owned(), |text, person| named(&text, person));
        let words: Vec<String> = words(&line_keyed);
        let run = self.run(name, &words.iter().map(String::as_str).collect::<Vec<_>>(), input);
        let shown = self.anonymous(&format!("{}{}", run.stdout, run.stderr));
        let end = if shown.is_empty() || shown.ends_with('\n') { "" } else { "\n" };
        let code = run.code.filter(|code| *code != 0).map(|code| format!("[exit {code}]\n")).unwrap_or_default();
        self.said.extend([format!("{}$ weft secrets {line}\n{shown}{end}{code}", name.to_lowercase())]);
        run
    }

    /// Keys by the names of their people. Where the code over a file stands depends on what age adds to each key.
    fn anonymous(&self, text: &str) -> String {
        let text = regex::Regex::new(r"(\.yaml):\d+:\d+").expect("a pattern").replace_all(text, "$1:LINE:COLUMN");
        let text = text.into_owned();
        self.people.iter().fold(text, |text, (name, _, key)| text.replace(&key.to_string(), name))
    }

    /// Holds what was said against its file. No key and no secret is in it.
    fn ends(self, file: &str) -> Result<(), Failed> {
        for (name, private, _) in &self.people {
            assert!(!self.said.contains(private.as_str()), "{name}'s key is shown");
        }
        snapshot(file, &self.said)
    }
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 { words.push(part.to_owned()) } else { words.extend(part.split_whitespace().map(str::to_owned)) }
    }
    words
}

fn snapshot(file: &str, actual: &str) -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secret_verbs").join(file);
    if std::env::var_os("WEFT_UPDATE").is_some() {
        return fs::write(&path, actual).map_err(Failed::from);
    }
    same(file, &fs::read_to_string(&path).unwrap_or_default(), actual)
}

/// The ciphertexts of a file.
fn sealed(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("ENC[") && !line.contains("mac:")).collect()
}

fn get_set_unset() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    let run = talk.say("ANN", "get secrets/dev/a.yaml db.port", None);
    assert_eq!(run.stdout, "5432", "nothing is added to a value in a pipe");
    for line in [
        "get secrets/dev/a.yaml hosts[1]",
        "get secrets/dev/a.yaml hosts",
        "get secrets/dev/a.yaml hosts --output json",
        "get secrets/dev/a.yaml open_unencrypted -o json",
        "get secrets/dev/a.yaml db.none",
        "get secrets/dev/a.yaml db.none --default fallback",
        "get secrets/dev/a.yaml hosts[7]",
        "get secrets/dev/a.yaml db.port.deeper",
        "unset secrets/dev/a.yaml hosts[0]",
        "get secrets/dev/a.yaml hosts -o json",
        "unset secrets/dev/a.yaml hosts[4]",
        "unset secrets/dev/a.yaml hosts[4] --if-present",
        "unset secrets/dev/a.yaml db",
        "get secrets/dev/a.yaml db",
    ] {
        talk.say("ANN", line, None);
    }
    for (line, input) in [
        ("set secrets/dev/a.yaml port", "8080\n"),
        ("set secrets/dev/a.yaml code", "0123\n"),
        ("set secrets/dev/a.yaml token --string", "42\n"),
        ("set secrets/dev/a.yaml token --stdin", "43\n"),
        ("set secrets/dev/a.yaml users --yaml", "[{name: ann, pin: 1}, {name: bob}]\n"),
        (r#"set secrets/dev/a.yaml 'users[name="bob"].pin'"#, "2"),
        (r#"set secrets/dev/a.yaml '["a.b/c"].d'"#, "e"),
        ("set secrets/dev/a.yaml hosts[1]", "last"),
        ("set secrets/dev/a.yaml hosts[1]", "last"),
    ] {
        talk.say("ANN", line, Some(input)).ends_with(0)?;
    }
    talk.say("ANN", "set secrets/dev/a.yaml open_unencrypted no", None).ends_with(0)?;
    talk.say("ANN", "decrypt secrets/dev/a.yaml", None).ends_with(0)?.keeps_quiet_about(CANARY)?;
    talk.ends("get-set-unset.txt")
}

fn values() -> Result<(), Failed> {
    let talk = Talk::with_files()?;
    let file = "secrets/dev/a.yaml";
    let get = |path: &str| talk.run("ANN", &["get", file, path], None).stdout;
    let pem = "-----BEGIN X-----\n  a: b\n\n-----END X-----\n";
    talk.desk.write("key.pem", pem);
    talk.run("ANN", &["set", file, "pem", "--value-file", "key.pem"], None).ends_with(0)?;
    assert_eq!(get("pem"), pem, "a file is taken exactly as it is");
    talk.run("ANN", &["set", file, "pem", "--stdin"], Some("a\n\n")).ends_with(0)?;
    assert_eq!(get("pem"), "a\n", "one line end goes");
    let run = talk.run("ANN", &["set", file, "db.password", "other-canary"], None);
    run.ends_with(0)?.says("list of processes")?.keeps_quiet_about("other-canary")?;
    assert_eq!(get("db.password"), "other-canary");
    // What is no secret may be an argument, and a warning about it would be noise.
    talk.run("ANN", &["set", file, "open_unencrypted", "x"], None).ends_with(0)?.keeps_quiet_about("warning")?;
    for input in ["", "\n"] {
        talk.run("ANN", &["set", file, "db.password"], Some(input)).ends_with(1)?.says("no value")?;
    }
    talk.run("ANN", &["set", file, "db.password", ""], None).ends_with(0)?;
    assert_eq!(get("db.password"), "");
    let run = talk.run("ANN", &["set", file, "x", "--yaml"], Some("a: [canary\n"));
    run.ends_with(1)?.says("no YAML")?.keeps_quiet_about("canary")?;
    Ok(())
}

fn small_changes() -> Result<(), Failed> {
    let talk = Talk::with_files()?;
    let file = "secrets/dev/a.yaml";
    let path = talk.desk.project().join(file);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
    let before = talk.read(file);
    talk.run("ANN", &["set", file, "db.password"], Some("new")).ends_with(0)?;
    let after = talk.read(file);
    let changed: Vec<_> = sealed(&before).into_iter().zip(sealed(&after)).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].0.contains("password"), "{changed:?}");
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o640, "the mode stays");
    talk.run("ANN", &["set", file, "db.password"], Some("new")).ends_with(0)?.says("unchanged")?;
    assert_eq!(talk.read(file), after, "the same value writes nothing");

    // A link stays one, and a new file is made as the rules say.
    std::os::unix::fs::symlink("a.yaml", talk.desk.project().join("secrets/dev/link.yaml"))?;
    talk.run("ANN", &["set", "secrets/dev/link.yaml", "db.port", "1"], None).ends_with(0)?;
    assert!(talk.desk.project().join("secrets/dev/link.yaml").is_symlink());
    assert_eq!(talk.run("ANN", &["get", file, "db.port"], None).stdout, "1");
    talk.run("ANN", &["set", "secrets/production/new.yaml", "token"], Some("t")).ends_with(0)?;
    assert_eq!(talk.run("BOB", &["get", "secrets/production/new.yaml", "token"], None).stdout, "t");
    Ok(())
}

fn recipients() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    let files = talk.desk.files();
    talk.say("ANN", "add-recipient BOB secrets/dev --dry-run", None).ends_with(0)?;
    assert!(files == talk.desk.files(), "a dry run writes nothing");
    let before = talk.read("secrets/dev/a.yaml");
    talk.say("ANN", "add-recipient BOB secrets/dev", None).ends_with(0)?;
    let after = talk.read("secrets/dev/a.yaml");
    assert_eq!(sealed(&before), sealed(&after), "values keep their ciphertext");
    talk.say("BOB", "get secrets/dev/b.yaml db.port", None).ends_with(0)?;
    talk.say("ANN", "add-recipient BOB secrets/dev", None).ends_with(0)?;
    talk.say("ANN", "add-recipient EVE --all", None).ends_with(0)?;
    let rules = talk.anonymous(&talk.read(".sops.yaml"));
    talk.said.extend([format!("--- .sops.yaml\n{rules}---\n")]);
    talk.say("EVE", "get secrets/production/a.yaml db.port", None).ends_with(0)?;

    let before = talk.read("secrets/dev/a.yaml");
    talk.say("ANN", "remove-recipient BOB secrets/dev --dry-run", None).ends_with(0)?;
    talk.say("ANN", "remove-recipient BOB secrets/dev", None).ends_with(0)?;
    let after = talk.read("secrets/dev/a.yaml");
    assert!(sealed(&before).iter().all(|line| !sealed(&after).contains(line)), "nothing of the old ciphertext stays");
    talk.say("BOB", "get secrets/dev/a.yaml db.port", None).ends_with(1)?;
    talk.say("ANN", "remove-recipient BOB secrets/dev", None).ends_with(1)?;
    talk.say("ANN", "remove-recipient EVE --all", None).ends_with(0)?;
    talk.say("ANN", "remove-recipient ANN secrets/dev", None).ends_with(1)?;
    assert_eq!(talk.anonymous(&talk.read(".sops.yaml")), RULES, "the rules are as they were, comments and all");
    talk.ends("recipients.txt")
}

fn reach() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    talk.write(".sops.yaml", "creation_rules:\n- path_regex: ^secrets/\n  age: ANN,BOB\n");
    let files = talk.desk.files();
    talk.say("ANN", "add-recipient EVE secrets/dev", None).ends_with(1)?;
    assert!(files == talk.desk.files(), "nothing is written");
    talk.say("ANN", "add-recipient EVE", None).ends_with(0)?;
    talk.write(".sops.yaml", "creation_rules:\n- {path_regex: ^secrets/dev/, age: ANN}\n- age: ANN\n");
    talk.say("EVE", "add-recipient BOB --all", None).ends_with(1)?;
    talk.say("ANN", "add-recipient EVE", None).ends_with(1)?;
    talk.say("ANN", "add-recipient BOB secrets/dev --group 2", None).ends_with(1)?;
    talk.say("ANN", "add-recipient BOB nowhere", None).ends_with(1)?;
    talk.ends("reach.txt")
}

fn data_keys() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    let file = "secrets/dev/a.yaml";
    let before = talk.read(file);
    talk.say("ANN", "rekey secrets/dev/a.yaml --dry-run", None).ends_with(0)?;
    assert_eq!(talk.read(file), before);
    talk.say("ANN", "rekey secrets/dev/a.yaml", None).ends_with(0)?;
    let after = talk.read(file);
    assert!(sealed(&before).iter().all(|line| !sealed(&after).contains(line)), "nothing of the old ciphertext stays");
    assert_eq!(talk.run("ANN", &["get", file, "db.password"], None).stdout, CANARY);

    talk.write(".sops.yaml", &RULES.replace("age: ANN # ann", "age: BOB"));
    talk.say("ANN", "rotate secrets/dev/a.yaml", None).ends_with(0)?;
    assert_eq!(talk.run("BOB", &["get", file, "db.password"], None).stdout, CANARY);
    talk.run("ANN", &["get", file, "db.password"], None).ends_with(1)?;
    talk.say("ANN", "rotate secrets/dev/b.yaml secrets/production", None).ends_with(0)?;
    talk.say("BOB", "rekey --all", None).ends_with(0)?;
    talk.say("BOB", "rotate", None).ends_with(1)?;
    talk.ends("data-keys.txt")
}

fn all_or_none() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    let file = talk.desk.project().join("secrets/dev/b.yaml");
    fs::write(&file, talk.read("secrets/dev/b.yaml").replace("open_unencrypted: true", "open_unencrypted: false"))?;
    let files = talk.desk.files();
    talk.say("ANN", "add-recipient EVE secrets/dev", None).ends_with(1)?;
    talk.say("ANN", "rotate --all", None).ends_with(1)?;
    assert!(files == talk.desk.files(), "neither the rules nor a file is written");
    talk.ends("all-or-none.txt")
}

fn who() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    let json = talk.run("ANN", &["who", "-o", "json"], None);
    let json: serde_json::Value = serde_json::from_str(&json.ends_with(0)?.stdout)?;
    assert_eq!(json["files"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["files"][2]["groups"][0][1], talk.key("BOB"));
    let bob = json["readers"].as_array().expect("a list").iter().find(|it| it["key"] == talk.key("BOB"));
    assert_eq!(bob.expect("bob")["name"], "bob, on call");
    assert_eq!(bob.expect("bob")["files"], serde_json::json!(["secrets/production/a.yaml"]));
    // Keys are random and sorted by themselves, so only one reader's block is held against a file.
    talk.say("EVE", "who secrets/dev", None).ends_with(0)?;
    talk.say("EVE", "who secrets/none", None).ends_with(1)?;
    talk.ends("who.txt")
}

fn edit() -> Result<(), Failed> {
    let talk = Talk::with_files()?;
    let file = "secrets/dev/a.yaml";
    let with = |editor: &str, file: &str| {
        let mut command = talk.desk.command(["secrets", "edit", file]);
        command.env("PATH", "/usr/bin:/bin").env("SOPS_AGE_KEY", &talk.people[0].1).env("EDITOR", editor);
        talk.desk.output(&mut command)
    };
    let before = talk.read(file);
    with("true", file).ends_with(0)?.says("unchanged")?;
    assert_eq!(talk.read(file), before, "nothing changed, nothing is written");
    with("sed -i s/5432/5433/", file).ends_with(0)?.says("encrypted")?;
    let after = talk.read(file);
    let changed = sealed(&before).into_iter().zip(sealed(&after)).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1);
    with("false", file).ends_with(1)?.says("as it was")?;
    with("sed -i s/.*/a:[/", file).ends_with(1)?.keeps_quiet_about(CANARY)?;
    assert_eq!(talk.read(file), after);
    Ok(())
}

fn formats() -> Result<(), Failed> {
    let talk = Talk::new();
    let files = [
        ("secrets/dev/a.json", format!("{{\n\t\"token\": \"{CANARY}\",\n\t\"port\": 5432\n}}\n"), "token"),
        ("secrets/dev/a.env", format!("# why\ntoken={CANARY}\nport=5432\n"), "token"),
        ("secrets/dev/a.yml", format!("token: {CANARY}\nport: 5432\n"), "token"),
        ("secrets/dev/a.pem", format!("-----\n{CANARY}\nport 5432\n"), "data"),
    ];
    for (file, text, path) in &files {
        talk.desk.write(file, text);
        talk.run("ANN", &["encrypt", "--in-place", file], None).ends_with(0)?;
        assert!(!talk.read(file).contains(CANARY), "{file} is encrypted");
        let shown = talk.run("ANN", &["get", file, path], None);
        assert!(shown.ends_with(0)?.stdout.contains(CANARY), "{file}");
        let mut command = talk.desk.command(["secrets", "edit", file]);
        command.env("PATH", "/usr/bin:/bin").env("SOPS_AGE_KEY", &talk.people[0].1);
        talk.desk.output(command.env("EDITOR", "sed -i s/5432/5433/")).ends_with(0)?;
    }
    talk.run("ANN", &["rekey", "--all"], None).ends_with(0)?.says("4 files: 4 written")?;
    talk.run("ANN", &["add-recipient", &talk.key("BOB"), "secrets/dev"], None).ends_with(0)?;
    for (file, text, _) in &files {
        let plain = talk.run("BOB", &["decrypt", file], None);
        assert_eq!(plain.ends_with(0)?.stdout, text.replace("5432", "5433"), "{file}");
    }
    talk.run("ANN", &["set", "secrets/dev/new.json", "a.b"], Some("1")).ends_with(0)?;
    talk.run("ANN", &["set", "secrets/dev/new.env", "A"], Some("1")).ends_with(0)?;
    assert_eq!(talk.run("ANN", &["get", "secrets/dev/new.json", "a", "-o", "json"], None).stdout, r#"{"b":1}"#);
    assert_eq!(talk.run("ANN", &["decrypt", "secrets/dev/new.env"], None).stdout, "A=1\n");
    Ok(())
}

fn groups() -> Result<(), Failed> {
    let mut talk = Talk::new();
    let rules =
        "creation_rules:\n- shamir_threshold: 2\n  key_groups:\n  - age:\n    - ANN # ann\n  - age:\n    - BOB\n";
    talk.write(".sops.yaml", rules);
    talk.desk.write("secrets/a.yaml", format!("a: {CANARY}\n"));
    talk.say("ANN", "encrypt --in-place secrets/a.yaml", None).ends_with(0)?;
    talk.say("ANN", "add-recipient EVE", None).ends_with(1)?;
    talk.say("ANN+BOB", "add-recipient EVE --group 2", None).ends_with(0)?;
    talk.say("ANN+EVE", "get secrets/a.yaml a", None).ends_with(0)?;
    talk.say("ANN+EVE", "remove-recipient BOB", None).ends_with(0)?;
    talk.say("ANN+EVE", "remove-recipient EVE", None).ends_with(1)?;
    talk.say("ANN+EVE", "rotate --all", None).ends_with(0)?;
    assert_eq!(talk.anonymous(&talk.read(".sops.yaml")), rules.replace("BOB", "EVE"));
    talk.ends("groups.txt")
}

fn mistakes() -> Result<(), Failed> {
    let mut talk = Talk::with_files()?;
    for line in [
        "get secrets/dev/none.yaml a",
        "get secrets/dev/a.yaml a..b",
        "get secrets/dev/a.yaml hosts[*]",
        r#"get secrets/dev/a.yaml 'hosts[name="x"]'"#,
        "set secrets/dev/a.yaml hosts.x 1",
        "set nowhere.yaml a b",
        "add-recipient age1nokey secrets/dev",
        "add-recipient EVE",
        "rekey",
        "rekey environments",
        "rekey .sops.yaml",
        "remove-recipient EVE --all",
        "set secrets/dev/a.yaml a --value-file bytes",
    ] {
        talk.desk.write("bytes", [0xff, 0xfe]);
        talk.say("ANN", line, None).ends_with(1)?.keeps_quiet_about(CANARY)?;
    }
    fs::remove_file(talk.desk.project().join(".sops.yaml"))?;
    talk.say("ANN", "rekey --all", None).ends_with(1)?;
    talk.ends("mistakes.txt")
}

fn help() -> Result<(), Failed> {
    let mut talk = Talk::new();
    for verb in ["get", "set", "unset", "edit", "add-recipient", "remove-recipient", "rekey", "rotate", "who"] {
        talk.say("ANN", &format!("{verb} --help"), None).ends_with(0)?;
    }
    talk.ends("help.txt")
}

/// A file that sops wrote for a PGP key, opened by a real gpg with the key of the tests in a home of its own.
fn from_pgp() -> Result<(), Failed> {
    let gpg = program("gpg").ok_or("no gpg on this machine")?;
    let mut talk = Talk::with_files()?;
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secret_verbs/pgp");
    let file = "secrets/dev/a.yaml";
    fs::copy(cases.join("a.yaml"), talk.desk.project().join(file))?;
    let [home, empty] = ["gnupg", "empty"].map(|name| talk.desk.root().join(name));
    for folder in [&home, &empty] {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    let mut import = Command::new(&gpg);
    import.arg("--homedir").arg(&home).args(["--batch", "--quiet", "--import"]).arg(cases.join("key.asc"));
    assert!(import.stderr(Stdio::null()).status()?.success(), "gpg takes the key");

    let mut said = String::new();
    let mut weft = |arguments: &[&str], home: &Path, gpg: &Path| {
        let mut command = talk.desk.command(["secrets"]);
        command.args(arguments).env("PATH", "/usr/bin:/bin").env("GNUPGHOME", home).env("SOPS_GPG_EXEC", gpg);
        let run = talk.desk.output(command.env("SOPS_AGE_KEY", &talk.people[0].1));
        let shown = run.stderr.replace(gpg.to_str().expect("UTF-8"), "GPG");
        said.extend([format!("$ weft secrets {}\n{}{shown}", arguments.join(" "), run.stdout)]);
        run
    };
    weft(&["who", file], &empty, &gpg).ends_with(0)?;
    weft(&["rotate", file], &home, &gpg).ends_with(1)?;
    weft(&["rotate", "--from-pgp", file], &empty, &gpg).ends_with(1)?;
    weft(&["rotate", "--from-pgp", file], &home, Path::new("/no/such/gpg")).ends_with(1)?;
    weft(&["rotate", "--from-pgp", file, "secrets/dev/b.yaml"], &home, &gpg).ends_with(0)?;
    let run = weft(&["decrypt", file], &empty, &gpg);
    assert!(run.ends_with(0)?.stdout.contains(CANARY), "the values are the same");
    assert!(!talk.read(file).contains("pgp:"), "only age keys are left");
    for folder in [&home, &empty] {
        // The agents that gpg started for these folders.
        let _ = Command::new("gpgconf").arg("--homedir").arg(folder).args(["--kill", "all"]).status();
    }
    talk.said = talk.anonymous(&said);
    talk.ends("from-pgp.txt")
}

/// A program of the machine.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|it| it.is_file())
}
