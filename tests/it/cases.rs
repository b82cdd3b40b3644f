//! Cases as files: a folder `tests/cases/<stage>/<case>/` is a test, with its input and its expected output beside it.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use weft::tree::Tree;
use weft::trust::Trust;

/// The trust of a run of the user's own, with these variables.
pub fn own<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Trust {
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Trust::own(variables.collect(), Vec::new())
}

/// One case: its folder.
pub struct Case {
    folder: PathBuf,
}

impl Case {
    /// The text of a file of the case.
    pub fn read(&self, file: &str) -> String {
        let path = self.folder.join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The path of a file of the case.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The text of a file that a case may leave out.
    pub fn read_if_there(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    /// The files below a folder of the case, as a project or a chart sees them.
    pub fn tree(&self, folder: &str) -> Tree {
        tree_of(&self.folder.join(folder))
    }

    /// Holds `actual` against an expected file of the case, or writes that file where `WEFT_UPDATE` is set.
    pub fn expect(&self, file: &str, actual: &str) -> Result<(), Failed> {
        let path = self.folder.join(file);
        if std::env::var_os("WEFT_UPDATE").is_some() {
            return fs::write(&path, actual).map_err(Failed::from);
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        same(&path.display().to_string(), &expected, actual)
    }
}

/// Fails with a readable difference where two texts are not the same.
pub fn same(what: &str, expected: &str, actual: &str) -> Result<(), Failed> {
    if expected == actual {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(expected, actual);
    Err(format!("{what} differs (- expected, + actual):\n{}", diff.unified_diff().context_radius(3)).into())
}

/// A test for each folder of `tests/cases/<stage>`, named `<stage>::<case>`. A stage without cases is an error.
pub fn of(stage: &'static str, run: fn(&Case) -> Result<(), Failed>) -> Vec<Trial> {
    let named = |folder: PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(format!("{stage}::{name}"), move || run(&Case { folder }))
    };
    folders(stage).into_iter().map(named).collect()
}

fn folders(stage: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(stage);
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no cases in {}", root.display());
    folders
}

/// As [`of`], for a second test of each case, which needs a server.
pub fn on_a_server(stage: &'static str, run: fn(&Case) -> Result<(), Failed>) -> Vec<Trial> {
    again(stage, "on_a_server", run)
}

/// As [`of`], for another test of each case, named `<stage>::<what>::<case>`.
pub fn again(stage: &'static str, what: &str, run: fn(&Case) -> Result<(), Failed>) -> Vec<Trial> {
    let named = |folder: PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(format!("{stage}::{what}::{name}"), move || run(&Case { folder }))
    };
    folders(stage).into_iter().map(named).collect()
}

/// The files below a folder.
pub fn tree_of(root: &Path) -> Tree {
    let mut files = Vec::new();
    collect(root, root, &mut files);
    Tree::new(files)
}

/// The files of the example: these folders of the repository.
pub fn repository(folders: &[&str]) -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), &mut files);
    }
    Tree::new(files)
}

/// A test that is code, named `<stage>::<name>`.
pub fn code(stage: &str, name: &str, run: fn() -> Result<(), Failed>) -> Trial {
    Trial::test(format!("{stage}::{name}"), run)
}

/// How laws are tried with generated input: this many times. A failing input is printed, and kept nowhere.
pub fn tries(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config { cases, failure_persistence: None, ..proptest::test_runner::Config::default() }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("a path below the root").to_string_lossy().into_owned();
            files.push((name, fs::read(&path).expect("a readable file")));
        }
    }
}
