//! Files of a commit.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, StatusOptions, Tree as GitTree};

use super::{Commit, LARGEST_FILE, SourceError, pointer};
use weft_base::tree;

/// A link may lead to a link, but not for ever.
const LONGEST_CHAIN: usize = 16;
/// The file mode of a symbolic link in a tree of git.
const LINK: i32 = 0o120_000;

/// What a tree of git says of one of its entries: its kind, its mode and its id.
type GitEntry = (Option<ObjectType>, i32, Oid);

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

    /// The commit that a revision means; `A...B` is the one at which the ways of both parted, and no name `HEAD`.
    pub(super) fn resolve(&self, revision: &str) -> Result<Oid, SourceError> {
        let Some((first, second)) = revision.split_once("...") else { return self.named(revision) };
        let name = |text: &str| if text.is_empty() { "HEAD".to_owned() } else { text.to_owned() };
        let first = name(first);
        let second = name(second);
        match self.git.merge_base(self.named(&first)?, self.named(&second)?) {
            Ok(base) => Ok(base),
            Err(error) if error.code() == ErrorCode::NotFound => Err(SourceError::NothingInCommon { first, second }),
            Err(error) => Err(error.into()),
        }
    }

    fn named(&self, revision: &str) -> Result<Oid, SourceError> {
        let unknown = |_| SourceError::NoRevision { revision: revision.to_owned() };
        let object = self.git.revparse_single(revision).map_err(unknown)?;
        Ok(object.peel_to_commit().map_err(unknown)?.id())
    }

    /// A place on this machine as a path of the repository; the top where it is outside of the work tree.
    pub(super) fn below(&self, place: &Path) -> String {
        self.within(place, "").trim_end_matches('/').to_owned()
    }

    /// Whether a folder of a commit is the root of a project.
    pub(super) fn has_project(&self, commit: Oid, folder: &str) -> bool {
        let top = self.git.find_commit(commit).and_then(|it| it.tree());
        top.and_then(|top| top.get_path(&Path::new(folder).join(super::ENVIRONMENTS)))
            .is_ok_and(|entry| matches!(entry.kind(), Some(ObjectType::Tree | ObjectType::Commit)))
    }

    /// The nearest folder upward from `start` that is the root of a project in a commit.
    pub(super) fn project_above(&self, commit: Oid, start: &str) -> Result<Option<String>, SourceError> {
        // What the commit cannot be read for is told by name here, and not as a missing project.
        self.git.find_commit(commit)?.tree()?;
        let folders = Path::new(start).ancestors().map(|it| it.to_string_lossy().into_owned());
        Ok(folders.into_iter().find(|folder| self.has_project(commit, folder)))
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

    /// The address of the remote `origin`, in the form in which all ways to it are the same; `None` for one on this machine.
    pub(super) fn remote(&self) -> Option<String> {
        let remote = self.git.find_remote("origin").ok()?;
        address(remote.url().ok()?)
    }

    /// The first commit of a history, or of that of the work tree; `None` if the history is not complete.
    pub(super) fn root(&self, revision: Option<Oid>) -> Result<Option<String>, SourceError> {
        if self.git.is_shallow() {
            return Ok(None);
        }
        let head = || self.git.head().and_then(|it| it.peel_to_commit()).ok().map(|it| it.id());
        let Some(commit) = revision.or_else(head) else { return Ok(None) };
        let mut walk = self.git.revwalk()?;
        walk.push(commit)?;
        walk.simplify_first_parent()?;
        Ok(walk.last().transpose()?.map(|it| it.to_string()))
    }

    /// The commit of the work tree, and whether a file of `root` differs from it.
    pub(super) fn head(&self, root: &Path, read: &[String]) -> Result<Option<Commit>, SourceError> {
        let id = match self.git.head().and_then(|head| head.peel_to_commit()) {
            Ok(commit) => commit.id().to_string(),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut options = StatusOptions::new();
        options.include_untracked(true).include_ignored(false).exclude_submodules(true);
        let usual = [super::ENVIRONMENTS, "charts", "secrets", "vendor"];
        for folder in usual.into_iter().chain(read.iter().map(String::as_str)) {
            options.pathspec(self.within(root, folder));
        }
        let dirty = !self.git.is_bare() && !self.git.statuses(Some(&mut options))?.is_empty();
        Ok(Some(Commit { id, dirty }))
    }

    /// The files at and below `path` (relative to the project's `folder`) in a commit, by their path relative to it.
    pub(super) fn read(&self, commit: Oid, folder: &str, path: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
        let top = self.git.find_commit(commit)?.tree()?;
        let mut walk = GitWalk { git: &self.git, prefix: folder.to_owned(), top, ours: true, files: Vec::new() };
        if path.is_empty() {
            walk.visit_all()?;
        } else {
            walk.visit(path, path, 0)?;
        }
        Ok(walk.files)
    }

    /// A path of the project as a path of the repository, which may begin above it.
    fn within(&self, root: &Path, path: &str) -> String {
        let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        let below = real(root).strip_prefix(real(&self.folder)).map(Path::to_path_buf).unwrap_or_default();
        below.join(path).to_string_lossy().into_owned()
    }
}

/// Where a repository is, without scheme, user and port: `github.com/org/platform`.
fn address(url: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        // `git@host:path`; a path of this machine has a slash first.
        None => url.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_lowercase();
    let path = path.trim_matches('/');
    Some(format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path)))
}

/// The files at and below a folder of a commit, by their path below it; the empty folder is the top.
pub(super) fn files(git: &git2::Repository, commit: Oid, folder: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
    let top = git.find_commit(commit)?.tree()?;
    let mut walk = GitWalk { git, prefix: folder.to_owned(), top, ours: false, files: Vec::new() };
    walk.visit_all()?;
    Ok(walk.files)
}

fn subtree<'g>(git: &'g git2::Repository, top: &GitTree<'g>, folder: &str) -> Result<GitTree<'g>, SourceError> {
    Ok(git.find_tree(top.get_path(Path::new(folder))?.id())?)
}

struct GitWalk<'g> {
    git: &'g git2::Repository,
    prefix: String,
    top: GitTree<'g>,
    /// Whether the repository is on this machine with what belongs to it: submodules, the content of large files.
    ours: bool,
    files: Vec<(String, Vec<u8>)>,
}

impl GitWalk<'_> {
    /// Reads all files of the folder that the paths count from.
    fn visit_all(&mut self) -> Result<(), SourceError> {
        let below = if self.prefix.is_empty() { self.top.clone() } else { subtree(self.git, &self.top, &self.prefix)? };
        for entry in &below {
            let name = entry.name().map_err(|_| SourceError::NameNotText { path: self.prefix.clone().into() })?;
            self.visit(name, name, 0)?;
        }
        Ok(())
    }

    /// Reads what stands at `place` under the name `path`; the two differ below a link.
    fn visit(&mut self, place: &str, path: &str, links: usize) -> Result<(), SourceError> {
        match self.top.get_path(&Path::new(&self.prefix).join(place)) {
            Ok(entry) => self.visit_entry((entry.kind(), entry.filemode(), entry.id()), place, path, links),
            Err(error) if error.code() == ErrorCode::NotFound => match self.submodule_above(place)? {
                Some((below, commit, inner)) => {
                    let module = place[..place.len() - inner.len()].trim_end_matches('/');
                    self.visit_submodule(commit, &below, &inner, path, module)
                }
                None if links > 0 => Err(SourceError::LinkNowhere { path: path.to_owned() }),
                None => Ok(()),
            },
            Err(error) => Err(error.into()),
        }
    }

    fn visit_entry(&mut self, entry: GitEntry, place: &str, path: &str, links: usize) -> Result<(), SourceError> {
        match entry {
            (Some(ObjectType::Tree), _, id) => self.visit_folder(id, place, path, links),
            (Some(ObjectType::Blob), LINK, id) => self.visit_link(id, place, path, links),
            (Some(ObjectType::Blob), _, id) => self.take(id, path),
            (Some(ObjectType::Commit), _, id) if self.ours => {
                let whole = Path::new(&self.prefix).join(place).to_string_lossy().into_owned();
                self.visit_submodule(id, &whole, "", path, path)
            }
            _ => Ok(()),
        }
    }

    fn visit_folder(&mut self, id: Oid, place: &str, path: &str, links: usize) -> Result<(), SourceError> {
        let tree = self.git.find_tree(id)?;
        for entry in &tree {
            let name = entry.name().map_err(|_| SourceError::NameNotText { path: path.into() })?;
            let about = (entry.kind(), entry.filemode(), entry.id());
            self.visit_entry(about, &format!("{place}/{name}"), &format!("{path}/{name}"), links)?;
        }
        Ok(())
    }

    /// The submodule that a place is in: its path in the repository, its commit, and the place below it.
    fn submodule_above(&self, place: &str) -> Result<Option<(String, Oid, String)>, SourceError> {
        let whole = Path::new(&self.prefix).join(place);
        for above in whole.ancestors().skip(1).filter(|it| self.ours && !it.as_os_str().is_empty()) {
            match self.top.get_path(above) {
                Ok(entry) if entry.kind() == Some(ObjectType::Commit) => {
                    let inner = whole.strip_prefix(above).unwrap_or(&whole).to_string_lossy().into_owned();
                    return Ok(Some((above.to_string_lossy().into_owned(), entry.id(), inner)));
                }
                Err(error) if error.code() != ErrorCode::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads what stands at `inner` in a submodule under the name `path`. Its repository is where git keeps it: the work
    /// tree is not looked at.
    fn visit_submodule(
        &mut self,
        commit: Oid,
        whole: &str,
        inner: &str,
        path: &str,
        module: &str,
    ) -> Result<(), SourceError> {
        let missing = || SourceError::NoSubmodule { path: module.to_owned(), commit: commit.to_string() };
        let git = modules(self.git, &self.top, whole).into_iter().find_map(|folder| {
            let git = git2::Repository::open(folder).ok()?;
            let known = git.find_commit(commit).is_ok();
            known.then_some(git)
        });
        let git = git.ok_or_else(missing)?;
        let top = git.find_commit(commit)?.tree()?;
        let id = top.id();
        let mut walk = GitWalk { git: &git, prefix: String::new(), top, ours: true, files: Vec::new() };
        if inner.is_empty() {
            let tree = git.find_tree(id)?;
            for entry in &tree {
                let name = entry.name().map_err(|_| SourceError::NameNotText { path: path.into() })?;
                let about = (entry.kind(), entry.filemode(), entry.id());
                walk.visit_entry(about, name, &format!("{path}/{name}"), 0)?;
            }
        } else {
            walk.visit(inner, path, 0)?;
        }
        self.files.append(&mut walk.files);
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
        let content = match pointer::digest(blob.content()).filter(|_| self.ours) {
            None => blob.content().to_vec(),
            Some(digest) => pointer::content(self.git.commondir(), &digest)
                .ok_or_else(|| SourceError::Pointer { path: path.to_owned(), digest })?,
        };
        self.files.push((path.to_owned(), content));
        Ok(())
    }
}

/// Where the repository of the submodule at a path may be: git keeps it under its name, which `.gitmodules` tells, below
/// the repository; older ones are in the work tree.
fn modules(git: &git2::Repository, top: &GitTree, path: &str) -> Vec<PathBuf> {
    let name = submodule_name(git, top, path).unwrap_or_else(|| path.to_owned());
    let inside = Path::new(&name).components().all(|it| matches!(it, std::path::Component::Normal(_)));
    let kept = [git.path(), git.commondir()].into_iter().filter(|_| inside).map(|it| it.join("modules").join(&name));
    kept.chain(git.workdir().map(|it| it.join(path).join(".git")).filter(|it| it.is_dir())).collect()
}

fn submodule_name(git: &git2::Repository, top: &GitTree, path: &str) -> Option<String> {
    let blob = git.find_blob(top.get_name(".gitmodules")?.id()).ok()?;
    let mut name = None;
    for line in std::str::from_utf8(blob.content()).ok()?.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix("[submodule \"").and_then(|it| it.strip_suffix("\"]")) {
            name = Some(section);
        }
        let value = line.split_once('=').filter(|(key, _)| key.trim() == "path").map(|(_, value)| value.trim());
        if value.is_some_and(|it| it.trim_matches('"') == path) {
            return name.map(str::to_owned);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn all_ways_to_a_repository_are_one_address() {
        let ways = [
            "https://example.com/org/platform.git",
            "https://user:token@Example.com:443/org/platform",
            "ssh://git@example.com:22/org/platform.git",
            "git@example.com:org/platform.git",
        ];
        for url in ways {
            assert_eq!(address(url).as_deref(), Some("example.com/org/platform"), "{url}");
        }
        for url in ["/srv/git/platform.git", "file:///srv/git/platform.git", "../platform"] {
            assert_eq!(address(url), None, "{url}");
        }
    }
}
