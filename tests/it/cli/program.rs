//! The program's binary in a folder of its own, with nothing of this machine around it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::planted::{Planted, shows, stamps};

/// A temporary folder with a project in `project/` and an empty home in `home/`.
pub struct Desk {
    root: TempDir,
}

/// What a run of the program printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` where a signal killed it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Desk {
    /// A folder with an empty project.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["home", "project"] {
            fs::create_dir(root.path().join(folder)).expect("a new folder");
        }
        Self { root }
    }

    /// The folder.
    pub fn root(&self) -> PathBuf {
        self.root.path().canonicalize().expect("the temporary folder")
    }

    /// The project's folder.
    pub fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// The program, ready to run in the project.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
        command.args(arguments).env_clear().env("HOME", self.root().join("home")).current_dir(self.project());
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program in the project.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.output(&mut self.command(arguments))
    }

    /// Runs what [`Desk::command`] made.
    pub fn output(&self, command: &mut Command) -> Run {
        let root = self.root();
        let (planted, before) = (Planted::below(&root), stamps(&root));
        let output = command.output().expect("the program");
        let arguments: Vec<String> = command.get_args().map(|it| it.to_string_lossy().into_owned()).collect();
        if !shows(arguments.iter().map(String::as_str)) {
            let what = arguments.join(" ");
            planted.is_kept(&what, &output.stdout);
            planted.is_kept(&what, &output.stderr);
            for (path, _) in stamps(&root).iter().filter(|(path, stamp)| before.get(*path) != Some(*stamp)) {
                planted.is_kept(&format!("`{}` after {what}", path.display()), &fs::read(path).unwrap_or_default());
            }
        }
        self.told(&output)
    }

    /// What a process printed, with the folder's name replaced by `ROOT`.
    pub fn read(&self, output: &Output) -> Run {
        let planted = Planted::below(&self.root());
        planted.is_kept("the run", &output.stdout);
        planted.is_kept("the run", &output.stderr);
        self.told(output)
    }

    fn told(&self, output: &Output) -> Run {
        let root = self.root();
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).expect("output is UTF-8");
            text.replace(root.to_str().expect("UTF-8"), "ROOT")
        };
        Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// All files below the folder with what they hold, to see whether anything changed.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.root(), &mut files);
        files
    }
}

impl Run {
    /// Fails unless the program ended with this code; shows what it printed.
    pub fn ends_with(&self, code: i32) -> Result<&Self, Failed> {
        if self.code == Some(code) {
            return Ok(self);
        }
        let Self { code: ended, stdout, stderr } = self;
        Err(format!("exit code {ended:?} instead of {code}\n--- stdout\n{stdout}--- stderr\n{stderr}").into())
    }

    /// Fails unless one of the outputs has this text.
    pub fn says(&self, text: &str) -> Result<&Self, Failed> {
        if self.stdout.contains(text) || self.stderr.contains(text) {
            return Ok(self);
        }
        Err(format!("does not say {text:?}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr).into())
    }

    /// Fails if one of the outputs has this text.
    pub fn keeps_quiet_about(&self, text: &str) -> Result<&Self, Failed> {
        if !self.stdout.contains(text) && !self.stderr.contains(text) {
            return Ok(self);
        }
        Err(format!("says {text:?}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr).into())
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_symlink() {
            let target = fs::read_link(&path).expect("a link");
            files.insert(path, target.into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            files.insert(path.clone(), Vec::new());
            collect(&path, files);
        } else {
            let bytes = fs::read(&path).expect("a file");
            files.insert(path, bytes);
        }
    }
}

/// Copies a folder, links as links.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).expect("a link"), target).expect("a new link");
        } else if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).expect("a copy");
        }
    }
}
