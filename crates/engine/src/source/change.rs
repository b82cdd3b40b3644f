//! The commits of a change: where it branched off, and what comes of merging it.

use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, Oid, Repository};
use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};

/// How many files a refusal names.
const NAMED: usize = 5;

/// A change of a branch, and what comes of merging it. All are full ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceChange {
    /// What it goes into: the newest commit of the target.
    pub base: String,
    /// Where it branched off from there.
    pub fork: String,
    /// Its newest commit.
    pub head: String,
    /// What comes of merging it: `head` itself where it is ahead of `base`; else a commit that no branch has.
    pub merged: String,
    /// The files of `merged`. Those of the real merge are the same, as long as nothing else is merged before.
    pub tree: String,
}

/// Why a change cannot be looked at.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// There is no repository.
    #[error("`{}` is not in a git repository", folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// A commit is not there.
    #[error("the commit `{revision}` is not in this repository")]
    Missing {
        /// The revision as it was written.
        revision: String,
    },
    /// The two have no commit in common.
    #[error("`{base}` and `{head}` have no commit in common")]
    Unrelated {
        /// The target.
        base: String,
        /// The change.
        head: String,
    },
    /// They cannot be merged by themselves.
    #[error("`{head}` cannot be merged into `{base}`: both changed {}", files.join(", "))]
    Conflict {
        /// The target.
        base: String,
        /// The change.
        head: String,
        /// The files, the first of them.
        files: Vec<String>,
    },
    /// Git failed.
    #[error("git failed")]
    Git(#[from] git2::Error),
}

impl Diagnose for ChangeError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoRepository { .. } | Self::Missing { .. } | Self::Unrelated { .. } => Kind::Input,
            Self::Conflict { .. } => Kind::Refused,
            Self::Git(_) => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRepository { .. } => "Run it in a clone, or in a bare repository.".into(),
            Self::Missing { .. } | Self::Unrelated { .. } => {
                "Fetch the whole history: `fetch-depth: 0` on GitHub and Gitea, `GIT_DEPTH: 0` on GitLab.".into()
            }
            Self::Conflict { .. } => "Merge the target into the branch, or rebase it.".into(),
            Self::Git(_) => return None,
        })
    }
}

/// The change from `base` to `head`, whatever git resolves, in the repository around `start`. The merge is made in the
/// repository's objects alone; no branch and no file changes.
pub fn change(start: &Path, base: &str, head: &str) -> Result<SourceChange, ChangeError> {
    let git = around(start)?;
    let base = resolve(&git, base)?;
    let head = resolve(&git, head)?;
    let fork = match git.merge_base(base.id(), head.id()) {
        Ok(fork) => fork,
        Err(error) if error.code() == ErrorCode::NotFound => {
            return Err(ChangeError::Unrelated { base: base.id().to_string(), head: head.id().to_string() });
        }
        Err(error) => return Err(error.into()),
    };
    let merged = if fork == base.id() { head.id() } else { merge(&git, &base, &head)? };
    let tree = git.find_commit(merged)?.tree_id();
    let text = |id: Oid| id.to_string();
    Ok(SourceChange {
        base: text(base.id()),
        fork: text(fork),
        head: text(head.id()),
        merged: text(merged),
        tree: text(tree),
    })
}

/// The first of these revisions that the repository around `start` has, as a full id.
pub fn first_of(start: &Path, revisions: &[String]) -> Result<Option<String>, ChangeError> {
    let git = around(start)?;
    Ok(revisions.iter().find_map(|it| resolve(&git, it).ok()).map(|it| it.id().to_string()))
}

fn around(start: &Path) -> Result<Repository, ChangeError> {
    match Repository::discover(start) {
        Err(error) if error.code() == ErrorCode::NotFound => {
            Err(ChangeError::NoRepository { folder: start.to_path_buf() })
        }
        found => Ok(found?),
    }
}

fn resolve<'g>(git: &'g Repository, revision: &str) -> Result<Commit<'g>, ChangeError> {
    let found = git.revparse_single(revision).and_then(|it| it.peel_to_commit());
    found.map_err(|_| ChangeError::Missing { revision: revision.to_owned() })
}

/// The merge of two commits. Author and time are those of `head`, so that it is the same commit each time.
fn merge(git: &Repository, base: &Commit, head: &Commit) -> Result<Oid, ChangeError> {
    let mut index = git.merge_commits(base, head, None)?;
    if index.has_conflicts() {
        let path = |entry: git2::IndexConflict| {
            let entry = entry.our.or(entry.their).or(entry.ancestor)?;
            Some(format!("`{}`", String::from_utf8_lossy(&entry.path)))
        };
        let files = index.conflicts()?.filter_map(|it| it.ok().and_then(path)).take(NAMED).collect();
        return Err(ChangeError::Conflict { base: base.id().to_string(), head: head.id().to_string(), files });
    }
    let tree = git.find_tree(index.write_tree_to(git)?)?;
    let who = head.committer();
    let message = format!("Merge {} into {}\n", head.id(), base.id());
    Ok(git.commit(None, &who, &who, &message, &tree, &[base, head])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository whose branches are made of commits of one file each.
    struct Story(tempfile::TempDir, Repository);

    impl Story {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let git = Repository::init_bare(folder.path()).unwrap();
            Self(folder, git)
        }

        fn commit(&self, parents: &[Oid], file: &str, text: &str) -> Oid {
            let parents: Vec<Commit> = parents.iter().map(|it| self.1.find_commit(*it).unwrap()).collect();
            let before = parents.first().map(|it| it.tree().unwrap());
            let mut tree = self.1.treebuilder(before.as_ref()).unwrap();
            tree.insert(file, self.1.blob(text.as_bytes()).unwrap(), 0o100_644).unwrap();
            let tree = self.1.find_tree(tree.write().unwrap()).unwrap();
            let who = git2::Signature::new("a", "a@example.com", &git2::Time::new(0, 0)).unwrap();
            self.1.commit(None, &who, &who, text, &tree, &parents.iter().collect::<Vec<_>>()).unwrap()
        }

        fn change(&self, base: Oid, head: Oid) -> Result<SourceChange, ChangeError> {
            change(self.0.path(), &base.to_string(), &head.to_string())
        }
    }

    #[test]
    fn a_change_is_what_comes_of_merging_it() {
        let story = Story::new();
        let first = story.commit(&[], "a", "1");
        let ours = story.commit(&[first], "a", "2");
        let theirs = story.commit(&[first], "b", "1");
        let ahead = story.change(first, theirs).unwrap();
        assert_eq!((ahead.merged, ahead.fork), (theirs.to_string(), first.to_string()));

        let change = story.change(ours, theirs).unwrap();
        assert_eq!(change.fork, first.to_string());
        assert_eq!(change, story.change(ours, theirs).unwrap(), "the same each time");
        let tree = story.1.find_tree(Oid::from_str(&change.tree).unwrap()).unwrap();
        let text = |name: &str| {
            let blob = tree.get_name(name).unwrap().to_object(&story.1).unwrap().peel_to_blob().unwrap();
            String::from_utf8_lossy(blob.content()).into_owned()
        };
        assert_eq!((text("a"), text("b")), ("2".into(), "1".into()));
        assert!(story.1.references().unwrap().next().is_none(), "no branch is made");
    }

    #[test]
    fn what_cannot_be_merged_is_refused() {
        let story = Story::new();
        let first = story.commit(&[], "a", "1");
        let ours = story.commit(&[first], "a", "2");
        let theirs = story.commit(&[first], "a", "3");
        let error = story.change(ours, theirs).unwrap_err();
        assert_eq!(error.to_string(), format!("`{theirs}` cannot be merged into `{ours}`: both changed `a`"));
        assert_eq!(error.kind(), Kind::Refused);
        let alone = story.commit(&[], "z", "1");
        let error = story.change(ours, alone).unwrap_err();
        assert_eq!(error.to_string(), format!("`{ours}` and `{alone}` have no commit in common"));
        let error = change(story.0.path(), "no-such", "HEAD").unwrap_err();
        assert_eq!(error.to_string(), "the commit `no-such` is not in this repository");
        let known = first_of(story.0.path(), &["no-such".into(), first.to_string()]).unwrap();
        assert_eq!(known, Some(first.to_string()));
    }
}
