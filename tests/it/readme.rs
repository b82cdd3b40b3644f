//! Tests of the README: its tour, its commands and its links are held against the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use regex::Regex;
use tempfile::TempDir;

use crate::cases::{self, code};
use crate::markdown::{self, Block, blocks};
use crate::sandbox::{self, processes_in};

/// The section whose blocks are run.
const TOUR: &str = "A tour of five minutes";

/// Stands before what each block prints.
const MARK: &str = "=== what a block prints ===";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("readme", "commands", commands),
        code("readme", "demo", demo),
        code("readme", "links", links),
        code("readme", "tour", tour),
        code("readme", "verbs", verbs),
    ]
}

/// A machine of its own for a test: a home, a place for temporary files and a cache, in one folder that goes with it.
/// What the sandbox is made of is the machine's own.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Result<Self, Failed> {
        // With this the programs of a control plane are there, wherever they come from.
        sandbox::shared();
        let machine = Self { folder: tempfile::tempdir()? };
        for folder in ["home", "tmp", "cache", "project"] {
            fs::create_dir(machine.at(folder))?;
        }
        for entry in fs::read_dir(sandbox::places().cache).into_iter().flatten() {
            let (path, name) = entry.map(|it| (it.path(), it.file_name()))?;
            if path.join("bin").is_dir() {
                std::os::unix::fs::symlink(path, machine.at("cache").join(name))?;
            }
        }
        Ok(machine)
    }

    fn at(&self, folder: &str) -> PathBuf {
        self.folder.path().join(folder)
    }

    /// A command that finds nothing of the user's.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        let weft = Path::new(program()).parent().expect("a folder").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(weft).chain(std::env::split_paths(&path)));
        command.env_clear().env("PATH", path.expect("a path")).current_dir(self.at("project"));
        command.env("HOME", self.at("home")).env("TMPDIR", self.at("tmp")).env("WEFT_SANDBOX_CACHE", self.at("cache"));
        command.envs(std::env::var_os("KUBEBUILDER_ASSETS").map(|it| ("KUBEBUILDER_ASSETS", it)));
        command
    }

    /// Fails where a process works in the machine's folder.
    fn is_quiet(&self) -> Result<(), Failed> {
        let left = processes_in(self.folder.path());
        if left.is_empty() { Ok(()) } else { Err(format!("these processes are left: {left:?}").into()) }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A tour that fails half-way leaves its sandbox.
        let _ = self.command(program()).args(["sandbox", "down"]).output();
    }
}

/// The program under test.
fn program() -> &'static str {
    env!("CARGO_BIN_EXE_weft")
}

/// Both outputs, as a person sees them.
fn seen(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// All blocks of commands of the tour, in one shell, each with what the README says that it prints.
fn tour() -> Result<(), Failed> {
    let machine = Machine::new()?;
    copy(&machine.at("project"), &["charts", "environments", "secrets"])?;
    fs::copy(markdown::root().join(".sops.yaml"), machine.at("project").join(".sops.yaml"))?;
    let readme = blocks(&markdown::read("README.md"));
    let tour: Vec<&Block> = readme.iter().filter(|block| block.section == TOUR).collect();
    let mut script = "exec 2>&1\n".to_owned();
    let mut expected: Vec<(&Block, &str)> = Vec::new();
    for block in tour {
        match (block.info.as_str(), expected.last_mut()) {
            ("sh", _) => {
                script += &format!("echo '{MARK}'\n{}", block.text);
                expected.push((block, ""));
            }
            ("text", Some((_, printed))) => *printed = &block.text,
            (other, _) => return Err(format!("the tour has a block of `{other}`").into()),
        }
    }
    assert!(expected.len() > 5, "the tour is found");
    let output = machine.command("bash").args(["-euo", "pipefail", "-c", &script]).output()?;
    let text = seen(&output);
    if !output.status.success() {
        return Err(format!("the tour ended with {}:\n{text}", output.status).into());
    }
    let printed: Vec<&str> = text.split(&format!("{MARK}\n")).skip(1).collect();
    for ((block, lines), printed) in expected.into_iter().zip(printed) {
        in_order(lines.lines(), printed).map_err(|error| format!("after\n{}{error}", block.text))?;
    }
    machine.is_quiet()
}

/// The demo's story, as its output tells it.
fn demo() -> Result<(), Failed> {
    let machine = Machine::new()?;
    let output = machine.command(program()).args(["demo", "--project"]).arg(markdown::root()).output()?;
    let text = seen(&output);
    if !output.status.success() {
        return Err(format!("the demo ended with {}:\n{text}", output.status).into());
    }
    let story = [
        "$ weft render dev",
        "$ weft plan dev",
        "dev: 25 to create",
        "$ weft apply dev --yes",
        "dev: 25 applied, 25 healthy",
        "$ weft plan dev --exit-code",
        "dev: nothing to change (24 objects)",
        "$ weft diff dev --exit-code",
        "spec.replicas: pending 1 -> 3",
        "dev: 1 to change, 23 unchanged",
        "$ weft apply dev --yes",
        "dev: 1 applied, 1 healthy, 23 unchanged",
        "$ weft drift dev",
        "spec.replicas: drift 5 -> 3, by kubectl-edit (Update) at 20",
        "$ weft apply dev --yes",
        "dev: 1 applied, 1 healthy, 23 unchanged",
        "$ weft drift dev",
        "dev: no drift (24 objects)",
        "$ weft plan dev",
        "- delete Ingress.networking.k8s.io apps/app-flask",
        "- delete Deployment.apps apps/app-flask",
        "- delete Service apps/app-flask",
        "- delete ConfigMap apps/app-flask",
        "- delete Secret apps/app-flask",
        "dev: 5 to delete, 19 unchanged",
        "$ weft apply dev --yes",
        "dev: 5 deleted, 19 unchanged",
        "$ weft status dev",
        "RELEASE HEALTHY WAITING FAILED GONE UNKNOWN",
        "config-weaver 14 0 0 0 0",
        "platform 5 0 0 0 0",
    ];
    in_order(story.into_iter(), &text)?;
    let password = ["49435b5b6cf8a1034218999c", "ZGV2LTQ5NDM1YjViNmNmOGExMDM0MjE4OTk5Yw"];
    assert!(!password.iter().any(|secret| text.contains(secret)), "the password is printed");
    machine.is_quiet()
}

/// The two commands of the README: what the first names is there, and the second is what has to pass before a change.
fn commands() -> Result<(), Failed> {
    let readme = blocks(&markdown::read("README.md"));
    let first = readme.first().ok_or("the README has no block")?;
    let command = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    let commands: Vec<String> = first.text.lines().map(command).collect();
    let [run, test] = commands.as_slice() else { return Err(format!("not two commands: {commands:?}").into()) };
    let verb = run.strip_prefix("cargo run --release -- ").ok_or_else(|| format!("`{run}` runs no verb"))?;
    assert!(known_verbs()?.iter().any(|known| known == verb), "there is no verb `{verb}`");
    let gates = markdown::read(".ci/run");
    let tests: Vec<&str> = gates.lines().filter(|line| line.starts_with("cargo test")).collect();
    assert_eq!(tests, [test], "what `.ci/run` runs, and what the README says");
    Ok(())
}

/// Every link within the repository leads to a file.
fn links() -> Result<(), Failed> {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in markdown::documents() {
        let folder = document.parent().expect("a folder");
        for link in markdown::links(&fs::read_to_string(&document)?) {
            count += 1;
            if !folder.join(&link).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(count > 3, "links are found");
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n").into()) }
}

/// Every command in a block of any document names a verb that there is.
fn verbs() -> Result<(), Failed> {
    let known = known_verbs()?;
    let command = Regex::new(r#"(?m)(?:^|\$\(|"\$\()weft ([a-z]+)"#).expect("a pattern");
    let mut used = 0;
    for document in markdown::documents() {
        for block in blocks(&fs::read_to_string(&document)?).iter().filter(|block| block.info == "sh") {
            for found in command.captures_iter(&block.text) {
                used += 1;
                let is_known = known.iter().any(|verb| *verb == found[1]);
                assert!(is_known, "{}: there is no verb `{}`", document.display(), &found[1]);
            }
        }
    }
    assert!(used > 10, "commands are found");
    Ok(())
}

/// The verbs that the program's help lists.
fn known_verbs() -> Result<Vec<String>, Failed> {
    let help = Command::new(program()).env_clear().arg("-h").output()?;
    let text = seen(&help);
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    Ok(listed.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}

/// Fails where a line does not occur in a text behind the one before it. White space counts as one space.
fn in_order<'l>(lines: impl Iterator<Item = &'l str>, text: &str) -> Result<(), String> {
    let spaced = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed: Vec<String> = text.lines().map(spaced).collect();
    let mut rest = printed.as_slice();
    for line in lines {
        let wanted = spaced(line);
        let Some(at) = rest.iter().position(|printed| printed.contains(&wanted)) else {
            return Err(format!("`{line}` is not printed, or not in this place:\n{text}"));
        };
        rest = &rest[at + 1..];
    }
    Ok(())
}

/// Copies folders of the repository.
fn copy(to: &Path, names: &[&str]) -> Result<(), Failed> {
    let tree = cases::repository(names);
    for path in tree.paths() {
        let place = to.join(path);
        fs::create_dir_all(place.parent().expect("a folder"))?;
        fs::write(place, tree.bytes(path).unwrap_or_default())?;
    }
    Ok(())
}
