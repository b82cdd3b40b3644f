//! Kustomizations, with the keys that their secrets need.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::source::{self, charts::Charts};
use crate::trust::Trust;
use weft_base::diagnostic::{Diagnostic, Failure};
use weft_base::masked::Masked;
use weft_base::tree::Tree;
use weft_base::value::Value;
use weft_sops::Identities;
use weft_stages::chart::{RenderOptions, Rendered, RenderedFile};
use weft_stages::kustomize::{self, Files, Options, Remote};
use weft_stages::project::{ChartPlace, LoadRestrictor, Lock, Release};

/// How the identities of a run are found; asked for once a file is encrypted.
pub type IdentitySource = Box<dyn Fn() -> Result<Identities, Failure> + Send + Sync>;

/// Files whose encrypted ones can be read, as far as the run may.
pub struct OpenedFiles {
    files: Arc<dyn Files>,
    opening: Arc<Opening>,
}

/// What becomes of encrypted files.
enum Opening {
    /// They are opened with the identities that are found once they are needed.
    Keys { find: IdentitySource, found: OnceLock<Result<Identities, Failure>> },
    /// They stay closed, which this run is told.
    Closed(Trust),
}

impl OpenedFiles {
    /// These files, with the identities that `find` finds.
    pub fn new(files: Arc<dyn Files>, find: IdentitySource) -> Self {
        Self { files, opening: Arc::new(Opening::Keys { find, found: OnceLock::new() }) }
    }

    /// These files, in a closed run.
    pub fn closed(files: Arc<dyn Files>, trust: Trust) -> Self {
        Self { files, opening: Arc::new(Opening::Closed(trust)) }
    }
}

impl Opening {
    fn opened(&self, path: &Arc<String>, bytes: &[u8]) -> Result<Option<Masked<Vec<u8>>>, Diagnostic> {
        let shown = |error| Diagnostic::of(&error);
        match self {
            Self::Keys { find, found } => match found.get_or_init(find) {
                Ok(identities) => weft_sops::plain_bytes(bytes, path, identities).map(Some).map_err(shown),
                Err(failure) => failure.diagnostics.first().map_or(Ok(None), |first| Err(first.clone())),
            },
            Self::Closed(trust) => {
                trust.skip(stays_closed(path));
                weft_sops::closed_bytes(bytes, path).map(Some).map_err(shown)
            }
        }
    }
}

/// What a closed run says of an encrypted file.
pub(super) fn stays_closed(path: &str) -> String {
    format!("`{path}` stays closed: masked stand-ins are in place of its secrets.")
}

impl Files for OpenedFiles {
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
        Ok(Arc::new(Self { files, opening: Arc::clone(&self.opening) }))
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        self.files.download(url)
    }

    fn withheld(&self) -> Vec<String> {
        self.files.withheld()
    }

    fn decrypted(&self, path: &Arc<String>, bytes: &[u8]) -> Result<Option<Masked<Vec<u8>>>, Diagnostic> {
        if !weft_sops::is_encrypted(bytes) {
            return Ok(None);
        }
        self.opening.opened(path, bytes)
    }
}

/// The files of a project, and what brings repositories from elsewhere.
pub(super) struct ProjectFiles {
    pub tree: Tree,
    pub charts: Charts,
    pub lock: Lock,
    /// What a closed run did not bring.
    pub withheld: Mutex<BTreeSet<String>>,
}

impl ProjectFiles {
    /// Refuses an address in a closed run.
    fn may_bring(&self, address: &str) -> Result<(), String> {
        self.charts.check_reach().map_err(|error| {
            self.withheld.lock().unwrap_or_else(PoisonError::into_inner).insert(address.to_owned());
            error.to_string()
        })
    }
}

impl Files for ProjectFiles {
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
        let locked = self.lock.get(place);
        if let Some(bytes) = locked.and_then(|it| self.tree.bytes(&it.archive())) {
            return Ok(bytes.to_vec());
        }
        if locked.is_some() {
            self.may_bring(&place.to_string())?;
        }
        Err(format!("`{place}` is not locked"))
    }

    fn repository(&self, remote: &Remote) -> Result<Arc<dyn Files>, String> {
        self.may_bring(&remote.raw)?;
        source::repository(&self.charts, remote)
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        self.may_bring(url)?;
        self.charts.download(url).map_err(|error| error.to_string())
    }

    fn withheld(&self) -> Vec<String> {
        self.withheld.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The objects of a release's kustomization, and what is suspicious about it.
pub(super) fn render(
    files: &Arc<dyn Files>,
    folder: &str,
    release: &Release,
    making: &RenderOptions,
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
    let placeholders = build.placeholders;
    let lookups = build.lookups;
    let release = Arc::clone(&release.name);
    Ok((Rendered { release, files, placeholders, lookups, ..Rendered::default() }, build.warnings))
}

/// An object as a file of its own, under the name of the file that it came from.
fn file(kustomization: &Arc<String>, object: Value) -> RenderedFile {
    let path = object.origin.file.as_ref().unwrap_or(kustomization);
    RenderedFile { path: Arc::clone(path), documents: vec![object], ..RenderedFile::default() }
}
