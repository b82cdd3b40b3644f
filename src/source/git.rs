//! Files of a commit.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, StatusOptions, Tree as GitTree};

use super::{Commit, LARGEST_FILE, SourceError};
use crate::tree;

/// A link may lead to a link, but not for ever.
const LONGEST_CHAIN: usize = 16;
/// The file mode of a symbolic link in a tree of git.
const LINK: i32 = 0o120_000;

/// A git repository with its work tree.
pub(super) struct Repository {
    git: git2::Repository,
    folder: PathBuf,
}

impl Repository {
    /// The repository that `start` is in, if it is in one.
    pub(super) fn around(start: &Path) -> Result<Option<Self>, SourceError> {
        let git = match git2::Repository::discover(start) {
            Ok(git) => git,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let folder = git.workdir().unwrap_or_else(|| git.path()).to_path_buf();
        Ok(Some(Self { git, folder }))
    }

    /// The top of the work tree, or the folder of a bare repository.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The commit that a revision means.
    pub(super) fn resolve(&self, revision: &str) -> Result<Oid, SourceError> {
        let unknown = |_| SourceError::NoRevision { revision: revision.to_owned() };
        let object = self.git.revparse_single(revision).map_err(unknown)?;
        Ok(object.peel_to_commit().map_err(unknown)?.id())
    }

    /// When a commit was made, or that of the work tree, in seconds since 1970.
    pub(super) fn time(&self, revision: Option<Oid>) -> Result<Option<i64>, SourceError> {
        let commit = match revision {
            Some(id) => self.git.find_commit(id),
            None => self.git.head().and_then(|head| head.peel_to_commit()),
        };
        match commit {
            Ok(commit) => Ok(Some(commit.time().seconds())),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit of the work tree, and whether a file of `root` differs from it.
    pub(super) fn head(&self, root: &Path) -> Result<Option<Commit>, SourceError> {
        let id = match self.git.head().and_then(|head| head.peel_to_commit()) {
            Ok(commit) => commit.id().to_string(),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut options = StatusOptions::new();
        options.include_untracked(true).include_ignored(false).exclude_submodules(true);
        for folder in [super::ENVIRONMENTS, "charts", "secrets", "vendor"] {
            options.pathspec(self.within(root, folder));
        }
        let dirty = !self.git.is_bare() && !self.git.statuses(Some(&mut options))?.is_empty();
        Ok(Some(Commit { id, dirty }))
    }

    /// The files at and below `path` (relative to `root`) in a commit, by their path relative to `root`.
    pub(super) fn read(&self, root: &Path, commit: Oid, path: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
        let top = self.git.find_commit(commit)?.tree()?;
        let mut walk = Walk { git: &self.git, prefix: self.within(root, ""), top, files: Vec::new() };
        walk.visit(path, path, 0)?;
        Ok(walk.files)
    }

    /// A path of the project as a path of the repository, which may begin above it.
    fn within(&self, root: &Path, path: &str) -> String {
        let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        let below = real(root).strip_prefix(real(&self.folder)).map(Path::to_path_buf).unwrap_or_default();
        below.join(path).to_string_lossy().into_owned()
    }
}

/// The files at and below a folder of a commit, by their path below it; the empty folder is the top.
pub(super) fn files(git: &git2::Repository, commit: Oid, folder: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
    let top = git.find_commit(commit)?.tree()?;
    let below = if folder.is_empty() { top.clone() } else { subtree(git, &top, folder)? };
    let mut walk = Walk { git, prefix: folder.to_owned(), top, files: Vec::new() };
    for entry in &below {
        let name = entry.name().map_err(|_| SourceError::NameNotText { path: folder.into() })?;
        walk.visit(name, name, 0)?;
    }
    Ok(walk.files)
}

fn subtree<'g>(git: &'g git2::Repository, top: &GitTree<'g>, folder: &str) -> Result<GitTree<'g>, SourceError> {
    Ok(git.find_tree(top.get_path(Path::new(folder))?.id())?)
}

struct Walk<'g> {
    git: &'g git2::Repository,
    prefix: String,
    top: GitTree<'g>,
    files: Vec<(String, Vec<u8>)>,
}

impl Walk<'_> {
    /// Reads what stands at `place` under the name `path`; the two differ below a link.
    fn visit(&mut self, place: &str, path: &str, links: usize) -> Result<(), SourceError> {
        let entry = match self.top.get_path(&Path::new(&self.prefix).join(place)) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound && links > 0 => {
                return Err(SourceError::LinkNowhere { path: path.to_owned() });
            }
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match entry.kind() {
            Some(ObjectType::Tree) => self.visit_folder(entry.id(), place, path, links),
            Some(ObjectType::Blob) if entry.filemode() == LINK => self.visit_link(entry.id(), place, path, links),
            Some(ObjectType::Blob) => self.take(entry.id(), path),
            _ => Ok(()),
        }
    }

    fn visit_folder(&mut self, id: Oid, place: &str, path: &str, links: usize) -> Result<(), SourceError> {
        let tree = self.git.find_tree(id)?;
        for entry in &tree {
            let name = entry.name().map_err(|_| SourceError::NameNotText { path: path.into() })?;
            self.visit(&format!("{place}/{name}"), &format!("{path}/{name}"), links)?;
        }
        Ok(())
    }

    fn visit_link(&mut self, id: Oid, place: &str, path: &str, links: usize) -> Result<(), SourceError> {
        let out = || SourceError::LinkOut { path: path.to_owned() };
        let target = self.git.find_blob(id)?;
        let target = std::str::from_utf8(target.content()).map_err(|_| out())?.to_owned();
        let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
        if target.starts_with('/') {
            return Err(out());
        }
        let target = tree::join(folder, &target).map_err(|_| out())?;
        if place.starts_with(&format!("{target}/")) {
            return Err(SourceError::LinkLoop { path: path.to_owned() });
        }
        if links == LONGEST_CHAIN {
            return Err(SourceError::LinkNowhere { path: path.to_owned() });
        }
        self.visit(&target, path, links + 1)
    }

    fn take(&mut self, id: Oid, path: &str) -> Result<(), SourceError> {
        let blob = self.git.find_blob(id)?;
        let bytes = u64::try_from(blob.size()).unwrap_or(u64::MAX);
        if bytes > LARGEST_FILE {
            return Err(SourceError::TooLarge { path: path.to_owned(), bytes, limit: LARGEST_FILE });
        }
        self.files.push((path.to_owned(), blob.content().to_vec()));
        Ok(())
    }
}
