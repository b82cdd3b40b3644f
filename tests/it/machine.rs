//! A machine of its own for a test that runs the program as a person does: a home, a project, a place for temporary
//! files and a cache, in one folder that goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::cases;
use crate::markdown::{self, Block};
use crate::planted::{self, Planted};
use crate::sandbox::{self, processes_in};

/// Stands before what each block of commands prints.
const MARK: &str = "=== what a block prints ===";

/// See the module.
pub struct Machine {
    folder: TempDir,
    /// The secrets of the example, which no block of a document prints that is not there to show them.
    planted: Planted,
}

impl Machine {
    /// A machine whose project is the example.
    pub fn new() -> Result<Self, Failed> {
        let example = Planted::below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("secrets"));
        let machine = Self { folder: tempfile::tempdir()?, planted: example };
        for folder in ["home", "tmp", "cache", "project"] {
            fs::create_dir(machine.at(folder))?;
        }
        let example = cases::repository(&["charts", "environments", "secrets"]);
        for path in example.paths() {
            machine.write(path, example.bytes(path).unwrap_or_default())?;
        }
        machine.write(".sops.yaml", markdown::read(".sops.yaml").as_bytes())?;
        Ok(machine)
    }

    /// A machine on which sandboxes start at once: what they are made of is this machine's own.
    pub fn with_sandboxes() -> Result<Self, Failed> {
        // With this the programs of a control plane are there, wherever they come from.
        sandbox::shared();
        let machine = Self::new()?;
        for entry in fs::read_dir(sandbox::places().cache).into_iter().flatten() {
            let (path, name) = entry.map(|it| (it.path(), it.file_name()))?;
            if path.join("bin").is_dir() {
                std::os::unix::fs::symlink(path, machine.at("cache").join(name))?;
            }
        }
        Ok(machine)
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Failed> {
        let place = self.at("project").join(path);
        fs::create_dir_all(place.parent().expect("a folder"))?;
        Ok(fs::write(place, bytes)?)
    }

    fn at(&self, folder: &str) -> PathBuf {
        self.folder.path().join(folder)
    }

    /// The program under test, in the project.
    pub fn weft(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(program());
        command.args(arguments);
        command
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

    /// Runs all blocks of commands (`sh`) in one shell that ends at the first failure. The lines of the block `text`
    /// behind one must occur in what it prints, in their order.
    pub fn run_blocks(&self, blocks: &[&Block]) -> Result<(), Failed> {
        let mut script = vec!["exec 2>&1\n".to_owned()];
        let mut expected: Vec<(&Block, &str)> = Vec::new();
        for block in blocks {
            match (block.info.as_str(), expected.last_mut()) {
                ("sh", _) => {
                    script.push(format!("echo '{MARK}'\n{}", block.text));
                    expected.push((block, ""));
                }
                ("text", Some((_, printed))) => *printed = &block.text,
                _ => {}
            }
        }
        assert!(expected.len() > 3, "the blocks are found");
        let output = self.command("bash").args(["-euo", "pipefail", "-c", &script.concat()]).output()?;
        let text = succeeded("the blocks", &output)?;
        let printed: Vec<&str> = text.split(&format!("{MARK}\n")).skip(1).collect();
        assert_eq!(printed.len(), expected.len(), "blocks that ran");
        for ((block, lines), printed) in expected.into_iter().zip(printed) {
            if !block.text.lines().any(|line| planted::shows(line.split_whitespace())) {
                self.planted.is_kept(&block.text, printed.as_bytes());
            }
            in_order(lines.lines(), printed).map_err(|error| format!("after\n{}{error}", block.text))?;
        }
        Ok(())
    }

    /// Fails where a process goes on working in the machine's folder. One that was told to end may take a moment, and so
    /// may what git does behind a push.
    pub fn is_quiet(&self) -> Result<(), Failed> {
        let began = Instant::now();
        loop {
            let left = processes_in(self.folder.path());
            if left.is_empty() {
                return Ok(());
            }
            if began.elapsed() > Duration::from_secs(30) {
                let named =
                    |it: &PathBuf| fs::read_to_string(it.join("cmdline")).unwrap_or_default().replace('\0', " ");
                return Err(
                    format!("these processes are left: {:?}", left.iter().map(named).collect::<Vec<_>>()).into()
                );
            }
            sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A test that fails half-way leaves its sandbox.
        let _ = self.weft(&["sandbox", "down"]).output();
    }
}

/// The program under test.
pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_weft")
}

/// Both outputs, as a person sees them.
pub fn seen(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What a command printed that has to end well.
pub fn succeeded(what: &str, output: &Output) -> Result<String, Failed> {
    let text = seen(output);
    if output.status.success() { Ok(text) } else { Err(format!("{what}: {}:\n{text}", output.status).into()) }
}

/// Fails where a line does not occur in a text behind the one before it. White space counts as one space.
pub fn in_order<'l>(lines: impl Iterator<Item = &'l str>, text: &str) -> Result<(), String> {
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
