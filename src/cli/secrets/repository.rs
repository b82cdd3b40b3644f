//! The files of a project as they stand in its folder, in git's index, or in a commit.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use git2::{ErrorCode, Index, ObjectType, Oid, Tree, TreeWalkMode, TreeWalkResult};
use rayon::prelude::*;

use super::covered;
use super::subject;
use crate::cli::arguments::Form;
use crate::cli::{FileError, files, settings};
use crate::diagnostic::Failure;
use crate::keys;
use crate::project;
use crate::secrets::{Identities, RULES};
use crate::source::{ENVIRONMENTS, Source, SourceError};

/// A larger file holds no secrets that anybody edits.
const LARGEST: u64 = 64 << 20;

// How the files of a project are read, and what is found is told.
#[derive(Debug, Args)]
pub(super) struct ReadingArgs {
    /// The form of the output.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub(super) output: Form,
    /// An age identity file. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    pub(super) identities: Vec<PathBuf>,
    /// The project's folder, or one below it.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    pub(super) project: PathBuf,
}

/// A project, and the repository around it, if it is in one.
pub(super) struct Repository {
    git: Option<git2::Repository>,
    root: PathBuf,
    /// The project's folder within the repository, with a slash behind it unless it is the top.
    prefix: String,
}

/// Where files are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// The folder, but for what git ignores.
    Folder,
    /// What the next commit would change.
    Staged,
    /// A commit.
    Commit(Oid),
}

/// A file by its path from the project's root.
pub(super) type RepositoryFile = (String, Vec<u8>);

impl Repository {
    /// The project around a folder: the nearest one upward with `environments/` or `.sops.yaml`, else the top of the
    /// repository.
    pub(super) fn around(start: &Path) -> Result<Self, SourceError> {
        let git = match git2::Repository::discover(start) {
            Ok(git) => Some(git),
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let top = git.as_ref().and_then(git2::Repository::workdir).map(Path::to_path_buf);
        let marked = |folder: &&Path| folder.join(ENVIRONMENTS).is_dir() || folder.join(RULES).is_file();
        let root = start.ancestors().find(marked).map(Path::to_path_buf);
        let root = root.or_else(|| top.clone()).unwrap_or_else(|| start.to_path_buf());
        let prefix = top.map(|top| within(&top, &root)).unwrap_or_default();
        Ok(Self { git, root, prefix })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The git repository, for what makes sense in one alone.
    pub(super) fn git(&self) -> Result<&git2::Repository, SourceError> {
        self.git.as_ref().ok_or_else(|| SourceError::NoRepository { folder: self.root.clone() })
    }

    /// The commit that a revision means, where git knows it.
    pub(super) fn commit(&self, revision: &str) -> Result<Oid, SourceError> {
        let unknown = |_| SourceError::NoRevision { revision: revision.to_owned() };
        let object = self.git()?.revparse_single(revision).map_err(unknown)?;
        Ok(object.peel_to_commit().map_err(unknown)?.id())
    }

    /// The path of a file of the command line from the project's root; itself where it is outside.
    pub(super) fn name(&self, path: &Path) -> String {
        within(&self.root, &settings::absolute(path)).trim_end_matches('/').to_owned()
    }

    /// The files below the root, in the order of their paths, that are wanted by path.
    pub(super) fn files(&self, at: At, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<RepositoryFile>, Failure> {
        let mut found = match at {
            At::Folder => self.in_folder(wanted)?,
            At::Staged => self.staged(wanted)?,
            At::Commit(id) => self.committed(id, wanted)?,
        };
        found.sort();
        Ok(found)
    }

    /// All files of the index, those that the next commit would not change included.
    pub(super) fn indexed(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<RepositoryFile>, SourceError> {
        let git = self.git()?;
        let mut found = Vec::new();
        for entry in self.index()?.iter().filter(|entry| entry.mode & 0o170_000 == 0o100_000) {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            if let Some(name) = path.strip_prefix(&self.prefix).filter(|name| wanted(name)) {
                found.push((name.to_owned(), git.find_blob(entry.id)?.content().to_vec()));
            }
        }
        Ok(found)
    }

    /// One file, if it is there. What is staged is looked up among all that git would commit.
    pub(super) fn file(&self, at: At, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        if at == At::Staged {
            let place = format!("{}{path}", self.prefix);
            let entry = self.index()?.get_path(Path::new(&place), 0);
            let blob = |id| Ok::<_, SourceError>(self.git()?.find_blob(id)?.content().to_vec());
            return Ok(entry.map(|entry| blob(entry.id)).transpose()?);
        }
        if at == At::Folder {
            return match fs::read(self.root.join(path)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(SourceError::Io { path: self.root.join(path), source }.into()),
            };
        }
        Ok(self.files(at, &|name| name == path)?.pop().map(|(_, bytes)| bytes))
    }

    /// All keys at hand: those of the process, and the public throwaways that environments of the project name.
    ///
    /// Only where it is `asked` for, passphrases are asked for on the terminal.
    pub(super) fn identities(&self, files: &[PathBuf], asked: bool) -> Result<Identities, Failure> {
        let variables = settings::process();
        let mut process = keys::Process::new(&|name| variables.get(name).cloned());
        process.terminal &= asked;
        let files: Vec<PathBuf> = files.iter().map(|path| settings::absolute(path)).collect();
        let trust = settings::own();
        let sources = keys::Sources { files: &files, project: None, process: &process };
        let mut identities = keys::find(&sources, trust.keys()?)?;
        let Ok(source) = Source::open(&self.root, None) else { return Ok(identities) };
        let environments = source.read([ENVIRONMENTS])?;
        for name in project::names(&environments) {
            let Some(path) = project::load(&environments, &name)?.identity else { continue };
            let tree = source.read([path.as_str()])?;
            let nothing = keys::Process::default();
            let sources = keys::Sources { files: &[], project: Some((&tree, &path)), process: &nothing };
            identities.extend(keys::find(&sources, trust.keys()?)?);
        }
        Ok(identities)
    }

    fn in_folder(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<RepositoryFile>, Failure> {
        let root = &self.root;
        let read = |path: PathBuf| {
            let name = subject::relative(&path, root);
            let small = || path.metadata().is_ok_and(|about| about.len() <= LARGEST);
            if !wanted(&name) || !small() {
                return Ok(None);
            }
            Ok(Some((name, files::bytes(&path)?)))
        };
        let found: Result<Vec<_>, FileError> = covered::walk(root)?.into_par_iter().map(read).collect();
        Ok(found?.into_iter().flatten().collect())
    }

    fn staged(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<RepositoryFile>, SourceError> {
        let git = self.git()?;
        let head = match git.head() {
            Ok(head) => Some(head.peel_to_tree()?),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let diff = git.diff_tree_to_index(head.as_ref(), Some(&self.index()?), None)?;
        let mut found = Vec::new();
        for delta in diff.deltas() {
            let new = delta.new_file();
            let id = delta.new_file().id();
            let name = new.path().and_then(Path::to_str).and_then(|path| path.strip_prefix(&self.prefix));
            let is_file = new.mode() == git2::FileMode::Blob || new.mode() == git2::FileMode::BlobExecutable;
            if let Some(name) = name.filter(|name| !id.is_zero() && is_file && wanted(name)) {
                found.push((name.to_owned(), git.find_blob(id)?.content().to_vec()));
            }
        }
        Ok(found)
    }

    /// The index: in a hook, the one that the commit is made of.
    fn index(&self) -> Result<Index, SourceError> {
        match std::env::var_os("GIT_INDEX_FILE") {
            Some(path) => Ok(Index::open(&settings::absolute(Path::new(&path)))?),
            None => Ok(self.git()?.index()?),
        }
    }

    fn committed(&self, id: Oid, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<RepositoryFile>, SourceError> {
        let git = self.git()?;
        let tree: Tree<'_> = git.find_commit(id)?.tree()?;
        let mut blobs = Vec::new();
        tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            let path = entry.name().map(|name| format!("{folder}{name}")).unwrap_or_default();
            let name = path.strip_prefix(&self.prefix);
            let is_file = entry.kind() == Some(ObjectType::Blob) && entry.filemode() & 0o170_000 == 0o100_000;
            if let Some(name) = name.filter(|name| is_file && wanted(name)) {
                blobs.push((name.to_owned(), entry.id()));
            }
            TreeWalkResult::Ok
        })?;
        blobs.into_iter().map(|(name, id)| Ok((name, git.find_blob(id)?.content().to_vec()))).collect()
    }
}

/// A path below a folder, with `/` behind it unless it is the folder itself.
fn within(folder: &Path, path: &Path) -> String {
    let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
    let below = path.strip_prefix(folder).map(Path::to_path_buf);
    let below = below.or_else(|_| real(path).strip_prefix(real(folder)).map(Path::to_path_buf));
    let below = below.unwrap_or_else(|_| path.to_path_buf()).to_string_lossy().into_owned();
    if below.is_empty() { below } else { format!("{below}/") }
}
