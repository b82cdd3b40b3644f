//! The files of a kustomization and those that it names.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::KustomizeError;
use super::remote::Remote;
use crate::project::ChartPlace;
use weft_base::masked::Masked;
use weft_base::tree::Tree;
use weft_base::value::Origin;

/// Where a build reads from. Paths have `/` between their parts, no `.` or `..`, and count from the root.
pub trait Files: Send + Sync {
    /// The bytes of a file; `None` where there is none.
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>>;

    /// Whether there is such a folder. The root is the empty path.
    fn is_folder(&self, path: &str) -> bool;

    /// The path that a path leads to, where links do.
    fn resolved(&self, path: &str) -> String {
        path.to_owned()
    }

    /// A path as people are told it.
    fn shown(&self, path: &str) -> String {
        if path.is_empty() { ".".to_owned() } else { path.to_owned() }
    }

    /// The files of a commit elsewhere.
    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        Err(format!("`{remote}` is not at hand"))
    }

    /// The bytes of the file that people are told as `shown`.
    fn of_shown(&self, shown: &str) -> Option<Cow<'_, [u8]>> {
        self.bytes(shown)
    }

    /// The files at and below a folder, by their path below it.
    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String>;

    /// The archive of a chart from elsewhere.
    fn chart(&self, place: &ChartPlace) -> Result<Vec<u8>, String> {
        Err(format!("`{place}` is not at hand"))
    }

    /// The content of a file on a web server.
    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        Err(format!("`{url}` is not at hand"))
    }

    /// The addresses that were asked for and not brought, as a closed run brings nothing from elsewhere.
    fn withheld(&self) -> Vec<String> {
        Vec::new()
    }

    /// What an encrypted file holds; `None` for one that is not encrypted.
    fn decrypted(
        &self,
        path: &Arc<String>,
        bytes: &[u8],
    ) -> Result<Option<Masked<Vec<u8>>>, weft_base::diagnostic::Diagnostic> {
        let _ = (path, bytes);
        Ok(None)
    }
}

impl Files for Tree {
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        Tree::bytes(self, path).map(Cow::Borrowed)
    }

    fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.has_folder(path)
    }

    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let below = if folder.is_empty() { self.clone() } else { Tree::below(self, folder) };
        Ok(below.paths().filter_map(|path| Some((path.to_owned(), below.bytes(path)?.to_vec()))).collect())
    }
}

/// A folder with a kustomization, and how it came to be read.
#[derive(Clone)]
pub struct Root {
    /// The files that its path counts in.
    pub files: Arc<dyn Files>,
    /// The folder.
    pub folder: String,
    /// The commit that the files are of, where they were brought from elsewhere.
    pub remote: Option<Remote>,
    /// Whether files outside of the folder may be read.
    pub unrestricted: bool,
    /// The root that named this one.
    pub parent: Option<Arc<Root>>,
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.folder)
    }
}

/// A file that was read.
pub struct Loaded {
    /// Its path.
    pub file: Arc<String>,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Loaded {
    /// Its text, without a byte order mark.
    pub fn text(&self) -> Result<&str, KustomizeError> {
        let text =
            std::str::from_utf8(&self.bytes).map_err(|_| KustomizeError::NotText { path: self.file.to_string() })?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }
}

impl Root {
    /// Reads a file that the kustomization names at `origin`.
    pub fn load(&self, path: &str, origin: &Origin) -> Result<Loaded, KustomizeError> {
        if is_web(path) {
            let failed = |reason| KustomizeError::Download { url: path.to_owned(), reason, origin: origin.clone() };
            return Ok(Loaded { file: Arc::new(path.to_owned()), bytes: self.files.download(path).map_err(failed)? });
        }
        let missing = || KustomizeError::NoFile {
            path: path.to_owned(),
            folder: self.files.shown(&self.folder),
            origin: origin.clone(),
        };
        let at = self.files.resolved(&self.join(path));
        let Some(bytes) = self.files.bytes(&at) else { return Err(missing()) };
        if !self.unrestricted && !is_within(&at, &self.files.resolved(&self.folder)) {
            let folder = self.files.shown(&self.folder);
            return Err(KustomizeError::Restricted { path: path.to_owned(), folder, origin: origin.clone() });
        }
        Ok(Loaded { bytes: bytes.into_owned(), file: Arc::new(self.files.shown(&at)) })
    }

    /// A file beside the kustomization, if it is there.
    pub fn beside(&self, name: &str) -> Option<Loaded> {
        let at = self.join(name);
        let bytes = self.files.bytes(&at)?.into_owned();
        Some(Loaded { bytes, file: Arc::new(self.files.shown(&at)) })
    }

    /// The root of another folder, or of a repository elsewhere.
    pub fn enter(self: &Arc<Self>, path: &str, origin: &Origin) -> Result<Arc<Self>, KustomizeError> {
        if let Some(remote) = Remote::parse(path) {
            return self.clone_of(remote, origin);
        }
        let missing = || KustomizeError::NoFolder { path: path.to_owned(), origin: origin.clone() };
        if path.is_empty() || path.starts_with('/') {
            return Err(missing());
        }
        if path.split('/').any(|part| !matches!(part, "." | "..") && part.contains("..")) {
            return Err(KustomizeError::OddPath { path: path.to_owned(), origin: origin.clone() });
        }
        let folder = self.files.resolved(&self.join(path));
        if !self.files.is_folder(&folder) {
            return Err(missing());
        }
        self.check_cycle(&folder, origin)?;
        let unrestricted = self.unrestricted;
        Ok(Arc::new(Self {
            files: Arc::clone(&self.files),
            folder,
            remote: None,
            unrestricted,
            parent: Some(Arc::clone(self)),
        }))
    }

    fn clone_of(self: &Arc<Self>, remote: Remote, origin: &Origin) -> Result<Arc<Self>, KustomizeError> {
        let cycles = self.ancestors().filter_map(|it| it.remote.as_ref()).any(|it| it.raw.starts_with(&remote.raw));
        if cycles {
            return Err(KustomizeError::Cycle { folder: remote.raw, origin: origin.clone() });
        }
        let failed = |reason| KustomizeError::Repository { url: remote.raw.clone(), reason, origin: origin.clone() };
        let files = self.files.repository(&remote).map_err(failed)?;
        let folder = remote.path.clone();
        if !files.is_folder(&folder) {
            return Err(KustomizeError::NoFolder { path: remote.raw, origin: origin.clone() });
        }
        let parent = Some(Arc::clone(self));
        Ok(Arc::new(Self { files, folder, remote: Some(remote), unrestricted: false, parent }))
    }

    /// Refuses a folder that holds one that is being read, in the same files.
    fn check_cycle(&self, folder: &str, origin: &Origin) -> Result<(), KustomizeError> {
        let same = self.ancestors().take_while(|it| Arc::ptr_eq(&it.files, &self.files));
        if same.into_iter().any(|it| is_within(&it.folder, folder)) {
            return Err(KustomizeError::Cycle { folder: self.files.shown(folder), origin: origin.clone() });
        }
        Ok(())
    }

    fn ancestors(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |it| it.parent.as_deref())
    }

    /// The path of what a path of this folder means. As in any file system, `..` of the root is the root.
    pub fn join(&self, path: &str) -> String {
        let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { self.folder.split('/').collect() };
        for part in path.split('/') {
            match part {
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts.retain(|part| !matches!(*part, "" | "."));
        parts.join("/")
    }
}

/// Whether a path lies in a folder, or is it.
fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path is an address on the web.
pub fn is_web(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}
