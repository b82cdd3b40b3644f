//! The files of this machine, read as a kustomization asks for them.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::charts::{Charts, Keys};
use super::folder;
use weft_stages::kustomize::{Files, Remote};
use weft_stages::project::ChartPlace;

/// All files of this machine; paths count from the root of its file system.
pub struct Disk {
    /// The folder that people are told paths from.
    pub here: PathBuf,
    /// What brings repositories from elsewhere.
    pub charts: Charts,
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

    fn of_shown(&self, shown: &str) -> Option<Cow<'_, [u8]>> {
        fs::read(self.here.join(shown)).ok().map(Cow::Owned)
    }

    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let files = folder::read(&place(folder), "").map_err(|error| error.to_string())?;
        Ok(files.into_iter().map(|(path, bytes)| (path.trim_start_matches('/').to_owned(), bytes)).collect())
    }

    fn chart(&self, place: &ChartPlace) -> Result<Vec<u8>, String> {
        self.charts.find(place, &Keys::default()).map(|it| it.bytes).map_err(|error| error.to_string())
    }

    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        repository(&self.charts, remote)
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        self.charts.download(url).map_err(|error| error.to_string())
    }
}

/// The files of the repository that a kustomization names.
pub fn repository(charts: &Charts, remote: &Remote) -> Result<Arc<dyn Files>, String> {
    let tree = charts.repository_files(&remote.repository, remote.reference.as_deref());
    tree.map(|tree| Arc::new(tree) as Arc<dyn Files>).map_err(|error| error.to_string())
}
