//! Files that verbs write for people.

use std::fs;
use std::io;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::diagnostic::{Diagnose, Kind};

/// A file cannot be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is there already.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

impl Diagnose for FileError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists { .. } => Kind::Input,
            Self::Read { .. } | Self::Write { .. } => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { path } => Some(format!("Nothing was overwritten. Remove `{}` first.", path.display())),
            Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}

/// Reads a text file.
pub(super) fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|source| FileError::Read { path: path.to_path_buf(), source })
}

/// Reads any file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|source| FileError::Read { path: path.to_path_buf(), source })
}

/// Writes a file and the folders that it is in.
pub(super) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), FileError> {
    let text = text.as_ref();
    let written = match fs::write(path, text) {
        // Of many files, most find their folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text))
        }
        written => written,
    };
    written.map_err(|source| FileError::Write { path: path.to_path_buf(), source })
}

/// A folder into which files are written under names that come from objects. None of them leaves the folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputFolder<'p>(&'p Path);

impl<'p> OutputFolder<'p> {
    /// This folder.
    pub(super) fn new(path: &'p Path) -> Self {
        Self(path)
    }

    /// Writes a file, and the folders below this one that `path` names.
    pub(super) fn write(self, path: &str, text: impl AsRef<[u8]>) -> Result<(), FileError> {
        write(&path.split('/').fold(self.0.to_path_buf(), |path, part| path.join(file_name(part))), text)
    }
}

/// A name that a file may have, whatever an object is called: what is no letter, digit, `.`, `_`, `-` or `:` of ASCII is
/// written as `_`, and so is a dot at the beginning.
pub(super) fn file_name(text: &str) -> String {
    let is_plain = |(at, c): (usize, char)| match c {
        '.' => at > 0,
        _ => c.is_ascii_alphanumeric() || "_-:".contains(c),
    };
    let name: String = text.chars().enumerate().map(|it| if is_plain(it) { it.1 } else { '_' }).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Makes a folder and those that it is in.
pub(super) fn folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|source| FileError::Write { path: path.to_path_buf(), source })
}

/// Writes a file that must not be there yet; one that is `private` can be read by its owner alone.
pub(super) fn create(path: &Path, text: impl AsRef<[u8]>, private: bool) -> Result<(), FileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_path_buf() },
        _ => FileError::Write { path: path.to_path_buf(), source },
    };
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let mode = if private { 0o600 } else { 0o644 };
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_ref())).map_err(failed)
}

/// Replaces the text of a file at once: a reader sees the old one or the new one. The mode stays, and so does a link.
pub(super) fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), FileError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let permissions = fs::metadata(&path).ok().map(|it| it.permissions());
    put(&path, text.as_ref(), permissions)
}

/// Writes a file that everybody may read, at once: a reader sees the old one, if there is one, or the new one.
pub(super) fn publish(path: &Path, text: impl AsRef<[u8]>) -> Result<(), FileError> {
    put(path, text.as_ref(), Some(fs::Permissions::from_mode(0o644)))
}

/// Puts a whole file in the place of the one that is there. Without permissions its owner alone may read it.
fn put(path: &Path, text: &[u8], permissions: Option<fs::Permissions>) -> Result<(), FileError> {
    let failed = |source: io::Error| FileError::Write { path: path.to_path_buf(), source };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text).map_err(failed)?;
    permissions.map_or(Ok(()), |it| fs::set_permissions(file.path(), it)).map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// Overwrites a file with zeros before it goes.
pub(super) fn wipe(path: &Path) -> Result<(), FileError> {
    let failed = |source: io::Error| FileError::Write { path: path.to_path_buf(), source };
    let length = fs::metadata(path).map_err(failed)?.len();
    let mut file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
    io::copy(&mut io::repeat(0).take(length), &mut file).and_then(|_| file.sync_all()).map_err(failed)?;
    fs::remove_file(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        let names =
            ["..", ".", "../x", "../../x", "/etc/x", "a/../../x", ".hidden", "a\0b", "a\nb", "", "ö/..", "a:b", "//"];
        for (at, name) in names.into_iter().enumerate() {
            OutputFolder::new(&inner).write(&format!("{at}/{name}.yaml"), name).unwrap();
            OutputFolder::new(&inner).write(&format!("{name}/{at}.yaml"), name).unwrap();
        }
        let inside: Vec<_> = fs::read_dir(outer.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(inside, ["inner"]);
        assert_eq!(file_name("../a/b\u{1b}"), "_._a_b_");
    }
}
