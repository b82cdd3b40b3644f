//! Kustomizations, with the keys that their secrets need.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::source::{self, charts::Charts};
use weft_base::diagnostic::{Diagnostic, Failure};
use weft_base::masked::Masked;
use weft_base::tree::Tree;
use weft_base::value::Value;
use weft_sops::Identities;
use weft_stages::chart::{Making, Rendered, RenderedFile};
use weft_stages::kustomize::{self, Files, Options, Remote};
use weft_stages::project::{ChartPlace, LoadRestrictor, Lock, Release};

/// How the identities of a run are found; asked for once a file is encrypted.
pub type Find = Box<dyn Fn() -> Result<Identities, Failure> + Send + Sync>;

/// Files whose encrypted ones can be read.
pub struct Unlocked {
    files: Arc<dyn Files>,
    find: Arc<Find>,
    found: Arc<OnceLock<Result<Identities, Failure>>>,
}

impl Unlocked {
    /// These files, with the identities that `find` finds.
    pub fn new(files: Arc<dyn Files>, find: Find) -> Self {
        Self { files, find: Arc::new(find), found: Arc::default() }
    }
}

impl Files for Unlocked {
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        self.files.bytes(path)
    }

    fn is_folder(&self, path: &str) -> bool {
        self.files.is_folder(path)
    }

    fn resolved(&self, path: &str) -> String {
        self.files.resolved(path)
    }

    fn shown(&self, path: &str) -> String {
        self.files.shown(path)
    }

    fn of_shown(&self, shown: &str) -> Option<Cow<'_, [u8]>> {
        self.files.of_shown(shown)
    }

    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        self.files.below(folder)
    }

    fn chart(&self, place: &ChartPlace) -> Result<Vec<u8>, String> {
        self.files.chart(place)
    }

    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        let files = self.files.repository(remote)?;
        Ok(Arc::new(Self { files, find: Arc::clone(&self.find), found: Arc::clone(&self.found) }))
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        self.files.download(url)
    }

    fn decrypted(&self, path: &Arc<String>, bytes: &[u8]) -> Result<Option<Masked<Vec<u8>>>, Diagnostic> {
        if !weft_sops::is_encrypted(bytes) {
            return Ok(None);
        }
        match self.found.get_or_init(|| (self.find)()) {
            Ok(identities) => {
                let plain = weft_sops::plain_bytes(bytes, path, identities).map_err(|error| Diagnostic::of(&error))?;
                Ok(Some(plain))
            }
            Err(failure) => match failure.diagnostics.first() {
                Some(first) => Err(first.clone()),
                None => Ok(None),
            },
        }
    }
}

/// The files of a project, and what brings repositories from elsewhere.
pub(super) struct Shared {
    pub tree: Tree,
    pub charts: Charts,
    pub lock: Lock,
}

impl Files for Shared {
    fn bytes(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        Files::bytes(&self.tree, path)
    }

    fn is_folder(&self, path: &str) -> bool {
        Files::is_folder(&self.tree, path)
    }

    fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Files::below(&self.tree, folder)
    }

    fn chart(&self, place: &ChartPlace) -> Result<Vec<u8>, String> {
        let locked = self.lock.get(place).and_then(|it| self.tree.bytes(&it.archive()));
        locked.map(<[u8]>::to_vec).ok_or_else(|| format!("`{place}` is not locked"))
    }

    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        source::repository(&self.charts, remote)
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        self.charts.download(url).map_err(|error| error.to_string())
    }
}

/// The objects of a release's kustomization, and what is suspicious about it.
pub(super) fn render(
    files: &Arc<dyn Files>,
    folder: &str,
    release: &Release,
    making: &Making,
) -> Result<(Rendered, Vec<String>), Failure> {
    let options = Options {
        making: making.clone(),
        unrestricted: release.load_restrictor == LoadRestrictor::None,
        ..Options::default()
    };
    let build = kustomize::build(Arc::clone(files), folder, &options)?;
    let path = if folder.is_empty() { "kustomization.yaml".to_owned() } else { format!("{folder}/kustomization.yaml") };
    let path = Arc::new(path);
    let files = build.resources.into_iter().map(|it| file(&path, it)).collect();
    let (placeholders, lookups) = (build.placeholders, build.lookups);
    let release = Arc::clone(&release.name);
    Ok((Rendered { release, files, placeholders, lookups, ..Rendered::default() }, build.warnings))
}

/// An object as a file of its own, under the name of the file that it came from.
fn file(kustomization: &Arc<String>, object: Value) -> RenderedFile {
    let path = object.origin.file.as_ref().unwrap_or(kustomization);
    RenderedFile { path: Arc::clone(path), documents: vec![object], ..RenderedFile::default() }
}
