//! Key files: who may read them, and folders of them.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::KeysError;
use super::error::KeyFilePlace;
use weft_base::masked::Masked;
use weft_sops::is_throwaway;

/// What Kubernetes puts into the folder of a Secret that it mounts.
const MOUNTED: &str = "..data";

/// The bytes of a key file that only its owner can read; `None` where there is none. In a Secret that is mounted the
/// group may read too: a pod whose user is not root can read it in no other way.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeysError> {
    let unreadable = |source| KeysError::Read { path: path.to_owned(), source };
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    let mut bytes = Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    let mounted = path.parent().is_some_and(is_mounted);
    let others = if mounted { 0o037 } else { 0o077 };
    if mode & others == 0 {
        return Ok(Some(bytes));
    }
    let place = match std::str::from_utf8(&bytes) {
        Ok(text) if is_throwaway(text) => KeyFilePlace::Throwaway,
        _ if mounted => KeyFilePlace::Mounted,
        _ => KeyFilePlace::Own,
    };
    Err(KeysError::Exposed { path: path.to_owned(), mode, place })
}

/// What standard input holds. It can be read only once, and keys are looked for in each round of a loop.
pub(super) fn standard_input() -> Result<&'static Masked<Vec<u8>>, KeysError> {
    static READ: OnceLock<Masked<Vec<u8>>> = OnceLock::new();
    if let Some(bytes) = READ.get() {
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|source| KeysError::Read { path: "standard input".into(), source })?;
    Ok(READ.get_or_init(|| Masked::new(bytes)))
}

/// The key files that a path names: itself, or the files of a folder by name, but for hidden ones.
pub(super) fn named(path: &Path) -> Result<Vec<PathBuf>, KeysError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |source| KeysError::Read { path: path.to_owned(), source };
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|it| it.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut files: Vec<_> = paths.into_iter().filter(|path| path.is_file() && !hidden(path)).collect();
    files.sort();
    Ok(files)
}

fn is_mounted(folder: &Path) -> bool {
    folder.join(MOUNTED).is_symlink()
}
