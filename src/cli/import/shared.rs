//! What all imports do at the edge: they read files, write a draft and say what it holds.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::secrets::{now, random};
use crate::cli::terminal::Terminal;
use crate::cli::{FileError, files, settings};
use crate::diagnostic::Failure;
use crate::import::{Arguments, Draft, Encryption, Repository, Rules};
use crate::kustomize::{Files, Remote};
use crate::project::ChartPlace;
use crate::secrets::RULES;
use crate::source::charts::{Charts, Keys};
use crate::source::{self, ENVIRONMENTS, SourceError};
use crate::tree::Tree;

// Where an import writes to, and what it does with secrets.
#[derive(Debug, Args)]
pub(super) struct DraftArgs {
    /// The root of the repository, where `environments/` is or will be.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
    /// Leave values that look secret out if no rule of `.sops.yaml` says who may read them.
    #[arg(long)]
    pub without_secrets: bool,
    /// A value that is no secret though it looks like one, such as `auth.tokenTTL`. May be repeated.
    #[arg(long, value_name = "PATH")]
    pub plain: Vec<String>,
}

impl DraftArgs {
    /// The root of the repository.
    pub fn root(&self) -> PathBuf {
        settings::absolute(&self.project)
    }

    pub fn rules(&self) -> Rules {
        Rules { without_secrets: self.without_secrets, plain: self.plain.clone() }
    }
}

/// Randomness and the time of this machine.
pub(super) fn encryption() -> Encryption<'static> {
    Encryption { random: Box::new(random), now: now() }
}

/// The files of a repository, and why some of them cannot be read.
pub(super) struct Reading {
    pub root: PathBuf,
    pub repository: Repository,
    /// The path that was asked for, among the files.
    pub path: String,
    skipped: Vec<SourceError>,
}

impl Reading {
    /// The whole repository, and the folder around `path` if that is elsewhere.
    pub fn whole(root: &Path, path: &Path) -> Result<Self, Failure> {
        let real =
            |path: &Path| path.canonicalize().map_err(|source| FileError::Read { path: path.to_path_buf(), source });
        let path = real(&settings::absolute(path))?;
        let root = real(root)?;
        let (project, mut skipped) = source::readable(&root, "")?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        if let Ok(below) = path.strip_prefix(&root) {
            let path = text(below);
            return Ok(Self { root, repository: Repository::new(project), path, skipped });
        }
        let folder = if path.is_dir() { &path } else { path.parent().unwrap_or(&path) };
        let (elsewhere, more) = source::readable(folder, "")?;
        skipped.extend(more);
        let path = path.strip_prefix(folder).map(text).unwrap_or_default();
        Ok(Self { root, repository: Repository::with_elsewhere(project, elsewhere), path, skipped })
    }

    /// What an import from a cluster needs of the repository: its environments and its rules for secrets.
    pub fn environments(root: PathBuf) -> Result<Self, Failure> {
        let (environments, mut skipped) = source::readable(&root, ENVIRONMENTS)?;
        let (rules, more) = source::readable(&root, RULES)?;
        skipped.extend(more);
        let repository = Repository::new(environments.with(rules));
        Ok(Self { root, repository, path: String::new(), skipped })
    }

    /// The whole repository, for an import that reads more than one of its folders. Its files come with it.
    pub fn tree(root: PathBuf) -> Result<(Self, Tree), Failure> {
        let (tree, skipped) = source::readable(&root, "")?;
        let repository = Repository::new(tree.clone());
        Ok((Self { root, repository, path: String::new(), skipped }, tree))
    }

    /// Writes a draft, and says what was written and what could not be carried over.
    pub fn write(&self, draft: &Draft, terminal: &Terminal, next: &str) -> Result<(), Failure> {
        let new = |path: &String| !draft.replaced.contains(path);
        for (path, bytes) in draft.files.iter().filter(|(path, _)| new(path)) {
            let place = self.root.join(path);
            if place.symlink_metadata().is_ok() && files::bytes(&place)? != *bytes {
                return Err(FileError::Exists { path: place }.into());
            }
        }
        for (path, bytes) in &draft.files {
            files::write(&self.root.join(path), bytes)?;
            terminal.print(&format!("{path}\n"))?;
        }
        for error in &self.skipped {
            terminal.warn(&format!("Not read: {error}."));
        }
        for note in &draft.notes {
            terminal.warn(note);
        }
        terminal.say(next);
        Ok(())
    }
}

/// `NAME=VALUE` as the command line has it.
pub(super) fn argument(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as `NAME=VALUE`")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn arguments(pairs: &[(String, String)]) -> Arguments {
    pairs.iter().cloned().collect()
}

/// The files of a repository, and what their kustomizations name elsewhere.
pub(super) struct Connected {
    pub tree: Tree,
    pub charts: Charts,
}

impl Files for Connected {
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        Files::bytes(&self.tree, path)
    }

    fn is_folder(&self, path: &str) -> bool {
        Files::is_folder(&self.tree, path)
    }

    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Files::below(&self.tree, folder)
    }

    fn chart(&self, place: &ChartPlace) -> Result<Vec<u8>, String> {
        self.charts.find(place, &Keys::default()).map(|it| it.bytes).map_err(|error| error.to_string())
    }

    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        source::repository(&self.charts, remote)
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        self.charts.download(url).map_err(|error| error.to_string())
    }
}
