//! The encrypted files of a project, by the rules that cover them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use git2::Repository;

use super::error::SecretsVerbError;
use super::subject::{self, KeyArgs};
use crate::cli::files::{self, FileError};
use crate::cli::settings;
use crate::diagnostic::Failure;
use crate::secrets::{self, RULES, Rules};

// Which files.
#[derive(Debug, Args)]
pub(super) struct ScopeArgs {
    /// Encrypted files, and folders with such files.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// All encrypted files that a rule of `.sops.yaml` covers.
    #[arg(long, conflicts_with = "paths")]
    pub(super) all: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) keys: KeyArgs,
}

/// The rules of a folder, and the encrypted files below it that they cover.
pub(super) struct Covered {
    pub(super) folder: PathBuf,
    pub(super) text: String,
    pub(super) rules: Rules,
    /// The place of the rule that covers it, by the path of the file from the folder.
    pub(super) files: BTreeMap<String, usize>,
}

impl Covered {
    /// Those of the nearest `.sops.yaml` upward of a path.
    pub(super) fn around(start: &Path) -> Result<Self, Failure> {
        let start = normal(start);
        let folder = subject::rules_folder(&start).ok_or(SecretsVerbError::NoRulesFile { start: start.clone() })?;
        let (rules, text) = subject::rules(folder)?;
        let mut files = BTreeMap::new();
        for path in walk(folder)? {
            let name = subject::relative(&path, folder);
            if let Some(rule) = rules.position(&name)
                && name != RULES
                && secrets::has_section(&files::bytes(&path)?)
            {
                files.insert(name, rule);
            }
        }
        Ok(Self { folder: folder.to_path_buf(), text, rules, files })
    }

    /// Whether a covered file is one of the paths, or below one.
    pub(super) fn is_at(&self, name: &str, paths: &[PathBuf]) -> bool {
        let place = self.folder.join(name);
        paths.iter().any(|path| place.starts_with(normal(path)))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A rule as people know it.
    pub(super) fn rule(&self, at: usize) -> String {
        self.rules.pattern(at).map_or_else(|| "(any path)".to_owned(), str::to_owned)
    }
}

/// The files of a scope: named ones whatever they are, and the encrypted ones of folders.
pub(super) fn files(scope: &ScopeArgs) -> Result<Vec<PathBuf>, Failure> {
    if scope.all {
        let covered = Covered::around(Path::new("."))?;
        return Ok(covered.files.keys().map(|name| covered.path(name)).collect());
    }
    if scope.paths.is_empty() {
        return Err(SecretsVerbError::NoScope.into());
    }
    let mut found = Vec::new();
    for path in scope.paths.iter().map(|path| normal(path)) {
        if !path.is_dir() {
            found.push(path);
            continue;
        }
        for path in walk(&path)? {
            if secrets::has_section(&files::bytes(&path)?) {
                found.push(path);
            }
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() { Err(SecretsVerbError::NothingFound.into()) } else { Ok(found) }
}

/// The path without `.` and `..`, so that it compares.
pub(super) fn normal(path: &Path) -> PathBuf {
    let path = settings::absolute(path);
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        // A link keeps its name: it is what the rules see.
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.canonicalize().unwrap_or(path),
    }
}

/// The files below a folder, but for those that git ignores. Links are not followed.
pub(super) fn walk(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let repository = Repository::discover(folder).ok();
    let ignored = |path: &Path| repository.as_ref().is_some_and(|it| it.is_path_ignored(path).unwrap_or(false));
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let read = |source| FileError::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(read)? {
            let path = entry.path();
            let kind = entry.file_type().map_err(read)?;
            if entry.file_name() == ".git" || !(kind.is_dir() || kind.is_file()) || ignored(&path) {
                continue;
            }
            if kind.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}
