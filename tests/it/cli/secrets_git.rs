//! Encrypted files in real repositories, with the real git and the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use weft::secrets;

use crate::cases;
use crate::machine::{program, seen, succeeded};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("secrets_git", "git_merges_encrypted_files_by_key", merges),
        cases::code("secrets_git", "a_conflict_leaves_a_file_that_opens", conflict),
        cases::code("secrets_git", "git_merges_readers_and_new_data_keys", readers),
        cases::code("secrets_git", "a_reader_that_one_side_removed_is_gone", reader_removed),
        cases::code("secrets_git", "git_rebases_and_picks_encrypted_files", rebase),
        cases::code("secrets_git", "a_file_that_both_sides_made_merges", both_made),
        cases::code("secrets_git", "git_merges_all_formats", formats),
        cases::code("secrets_git", "files_that_are_encrypted_as_a_whole_do_not_merge", whole),
        cases::code("secrets_git", "git_merges_plain_files_as_ever", plain),
        cases::code("secrets_git", "a_merge_without_a_key_leaves_our_side", no_key),
        cases::code("secrets_git", "git_shows_encrypted_files_by_their_keys", textconv),
        cases::code("secrets_git", "differences_of_secrets_are_told_without_values", difference),
        cases::code("secrets_git", "a_commit_with_a_plain_secret_is_refused", pre_commit),
        cases::code("secrets_git", "git_setup_is_done_once_and_undone", setup),
        cases::code("secrets_git", "a_check_tells_what_is_wrong", check),
    ]
}

/// All values that are secrets, and nothing else, hold this.
const CANARY: &str = "canary";
const FILE: &str = "secrets/dev/shop.yaml";
const PLAIN: &str = "# notes\ndatabase:\n    host: canary-host\n    password: canary-one # since May\n\
                     api:\n    token: canary-two\nlist:\n    - canary-a\n    - canary-b\n    - canary-c\n";

/// A repository with a key for its secrets, in a home of its own.
struct Clone {
    folder: TempDir,
    recipient: String,
}

impl Clone {
    /// A repository whose first commit has an encrypted file, and in which git knows what to do with it.
    fn new() -> Result<Self, Failed> {
        let (key, recipient) = secrets::keygen("2026-01-02T03:04:05Z", None);
        let clone = Self { folder: tempfile::tempdir()?, recipient: recipient.to_string() };
        for folder in ["home/.config/weft", "tmp", "project/environments/dev"] {
            fs::create_dir_all(clone.folder.path().join(folder))?;
        }
        clone.key("home/.config/weft/keys.txt", key.expose())?;
        clone.git(&["init", "-q", "-b", "main"])?;
        clone.rules(&[&clone.recipient])?;
        clone.write("environments/dev/environment.yaml", "releases: []\n")?;
        clone.write(FILE, PLAIN)?;
        clone.weft(&["secrets", "encrypt", "--in-place", FILE])?;
        clone.weft(&["secrets", "git-setup"])?;
        clone.commit("first")?;
        Ok(clone)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("project").join(path)
    }

    fn key(&self, path: &str, text: &str) -> Result<(), Failed> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join(path);
        fs::write(&path, text)?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
    }

    fn rules(&self, recipients: &[&str]) -> Result<(), Failed> {
        let keys = recipients.join(",");
        self.write(".sops.yaml", &format!("creation_rules:\n- path_regex: ^secrets/dev/\n  age: {keys}\n"))
    }

    fn write(&self, path: &str, text: &str) -> Result<(), Failed> {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a folder"))?;
        Ok(fs::write(path, text)?)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).expect("a text")
    }

    /// A command that finds nothing of the user's.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        let weft = Path::new(program()).parent().expect("a folder").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(weft).chain(std::env::split_paths(&path)));
        command.env_clear().env("PATH", path.expect("a path")).current_dir(self.at("."));
        command.env("HOME", self.folder.path().join("home")).env("TMPDIR", self.folder.path().join("tmp"));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true").env("GIT_PAGER", "cat").env("LC_ALL", "C");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "A").env(format!("GIT_{role}_EMAIL"), "a@example.com");
            command.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
        }
        command
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Result<Output, Failed> {
        let output = self.command(name).args(arguments).output()?;
        let is_plain = arguments.contains(&"decrypt") || arguments.contains(&"--show-values");
        assert!(is_plain || !seen(&output).contains(CANARY), "{arguments:?}: {}", seen(&output));
        Ok(output)
    }

    fn git(&self, arguments: &[&str]) -> Result<String, Failed> {
        succeeded(&format!("git {arguments:?}"), &self.run("git", arguments)?)
    }

    fn weft(&self, arguments: &[&str]) -> Result<String, Failed> {
        succeeded(&format!("weft {arguments:?}"), &self.run("weft", arguments)?)
    }

    fn commit(&self, message: &str) -> Result<(), Failed> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", message]).map(drop)
    }

    fn plain(&self) -> Result<String, Failed> {
        self.weft(&["secrets", "decrypt", FILE])
    }

    /// Changes the file as an editor would, by pairs of old and new texts.
    fn edit(&self, changes: &[(&str, &str)]) -> Result<(), Failed> {
        self.edit_file(FILE, changes)
    }

    fn edit_file(&self, path: &str, changes: &[(&str, &str)]) -> Result<(), Failed> {
        let script: Vec<String> = changes.iter().map(|(old, new)| format!("s/{old}/{new}/")).collect();
        let editor = self.folder.path().join("tmp/editor");
        fs::write(&editor, format!("#!/bin/sh\nsed -i '{}' \"$1\"\n", script.join(";")))?;
        let edited = self
            .command("weft")
            .args(["secrets", "edit", path])
            .env("EDITOR", format!("sh {}", editor.display()))
            .output()?;
        succeeded("edit", &edited).map(drop)
    }

    /// Makes a commit on a branch that begins at the first commit, with an edit.
    fn branch(&self, name: &str, changes: &[(&str, &str)]) -> Result<(), Failed> {
        self.git(&["checkout", "-q", "-b", name, "main"])?;
        self.edit(changes)?;
        self.commit(name)
    }

    /// Fails where plain text is in a file of the repository, git's own included.
    fn is_clean(&self) -> Result<(), Failed> {
        let found = self.command("grep").args(["-rl", CANARY, "."]).output()?;
        let objects = self.command("git").args(["grep", "-l", CANARY, "HEAD"]).output()?;
        let text = seen(&found) + &seen(&objects);
        if text.is_empty() { Ok(()) } else { Err(format!("plain text in {text}").into()) }
    }
}

/// The lines of a text that another has not.
fn new_lines<'t>(text: &'t str, old: &str) -> Vec<&'t str> {
    text.lines().filter(|line| !old.lines().any(|it| it == *line)).collect()
}

fn merges() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let first = clone.read(FILE);
    clone.branch("ours", &[("canary-one", "canary-new"), ("    - canary-a", "    - canary-0\\n    - canary-a")])?;
    let ours = clone.read(FILE);
    clone.branch(
        "theirs",
        &[("canary-two", "canary-other\\n    # theirs\\n    key: canary-key"), ("    - canary-c", "")],
    )?;
    let theirs = clone.read(FILE);
    clone.git(&["checkout", "-q", "ours"])?;
    clone.git(&["merge", "-q", "theirs"])?;
    assert_eq!(
        clone.plain()?,
        "# notes\ndatabase:\n    host: canary-host\n    password: canary-new # since May\napi:\n    token: canary-other\n    \
         # theirs\n    key: canary-key\nlist:\n    - canary-0\n    - canary-a\n    - canary-b\n"
    );
    let merged = clone.read(FILE);
    let added: Vec<&str> = new_lines(&merged, &first);
    let known = |line: &&str| ours.contains(line) || theirs.contains(line);
    let unknown: Vec<&str> = added.into_iter().filter(|line| !known(line)).collect();
    assert!(
        unknown.iter().all(|line| ["    lastmodified", "    mac:"].iter().any(|it| line.starts_with(it))),
        "{unknown:?}"
    );
    assert_eq!(clone.git(&["status", "--porcelain"])?, "");
    clone.is_clean()
}

fn conflict() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.branch("ours", &[("canary-one", "canary-mine"), ("canary-b", "canary-mine")])?;
    clone.branch(
        "theirs",
        &[("canary-one", "canary-theirs"), ("canary-two", "canary-theirs\\n    # remark"), ("canary-b", "")],
    )?;
    clone.git(&["checkout", "-q", "ours"])?;
    let output = clone.run("git", &["merge", "-q", "theirs"])?;
    assert_eq!(output.status.code(), Some(1), "{}", seen(&output));
    let text = seen(&output);
    for line in [
        "database.password: changed on both sides",
        "list: changed on both sides",
        "weft secrets edit",
        "1 comment of one side",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(clone.git(&["status", "--porcelain"])?, format!("UU {FILE}\n"));
    let plain = clone.plain()?;
    assert!(plain.contains("password: canary-mine") && plain.contains("token: canary-theirs"), "{plain}");
    clone.edit(&[("canary-mine # since May", "canary-agreed # since May")])?;
    clone.commit("merged")?;
    assert!(clone.plain()?.contains("password: canary-agreed"));
    clone.weft(&["secrets", "check"])?;
    clone.is_clean()
}

fn readers() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let (_, colleague) = secrets::keygen("2026-01-02T03:04:05Z", None);
    let colleague = colleague.to_string();
    // Theirs adds a reader, with a new data key; ours changes a value.
    clone.git(&["checkout", "-q", "-b", "theirs"])?;
    clone.rules(&[&clone.recipient, &colleague])?;
    clone.write(FILE, &clone.plain()?)?;
    clone.weft(&["secrets", "encrypt", "--in-place", FILE])?;
    clone.commit("theirs")?;
    let theirs = clone.read(FILE);
    clone.branch("ours", &[("canary-one", "canary-new")])?;
    clone.git(&["merge", "-q", "theirs"])?;
    let merged = clone.read(FILE);
    assert!(merged.contains(&colleague), "the new reader is there");
    let token = |text: &str| text.lines().find(|line| line.contains("token:")).map(str::to_owned);
    assert_eq!(token(&merged), token(&theirs), "the new data key is there, and with it the ciphertext");
    assert!(clone.plain()?.contains("password: canary-new"));
    clone.weft(&["secrets", "check"])?;
    clone.is_clean()
}

/// A reader that one side removed is gone, and so is the data key that it knew, from whichever side one merges.
fn reader_removed() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let colleague = secrets::keygen("2026-01-02T03:04:05Z", None).1.to_string();
    clone.weft(&["secrets", "add-recipient", &colleague])?;
    clone.commit("colleague")?;
    let data_keys = |text: &str| text.matches("BEGIN AGE ENCRYPTED FILE").count();
    assert_eq!(data_keys(&clone.read(FILE)), 2);
    clone.branch("ours", &[("canary-one", "canary-new")])?;
    let ours = clone.read(FILE);
    clone.git(&["checkout", "-q", "-b", "theirs", "main"])?;
    clone.weft(&["secrets", "remove-recipient", &colleague])?;
    clone.commit("removed")?;
    for (into, from) in [("ours", "theirs"), ("theirs", "ours")] {
        clone.git(&["checkout", "-q", "-B", "merged", into])?;
        clone.git(&["merge", "-q", from])?;
        let merged = clone.read(FILE);
        assert_eq!(data_keys(&merged), 1, "{into}");
        let old: Vec<&str> = ours.lines().filter(|line| line.contains("ENC[")).collect();
        assert!(old.iter().all(|line| !merged.contains(line)), "nothing is encrypted with the old data key");
        assert!(clone.plain()?.contains("password: canary-new"));
        assert_eq!(clone.weft(&["secrets", "check"])?, "1 file, 1 opened: ok\n");
    }
    clone.is_clean()
}

fn rebase() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.branch("ours", &[("canary-one", "canary-new")])?;
    clone.branch("theirs", &[("canary-two", "canary-other")])?;
    clone.git(&["rebase", "-q", "ours"])?;
    let plain = clone.plain()?;
    assert!(plain.contains("password: canary-new") && plain.contains("token: canary-other"), "{plain}");
    clone.branch("third", &[("canary-host", "canary-third")])?;
    clone.git(&["cherry-pick", "theirs"])?;
    let plain = clone.plain()?;
    assert!(plain.contains("host: canary-third") && plain.contains("token: canary-other"), "{plain}");
    clone.is_clean()
}

fn both_made() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let path = "secrets/dev/new.yaml";
    for (branch, text) in [("ours", "a: canary-1\nboth: canary-2\n"), ("theirs", "both: canary-2\nb: canary-3\n")] {
        clone.git(&["checkout", "-q", "-b", branch, "main"])?;
        clone.write(path, text)?;
        clone.weft(&["secrets", "encrypt", "--in-place", path])?;
        clone.commit(branch)?;
    }
    clone.git(&["merge", "-q", "ours"])?;
    assert_eq!(clone.weft(&["secrets", "decrypt", path])?, "a: canary-1\nboth: canary-2\nb: canary-3\n");
    clone.is_clean()
}

fn plain() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let path = "secrets/README";
    clone.write(path, "one\ntwo\nthree\nfour\nfive\n")?;
    clone.commit("readme")?;
    for (branch, line) in [("ours", "one"), ("theirs", "five"), ("third", "five!")] {
        clone.git(&["checkout", "-q", "-b", branch, "main"])?;
        let old = clone.read(path);
        clone.write(path, &old.replace(line.trim_end_matches('!'), &format!("new {line}")))?;
        clone.commit(branch)?;
    }
    clone.git(&["checkout", "-q", "ours"])?;
    clone.git(&["merge", "-q", "theirs"])?;
    assert_eq!(clone.read(path), "new one\ntwo\nthree\nfour\nnew five\n");
    let output = clone.run("git", &["merge", "-q", "third"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(clone.read(path).contains("<<<<<<<"), "{}", clone.read(path));
    Ok(())
}

/// Each format merges by its keys, and stays one that is of its format.
fn formats() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let files = [
        ("secrets/dev/a.json", "{\n\t\"one\": \"canary-1\",\n\t\"two\": {\n\t\t\"three\": \"canary-2\"\n\t}\n}\n"),
        ("secrets/dev/a.env", "ONE=canary-1\n# note\nTWO=canary-2\n"),
        ("secrets/dev/a.txt", "canary-1\nmiddle\nmiddle\ncanary-2\n"),
        ("secrets/dev/many.yaml", "a: canary-1\n---\nb: canary-2\n"),
    ];
    for (path, text) in files {
        clone.write(path, text)?;
        clone.weft(&["secrets", "encrypt", "--in-place", path])?;
    }
    clone.commit("formats")?;
    for (branch, old, new) in [("ours", "canary-1", "canary-new"), ("theirs", "canary-2", "canary-other")] {
        clone.git(&["checkout", "-q", "-b", branch, "main"])?;
        for (path, _) in files {
            clone.edit_file(path, &[(old, new)])?;
        }
        clone.commit(branch)?;
    }
    let output = clone.run("git", &["merge", "-q", "ours"])?;
    let conflicts = clone.git(&["diff", "--name-only", "--diff-filter=U"])?;
    assert_eq!(conflicts, "secrets/dev/a.txt\n", "a text is one value: {}", seen(&output));
    for (path, text) in files.into_iter().filter(|(path, _)| *path != "secrets/dev/a.txt") {
        let merged = clone.weft(&["secrets", "decrypt", path])?;
        assert_eq!(merged, text.replace("canary-1", "canary-new").replace("canary-2", "canary-other"), "{path}");
    }
    clone.commit("merged")?;
    clone.weft(&["secrets", "check"])?;
    clone.is_clean()
}

/// Files that age encrypted as a whole: there is nothing to merge by, and all else works.
fn whole() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let path = "secrets/dev/file.age";
    for (branch, text) in [("main", "canary-0"), ("ours", "canary-new\n"), ("theirs", "canary-other\n")] {
        if branch != "main" {
            clone.git(&["checkout", "-q", "-b", branch, "main"])?;
        }
        let recipient: age::x25519::Recipient = clone.recipient.parse()?;
        fs::write(clone.at(path), age::encrypt(&recipient, text.as_bytes())?)?;
        clone.commit(branch)?;
    }
    assert_eq!(clone.weft(&["secrets", "diff", "main", "ours"])?, format!("{path}\n  ~ (the content)\n"));
    let shown = clone.git(&["diff", "main", "ours"])?;
    assert!(shown.contains("+(secret ") && !shown.contains("Binary files"), "{shown}");
    let output = clone.run("git", &["merge", "-q", "ours"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(seen(&output).contains("is encrypted by age as a whole"), "{}", seen(&output));
    assert_eq!(clone.weft(&["secrets", "check"])?, "2 files, 2 opened: ok\n");
    clone.is_clean()
}

fn no_key() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.branch("ours", &[("canary-one", "canary-new")])?;
    let ours = clone.read(FILE);
    clone.branch("theirs", &[("canary-two", "canary-other")])?;
    clone.git(&["checkout", "-q", "ours"])?;
    fs::remove_file(clone.folder.path().join("home/.config/weft/keys.txt"))?;
    let output = clone.run("git", &["merge", "-q", "theirs"])?;
    assert_eq!(output.status.code(), Some(1), "{}", seen(&output));
    assert!(seen(&output).contains("no key"), "{}", seen(&output));
    assert_eq!(clone.read(FILE), ours);
    assert_eq!(clone.git(&["status", "--porcelain"])?, format!("UU {FILE}\n"));
    Ok(())
}

fn textconv() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.edit(&[
        ("canary-two", "canary-other-that-is-quite-a-long-one"),
        ("canary-host", "canary-host\\n    port: 5432"),
    ])?;
    let shown = clone.git(&["diff"])?;
    let is_change = |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
    let changed: Vec<&str> = shown.lines().filter(is_change).collect();
    let heads: Vec<&str> = changed.iter().map(|it| it.split("(secret").next().unwrap_or_default().trim_end()).collect();
    assert_eq!(heads, ["+  port:", "-  token:", "+  token:"], "{shown}");
    assert!(shown.contains(", 37 bytes, text)"), "{shown}");
    fs::remove_file(clone.folder.path().join("home/.config/weft/keys.txt"))?;
    let shown = clone.git(&["diff"])?;
    assert!(shown.contains("# not opened: no key at hand") && shown.contains("+  token: (encrypted "), "{shown}");
    let file = clone.at(FILE);
    let values = clone.weft(&["secrets", "textconv", "--show-values", &file.display().to_string()])?;
    assert!(!values.contains(CANARY), "there is no key");
    clone.is_clean()
}

fn difference() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.branch(
        "ours",
        &[("canary-one", "canary-new"), ("    - canary-a", ""), ("canary-host", "canary-host\\n    port: 1")],
    )?;
    let expected = format!("{FILE}\n  + database.port\n  ~ database.password\n  - list[0]\n");
    assert_eq!(clone.weft(&["secrets", "diff", "main", "ours"])?, expected);
    assert_eq!(clone.weft(&["secrets", "diff", "main..ours", "--", "secrets"])?, expected);
    assert_eq!(clone.weft(&["secrets", "diff", "main", FILE])?, expected);
    assert_eq!(clone.weft(&["secrets", "diff"])?, "");
    let json: serde_json::Value = serde_json::from_str(&clone.weft(&["secrets", "diff", "main", "-o", "json"])?)?;
    assert_eq!(json["files"][0]["changes"][1], serde_json::json!({"path": "database.password", "change": "changed"}));
    let output = clone.run("weft", &["secrets", "diff", "main", "--exit-code"])?;
    assert_eq!(output.status.code(), Some(2));
    clone.git(&["rm", "-q", FILE])?;
    let removed = clone.weft(&["secrets", "diff", "--staged", "HEAD"])?;
    assert!(removed.starts_with(&format!("{FILE} (removed)\n  - database.host\n")), "{removed}");
    fs::remove_file(clone.folder.path().join("home/.config/weft/keys.txt"))?;
    let output = clone.run("weft", &["secrets", "diff", "main", "ours"])?;
    assert_eq!(output.status.code(), Some(5), "{}", seen(&output));
    assert!(seen(&output).contains("  ? database.password"), "{}", seen(&output));
    let output = clone.run("weft", &["secrets", "diff", "nothing"])?;
    assert!(seen(&output).contains("git knows no revision `nothing`"), "{}", seen(&output));
    Ok(())
}

fn pre_commit() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.weft(&["secrets", "git-setup", "--pre-commit"])?;
    clone.write("secrets/dev/late.yaml", "a: canary\n")?;
    clone.git(&["add", "-A"])?;
    let output = clone.run("git", &["commit", "-q", "-m", "plain"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(seen(&output).contains("secrets/dev/late.yaml: the file is not encrypted"), "{}", seen(&output));
    // What is staged counts, not what is in the folder.
    clone.weft(&["secrets", "encrypt", "--in-place", "secrets/dev/late.yaml"])?;
    assert_eq!(clone.run("git", &["commit", "-q", "-m", "plain"])?.status.code(), Some(1));
    clone.commit("encrypted")?;
    let changed = clone.read(FILE);
    let line = changed.lines().find(|line| line.contains("token:")).expect("a token");
    clone.write(FILE, &changed.replace(line, "    token: canary"))?;
    let output = clone.run("git", &["commit", "-q", "-m", "plain value", FILE])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(seen(&output).contains("the value at `api.token` is not encrypted"), "{}", seen(&output));
    clone.write(FILE, &changed)?;
    clone.write("docs.md", "no secret\n")?;
    clone.commit("docs")
}

fn setup() -> Result<(), Failed> {
    let clone = Clone::new()?;
    clone.write(".gitattributes", "*.png binary\n")?;
    let config = || clone.git(&["config", "--local", "--list"]);
    fs::copy(clone.at(FILE), clone.at("my secrets.yaml"))?;
    clone.write(".sops.yaml", &clone.read(".sops.yaml").replace("^secrets/dev/", "secrets"))?;
    let said = clone.weft(&["secrets", "git-setup", "--remove"])?;
    assert!(said.contains("git config: merge.weft-secrets.driver removed"), "{said}");
    let (before, hooks) = (config()?, clone.at(".git/hooks/pre-commit"));
    assert!(!before.contains("weft"), "{before}");
    let said = clone.weft(&["secrets", "git-setup", "--pre-commit"])?;
    assert_eq!(said.lines().count(), 5, "{said}");
    assert!(config()?.contains("merge.weft-secrets.driver=weft secrets merge %O %A %B %P"), "{}", config()?);
    assert_eq!(clone.weft(&["secrets", "git-setup", "--pre-commit"])?, "nothing to change\n");
    let attributes = clone.git(&["check-attr", "merge", "diff", "--", FILE])?;
    assert_eq!(attributes, format!("{FILE}: merge: weft-secrets\n{FILE}: diff: weft-secrets\n"));
    let attributes = clone.git(&["check-attr", "merge", "--", "my secrets.yaml", "docs/my secrets.yaml"])?;
    assert_eq!(attributes, "my secrets.yaml: merge: weft-secrets\ndocs/my secrets.yaml: merge: unspecified\n");
    assert!(hooks.exists());
    clone.weft(&["secrets", "git-setup", "--remove"])?;
    assert_eq!((config()?, clone.read(".gitattributes")), (before, "*.png binary\n".to_owned()));
    assert!(!hooks.exists());
    Ok(())
}

fn check() -> Result<(), Failed> {
    let clone = Clone::new()?;
    assert_eq!(clone.weft(&["secrets", "check"])?, "1 file, 1 opened: ok\n");
    let (_, other) = secrets::keygen("2026-01-02T03:04:05Z", None);
    let (mine, other) = (&clone.recipient, other.to_string());
    let rules =
        format!("creation_rules:\n- path_regex: ^secrets/dev/\n  age: {other}\n- path_regex: ^old/\n  age: {mine}\n");
    clone.write(".sops.yaml", &rules)?;
    let encrypted = clone.read(FILE);
    let line = encrypted.lines().find(|line| line.contains("token:")).expect("a token");
    clone.write(FILE, &encrypted.replace(line, "    token: canary"))?;
    clone.write("secrets/dev/plain.yaml", "a: canary\n")?;
    clone.write("elsewhere.yaml", &encrypted)?;
    let swapped = encrypted.replace("    host:", "    guest:");
    clone.write("secrets/dev/moved.yaml", &swapped)?;
    let output = clone.run("weft", &["secrets", "check"])?;
    assert_eq!(output.status.code(), Some(1));
    let text = seen(&output).replace(mine.as_str(), "MINE").replace(&other, "OTHER");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/secrets/check.txt");
    if std::env::var_os("WEFT_UPDATE").is_some() {
        fs::write(&path, &text)?;
    }
    cases::same("check.txt", &fs::read_to_string(&path).unwrap_or_default(), &text)?;
    let output = clone.run("weft", &["secrets", "check", "-o", "json", FILE])?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let kinds: Vec<_> = json["problems"].as_array().expect("problems").iter().map(|it| it["problem"].clone()).collect();
    assert_eq!(kinds, ["missing-readers", "extra-readers", "plain-value"], "{json:#}");
    clone.git(&["checkout", "-q", "--", "."])?;
    fs::remove_file(clone.folder.path().join("home/.config/weft/keys.txt"))?;
    assert_eq!(clone.run("weft", &["secrets", "check", FILE, "--strict"])?.status.code(), Some(5));
    let text = clone.weft(&["secrets", "check", FILE])?;
    assert!(text.contains(&format!("not checked:\n  {FILE}\n1 file, 0 opened: ok")), "{text}");
    Ok(())
}
