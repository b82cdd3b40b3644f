//! Brings a [`Tree`] from a folder or from a commit of a git repository.
//!
//! Only what is asked for is read, and nothing from outside the root: a symbolic link that leads out of it, or to
//! itself, is an error, and so is everything that is neither a file nor a folder.

pub mod charts;
mod change;
mod disk;
mod error;
mod folder;
mod git;
mod pointer;
mod stamp;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use self::change::{ChangeError, SourceChange, change, first_of};
pub use self::disk::{Disk, repository};
pub use self::error::SourceError;
use self::git::Repository;
pub use self::stamp::Stamp;
use weft_base::tree::Tree;

/// The folder that makes a folder the root of a project.
pub const ENVIRONMENTS: &str = "environments";

/// A file that is larger is no configuration; reading it would only cost memory.
const LARGEST_FILE: u64 = 64 << 20;

/// Where the project's files come from.
pub struct Source {
    root: PathBuf,
    repository: Option<Repository>,
    at: Option<CommitPath>,
    asked: RefCell<BTreeSet<String>>,
}

/// A project in a commit.
#[derive(Clone, Debug)]
struct CommitPath {
    commit: git2::Oid,
    /// Its folder in the repository; empty for the top.
    folder: String,
}

/// The commit that a project's files belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its full id.
    pub id: String,
    /// Whether files that are read differ from it.
    pub dirty: bool,
}

impl Source {
    /// The project around `start`: the nearest folder upward that has `environments/`.
    ///
    /// With `revision` its files are read from that commit and not from the folder; no work tree is needed, so `start`
    /// may be a bare repository. A revision is whatever git resolves (a branch, a tag, `HEAD~1`), `A...B` for the
    /// commit at which the ways of both parted, and either with `:FOLDER` behind it where the project is not found
    /// from `start`.
    pub fn open(start: &Path, revision: Option<&str>) -> Result<Self, SourceError> {
        let repository = Repository::around(start)?;
        let Some(revision) = revision else {
            let root = find_root(start).ok_or_else(|| SourceError::NoProject { start: start.to_path_buf() })?;
            return Ok(Self { root, repository, at: None, asked: RefCell::default() });
        };
        let Some(repository) = repository else {
            return Err(SourceError::NoRepository { folder: find_root(start).unwrap_or_else(|| start.to_path_buf()) });
        };
        let (revision, folder) = match revision.split_once(':') {
            Some((revision, folder)) => (revision, Some(folder.trim_matches('/'))),
            None => (revision, None),
        };
        let commit = repository.resolve(revision)?;
        let below = repository.below(start);
        let found = match folder {
            Some(folder) => Some(folder).filter(|it| repository.has_project(commit, it)).map(str::to_owned),
            None => repository.project_above(commit, &below)?,
        };
        let Some(folder) = found else {
            let start = folder.map_or(below, str::to_owned);
            return Err(SourceError::NoProjectAt { start, revision: revision.to_owned() });
        };
        let root = repository.folder().join(&folder);
        Ok(Self {
            root,
            repository: Some(repository),
            at: Some(CommitPath { commit, folder }),
            asked: RefCell::default(),
        })
    }

    /// The root of the project on this machine; where its files come from a commit, the place where it would be.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The same for those who write there, which a commit does not let anybody do.
    pub fn writable_root(&self) -> Result<&Path, SourceError> {
        if self.at.is_some() { Err(SourceError::OfCommit) } else { Ok(&self.root) }
    }

    /// The files at and below these paths, which are relative to the root. A path that does not exist adds nothing.
    pub fn read<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Result<Tree, SourceError> {
        let mut tree = Tree::default();
        for path in paths {
            self.asked.borrow_mut().insert(path.to_owned());
            let files = match (&self.repository, &self.at) {
                (Some(repository), Some(at)) => repository.read(at.commit, &at.folder, path)?,
                _ => folder::read(&self.root, path)?,
            };
            tree = tree.with(Tree::new(files));
        }
        Ok(tree)
    }

    /// The stamps of the files that [`Source::read`] would read; `None` where they come from a commit, of which the objects
    /// may be missing tomorrow.
    pub fn stamps<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p str>,
    ) -> Result<Option<BTreeMap<String, Stamp>>, SourceError> {
        if self.at.is_some() {
            return Ok(None);
        }
        let mut stamps = BTreeMap::new();
        for path in paths {
            stamps.extend(folder::stamps(&self.root, path)?);
        }
        Ok(Some(stamps))
    }

    /// All paths that it was asked for, sorted.
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().iter().cloned().collect()
    }

    /// The commit that the files are read from and the project's folder in it; `None` where they are those of a folder.
    pub fn revision(&self) -> Option<String> {
        self.at.as_ref().map(|at| format!("{}:{}", at.commit, at.folder))
    }

    /// The project's folder in its git repository, `/` between names; empty for the top, and outside of one.
    pub fn folder(&self) -> String {
        match (&self.at, &self.repository) {
            (Some(at), _) => at.folder.clone(),
            (None, Some(repository)) => repository.below(&self.root),
            (None, None) => String::new(),
        }
    }

    /// The commit that the files belong to; `None` outside a git repository, or in one without a commit.
    pub fn commit(&self) -> Result<Option<Commit>, SourceError> {
        let Some(repository) = &self.repository else { return Ok(None) };
        match &self.at {
            Some(at) => Ok(Some(Commit { id: at.commit.to_string(), dirty: false })),
            None => repository.head(&self.root, &self.asked()),
        }
    }

    /// What tells the repository, and the project in it, from copies.
    pub fn repository(&self) -> Result<weft_stages::project::Repository, SourceError> {
        let Some(repository) = &self.repository else { return Ok(weft_stages::project::Repository::default()) };
        let remote = repository.remote();
        let root = if remote.is_some() { None } else { repository.root(self.at.as_ref().map(|it| it.commit))? };
        Ok(weft_stages::project::Repository { remote, root, folder: self.folder() })
    }

    /// When the commit was made that the files belong to, in seconds since 1970; `None` as for [`Source::commit`].
    pub fn time(&self) -> Result<Option<i64>, SourceError> {
        let Some(repository) = &self.repository else { return Ok(None) };
        repository.time(self.at.as_ref().map(|it| it.commit))
    }
}

/// The files of a folder on this machine by itself, below the folder's own name, which comes with them. Links stay
/// within it.
pub fn folder_of(path: &Path) -> Result<(Tree, String), SourceError> {
    let name = path.file_name().map_or_else(|| "chart".to_owned(), |it| it.to_string_lossy().into_owned());
    let files = folder::read(path, "")?.into_iter();
    Ok((Tree::new(files.map(|(below, bytes)| (format!("{name}/{}", below.trim_start_matches('/')), bytes))), name))
}

/// The files of a folder, or at and below one of its paths, as far as they can be read, and why the others cannot: a
/// broken link somewhere is no reason to read nothing.
pub fn readable(root: &Path, path: &str) -> Result<(Tree, Vec<SourceError>), SourceError> {
    folder::readable(root, path)
}

/// When the commit was made that a folder of a git repository is at, in seconds since 1970.
pub fn commit_time(path: &Path) -> Option<i64> {
    git2::Repository::discover(path).ok()?.head().ok()?.peel_to_commit().ok().map(|it| it.time().seconds())
}

fn find_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(ENVIRONMENTS).is_dir()).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use weft_base::diagnostic::Diagnose as _;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("environments/dev")).unwrap();
        fs::write(folder.path().join("environments/dev/environment.yaml"), "releases: []\n").unwrap();
        folder
    }

    #[test]
    fn the_root_is_found_from_below() {
        let folder = project();
        let source = Source::open(&folder.path().join("environments/dev"), None).unwrap();
        assert_eq!(source.root(), folder.path());
        let tree = source.read([ENVIRONMENTS]).unwrap();
        assert_eq!(tree.paths().collect::<Vec<_>>(), ["environments/dev/environment.yaml"]);
        assert_eq!(source.commit().unwrap(), None);
    }

    #[test]
    fn a_link_that_leads_out_is_refused_and_one_that_stays_is_followed() {
        let folder = project();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("passwords"), "hunter2").unwrap();
        symlink("environment.yaml", folder.path().join("environments/dev/same.yaml")).unwrap();
        let source = Source::open(folder.path(), None).unwrap();
        assert!(source.read([ENVIRONMENTS]).unwrap().contains("environments/dev/same.yaml"));

        symlink(outside.path().join("passwords"), folder.path().join("environments/dev/out.yaml")).unwrap();
        let error = source.read([ENVIRONMENTS]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`environments/dev/out.yaml` is a symbolic link that leads out of the repository"
        );
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_link_to_itself_and_a_pipe_are_refused() {
        let folder = project();
        symlink("loop", folder.path().join("environments/loop")).unwrap();
        let source = Source::open(folder.path(), None).unwrap();
        assert_eq!(
            source.read([ENVIRONMENTS]).unwrap_err().to_string(),
            "`environments/loop` is a symbolic link that leads nowhere"
        );
        fs::remove_file(folder.path().join("environments/loop")).unwrap();
        symlink("..", folder.path().join("environments/dev/up")).unwrap();
        assert_eq!(
            source.read([ENVIRONMENTS]).unwrap_err().to_string(),
            "`environments/dev/up` is a symbolic link to a folder that holds it"
        );
        fs::remove_file(folder.path().join("environments/dev/up")).unwrap();
        let socket = folder.path().join("environments/socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(
            source.read([ENVIRONMENTS]).unwrap_err().to_string(),
            "`environments/socket` is neither a file nor a folder"
        );
    }

    #[test]
    fn a_commit_is_read_without_the_folder() {
        let folder = project();
        let repository = git2::Repository::init(folder.path()).unwrap();
        let mut index = repository.index().unwrap();
        index.add_path(Path::new("environments/dev/environment.yaml")).unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        index.write().unwrap();
        let who = git2::Signature::new("a", "a@example.com", &git2::Time::new(0, 0)).unwrap();
        let id = repository.commit(Some("HEAD"), &who, &who, "first", &tree, &[]).unwrap();
        fs::write(folder.path().join("environments/dev/environment.yaml"), "releases: [changed]\n").unwrap();

        let now = Source::open(folder.path(), None).unwrap();
        assert_eq!(now.commit().unwrap(), Some(Commit { id: id.to_string(), dirty: true }));
        let then = Source::open(folder.path(), Some("HEAD")).unwrap();
        assert_eq!(then.commit().unwrap(), Some(Commit { id: id.to_string(), dirty: false }));
        let tree = then.read([ENVIRONMENTS]).unwrap();
        assert_eq!(tree.text("environments/dev/environment.yaml").unwrap(), "releases: []\n");
        assert_eq!(
            Source::open(folder.path(), Some("no-such")).err().unwrap().to_string(),
            "git knows no revision `no-such`"
        );
    }
}
