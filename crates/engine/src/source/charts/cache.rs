//! Archives that were fetched once, by their digest.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use super::FetchError;

/// A folder with archives. What is read from it is checked like what comes over the network.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// The folder `weft/charts` in the folder of caches; without one, nothing is kept.
    pub fn new(caches: Option<PathBuf>) -> Self {
        Self { folder: caches.map(|it| it.join("weft/charts")) }
    }

    /// The archive with a digest, if it is there.
    pub fn get(&self, digest: &str) -> Option<Vec<u8>> {
        fs::read(self.file(digest)?).ok()
    }

    /// Keeps an archive. Another run sees it whole or not at all.
    pub fn put(&self, digest: &str, bytes: &[u8]) -> Result<(), FetchError> {
        let (Some(file), Some(folder)) = (self.file(digest), &self.folder) else { return Ok(()) };
        let failed = |source| FetchError::Cache { path: file.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        new.write_all(bytes).map_err(failed)?;
        new.persist(&file).map(drop).map_err(|error| failed(error.error))
    }

    fn file(&self, digest: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.tgz", digest.replace(':', "-"))))
    }
}
