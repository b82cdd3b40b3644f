//! Changes of several files: prepared together, and written only if all of them can be.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::error::SecretsVerbError;
use super::subject::{KeyArgs, Subject};
use super::{now, random};
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::diagnostic::{Failure, counted};
use crate::secrets::{File, Identities};

/// What is to be written.
pub(super) struct Batch {
    changes: Vec<Change>,
    /// How many files there are, those that stay as they are among them.
    files: usize,
}

struct Change {
    path: PathBuf,
    name: String,
    bytes: Vec<u8>,
    what: String,
}

/// A file with its changes and what they are in words; `None` where it stays as it is.
type Changed = Option<(File, String)>;

/// Opens the bytes of a file.
type Open = dyn Fn(&Subject, &[u8], &Identities) -> Result<File, Failure> + Sync;

impl Batch {
    /// Opens each file with the keys that are for it, and changes it. All files that fail are told of at once.
    pub(super) fn new(
        paths: &[PathBuf],
        keys: &KeyArgs,
        change: &(dyn Fn(&Subject, File) -> Result<Changed, Failure> + Sync),
    ) -> Result<Self, Failure> {
        Self::with(paths, keys, &|subject, bytes, identities| Ok(File::open(bytes, &subject.name, identities)?), change)
    }

    /// The same, for files that are opened in another way.
    pub(super) fn with(
        paths: &[PathBuf],
        keys: &KeyArgs,
        open: &Open,
        change: &(dyn Fn(&Subject, File) -> Result<Changed, Failure> + Sync),
    ) -> Result<Self, Failure> {
        let subjects: Vec<Subject> = paths.iter().map(|path| Subject::at(path, keys)).collect();
        // A program that prints keys, or asks for a passphrase, runs once and not once a file.
        let mut known: BTreeMap<Option<&str>, Identities> = BTreeMap::new();
        for subject in &subjects {
            if let Entry::Vacant(entry) = known.entry(subject.environment()) {
                entry.insert(subject.identities(keys)?);
            }
        }
        let none = Identities::default();
        let now = now();
        let prepare = |subject: &Subject| -> Result<Option<Change>, Failure> {
            let bytes = files::bytes(&subject.path)?;
            let file = open(subject, &bytes, known.get(&subject.environment()).unwrap_or(&none))?;
            let Some((file, what)) = change(subject, file)? else { return Ok(None) };
            let bytes = file.write(&mut random, &now)?;
            Ok(Some(Change { path: subject.path.clone(), name: subject.name.to_string(), bytes, what }))
        };
        let changes = Failure::collect(subjects.par_iter().map(prepare).collect::<Vec<_>>())?;
        Ok(Self { changes: changes.into_iter().flatten().collect(), files: subjects.len() })
    }

    /// Whether no file changes.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Writes the files, or only says what would be written; one line a file, and one about all.
    pub(super) fn finish(&self, dry_run: bool, terminal: &Terminal) -> Result<(), Failure> {
        for (done, change) in self.changes.iter().enumerate() {
            if !dry_run {
                files::replace(&change.path, &change.bytes).map_err(|source| SecretsVerbError::Half {
                    done,
                    left: self.changes.len() - done,
                    source,
                })?;
            }
            terminal.say(&format!("{}: {}", change.name, change.what));
        }
        let all = counted(self.files, "file");
        let changed = self.changes.len();
        let written = if dry_run { "would be written" } else { "written" };
        let same = match self.files - changed {
            0 => String::new(),
            same => format!(", {same} as before"),
        };
        terminal.say(&format!("{all}: {changed} {written}{same}"));
        Ok(())
    }
}
