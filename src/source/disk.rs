//! The files of this machine, read as a kustomization asks for them.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::git::Repository;
use crate::kustomize::{Files, Remote};
use crate::tree::Tree;

/// All files of this machine; paths count from the root of its file system.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The folder that people are told paths from.
    pub here: PathBuf,
}

fn place(path: &str) -> PathBuf {
    Path::new("/").join(path)
}

impl Files for Disk {
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        fs::read(place(path)).ok().map(Cow::Owned)
    }

    fn is_folder(&self, path: &str) -> bool {
        place(path).is_dir()
    }

    fn resolved(&self, path: &str) -> String {
        let real = place(path).canonicalize().unwrap_or_else(|_| place(path));
        real.to_string_lossy().trim_start_matches('/').to_owned()
    }

    fn shown(&self, path: &str) -> String {
        let place = place(path);
        match place.strip_prefix(&self.here) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => below.to_string_lossy().into_owned(),
            Err(_) => place.to_string_lossy().into_owned(),
        }
    }

    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        repository(remote).map(|tree| Arc::new(tree) as Arc<dyn Files>)
    }
}

/// The files of a commit of a repository on this machine.
pub fn repository(remote: &Remote) -> Result<Tree, String> {
    let Some(path) = remote.repository.strip_prefix("file://") else {
        return Err("only repositories of this machine (`file://`) are read without a network".to_owned());
    };
    let said = |error: super::SourceError| error.to_string();
    let folder = Path::new(path);
    let repository = Repository::around(folder).map_err(said)?.ok_or("there is no repository")?;
    let commit = repository.resolve(remote.reference.as_deref().unwrap_or("HEAD")).map_err(said)?;
    let files = repository.read(repository.folder(), commit, "").map_err(said)?;
    Ok(Tree::new(files.into_iter().map(|(path, bytes)| (path.trim_start_matches('/').to_owned(), bytes))))
}
