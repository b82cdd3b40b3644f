//! Files of a folder on this machine.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::stamp::{self, Stamp};
use super::{LARGEST_FILE, SourceError, pointer};
use weft_base::tree::Tree;

/// The files at and below `path`, by their path relative to `root`.
pub(super) fn read(root: &Path, path: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
    found(root, path)?.into_par_iter().map(|(place, path)| content(&place, path)).collect()
}

/// The same files with their stamps.
pub(super) fn stamps(root: &Path, path: &str) -> Result<Vec<(String, Stamp)>, SourceError> {
    let stamp = |(place, path): (PathBuf, String)| match stamp::of(&place) {
        Ok(stamp) => Ok((path, stamp)),
        Err(source) => Err(failed(&place, source)),
    };
    found(root, path)?.into_iter().map(stamp).collect()
}

/// The files below a folder that can be read, and why others cannot.
pub(super) fn readable(root: &Path, path: &str) -> Result<(Tree, Vec<SourceError>), SourceError> {
    let canonical = root.canonicalize().map_err(|source| failed(root, source))?;
    let mut walk = FolderWalk { root: canonical, found: Vec::new(), skipped: Some(Vec::new()) };
    let start = root.join(path);
    if start.is_dir() {
        walk.visit_folder(&start, path)?;
    } else if start.is_file() {
        walk.visit(&start, path)?;
    }
    let mut skipped = walk.skipped.unwrap_or_default();
    let mut files = Vec::new();
    for (place, path) in walk.found {
        match content(&place, path) {
            Ok(file) => files.push(file),
            Err(error) => skipped.push(error),
        }
    }
    Ok((Tree::new(files), skipped))
}

/// Where the files are, and the paths that they are read under.
fn found(root: &Path, path: &str) -> Result<Vec<(PathBuf, String)>, SourceError> {
    let canonical = root.canonicalize().map_err(|source| failed(root, source))?;
    let mut walk = FolderWalk { root: canonical, found: Vec::new(), skipped: None };
    let start = root.join(path);
    match fs::symlink_metadata(&start) {
        Ok(_) => walk.visit(&start, path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(&start, source)),
    }
    Ok(walk.found)
}

struct FolderWalk {
    root: PathBuf,
    found: Vec<(PathBuf, String)>,
    /// What could not be read, for a walk that goes on without it.
    skipped: Option<Vec<SourceError>>,
}

impl FolderWalk {
    fn visit(&mut self, place: &Path, path: &str) -> Result<(), SourceError> {
        let target = self.inside(place, path)?;
        let about = fs::metadata(&target).map_err(|source| failed(place, source))?;
        if about.is_dir() {
            self.visit_folder(place, path)
        } else if !about.is_file() {
            Err(SourceError::NoFile { path: path.to_owned() })
        } else {
            self.found.push((target, path.to_owned()));
            Ok(())
        }
    }

    fn visit_folder(&mut self, place: &Path, path: &str) -> Result<(), SourceError> {
        let entries = fs::read_dir(place).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(|source| failed(place, source))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| SourceError::NameNotText { path: entry.path() })?;
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            match entry.file_type() {
                _ if name == ".git" => {}
                // Below a folder that is inside, only a link can lead out.
                Ok(kind) if kind.is_dir() => self.visit_folder(&entry.path(), &below)?,
                Ok(kind) if kind.is_file() => self.found.push((entry.path(), below)),
                _ => self.visit_link(&entry.path(), &below)?,
            }
        }
        Ok(())
    }

    /// A link, or what is neither a file nor a folder.
    fn visit_link(&mut self, place: &Path, path: &str) -> Result<(), SourceError> {
        match (self.visit(place, path), &mut self.skipped) {
            (Err(error), Some(skipped)) => {
                skipped.push(error);
                Ok(())
            }
            (visited, _) => visited,
        }
    }

    /// The real place of a path, once it is known that it stays inside and does not lead back above itself.
    fn inside(&self, place: &Path, path: &str) -> Result<PathBuf, SourceError> {
        let nowhere = || SourceError::LinkNowhere { path: path.to_owned() };
        let target = place.canonicalize().map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => nowhere(),
            _ if error.kind() == io::ErrorKind::NotFound => nowhere(),
            _ => failed(place, error),
        })?;
        if !target.starts_with(&self.root) {
            return Err(SourceError::LinkOut { path: path.to_owned() });
        }
        let parent = place.parent().and_then(|p| p.canonicalize().ok()).unwrap_or_default();
        if place.is_symlink() && parent.starts_with(&target) {
            return Err(SourceError::LinkLoop { path: path.to_owned() });
        }
        Ok(target)
    }
}

/// A file with its path.
fn content(place: &Path, path: String) -> Result<(String, Vec<u8>), SourceError> {
    let file = fs::File::open(place).map_err(|source| failed(place, source))?;
    let bytes = file.metadata().map_err(|source| failed(place, source))?.len();
    if bytes > LARGEST_FILE {
        return Err(SourceError::TooLarge { path, bytes, limit: LARGEST_FILE });
    }
    // One byte more than there should be: the end is met without asking for the size again.
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default() + 1);
    file.take(LARGEST_FILE).read_to_end(&mut content).map_err(|source| failed(place, source))?;
    if let Some(digest) = pointer::digest(&content) {
        return Err(SourceError::Pointer { path, digest });
    }
    Ok((path, content))
}

fn failed(path: &Path, source: io::Error) -> SourceError {
    SourceError::Io { path: path.to_path_buf(), source }
}
