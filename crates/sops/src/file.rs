//! An encrypted file that is opened for a change.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access::Readers;
use super::cipher::DataKey;
use super::decrypt::{Opened, ReusableCiphertext};
use super::encrypt::{Content, DATA, Random, Sealing, draw};
use super::identity::is_age;
use super::metadata::{self, Metadata};
use super::store::Layout;
use super::wrap::Wrapping;
use super::{Format, Identities, Rule, SecretsError, Selector, place};
use weft_base::masked::Masked;
use weft_base::value::{Path, Step, Value};

/// An encrypted file opened for a change. What is not changed keeps its ciphertext; a file in which nothing is changed
/// is written as it was.
pub struct File {
    name: Arc<String>,
    /// The bytes that were opened; none where the file is new.
    old: Option<Vec<u8>>,
    content: Content,
    metadata: Metadata,
    key: Option<DataKey>,
    kept: Vec<ReusableCiphertext>,
    layout: Layout,
    readers: Readers,
    /// Whether the content is another than in `old`.
    changed: bool,
}

impl File {
    /// Opens an encrypted file. Every value is proven to be the one that was encrypted at its key, and the code over all
    /// values is checked.
    pub fn open(bytes: &[u8], file: &Arc<String>, identities: &Identities) -> Result<Self, SecretsError> {
        Self::opened(bytes, file, &|metadata| metadata.lock.data_key(identities))
    }

    /// Opens an encrypted file with its data key, as another service gave it.
    pub fn open_with(bytes: &[u8], file: &Arc<String>, key: &Masked<Vec<u8>>) -> Result<Self, SecretsError> {
        Self::opened(bytes, file, &|_| {
            key.expose().as_slice().try_into().map(DataKey::new).map_err(|_| SecretsError::NoDataKey)
        })
    }

    fn opened(
        bytes: &[u8],
        file: &Arc<String>,
        key: &dyn Fn(&Metadata) -> Result<DataKey, SecretsError>,
    ) -> Result<Self, SecretsError> {
        if is_age(bytes) {
            return Err(SecretsError::WholeFile { file: file.to_string() });
        }
        let text = String::from_utf8_lossy(bytes);
        let mut opened = Opened::with(&text, file, key)?;
        let comments = opened.comments(&text, file)?;
        let Opened { value, metadata, key, kept, layout, raw, .. } = opened;
        Ok(Self {
            name: Arc::clone(file),
            old: Some(bytes.to_vec()),
            content: Content { format: Format::of(file), value, comments, raw },
            layout,
            readers: metadata.readers.clone(),
            metadata,
            key: Some(key),
            kept,
            changed: false,
        })
    }

    /// Takes plain bytes that are to be encrypted as a rule says.
    pub fn new(plain: &[u8], file: &Arc<String>, rule: &Rule) -> Result<Self, SecretsError> {
        let mut content = Content::read(plain, file)?;
        // Binary content is one leaf, which no selector leaves out.
        let selector = if content.format == Format::Binary { Selector::default() } else { rule.selector.clone() };
        content.mask(&selector)?;
        Ok(Self {
            name: Arc::clone(file),
            old: None,
            content,
            metadata: Metadata::new(selector, rule.mac_only_encrypted),
            key: None,
            kept: Vec::new(),
            layout: rule.layout,
            readers: rule.readers.clone(),
            changed: true,
        })
    }

    /// The format, by the ending of the file's name.
    pub fn format(&self) -> Format {
        self.content.format
    }

    /// The decrypted content, where encrypted leaves are masked: a map, or a list of them where a YAML file has several
    /// documents. Binary content is the key `data` of a map, in base64 where it is no text.
    pub fn value(&self) -> &Value {
        &self.content.value
    }

    /// The decrypted content in the file's own format, with its comments.
    /// An error where it is no text.
    pub fn plain(&self) -> Result<Masked<String>, SecretsError> {
        let text = String::from_utf8(self.bytes()?.expose().clone());
        text.map(Masked::new).map_err(|_| SecretsError::NotUtf8 { file: self.name.to_string() })
    }

    /// The decrypted content in the file's own format, text or not.
    pub fn bytes(&self) -> Result<Masked<Vec<u8>>, SecretsError> {
        self.content.write(self.layout)
    }

    /// Sets the value at a path of keys and places of lists; maps that are missing on the way are made. A place behind
    /// the end of a list adds an item. Of several documents, a path that begins with a key is one of the first. Returns
    /// whether anything is other than before.
    pub fn set(&mut self, path: &Path, value: Value) -> Result<bool, SecretsError> {
        let path = &self.inside(path);
        if self.content.format == Format::Binary && *path != Path::of_fields([DATA]) {
            return Err(SecretsError::NoPlace { path: path.clone() });
        }
        let value = if self.masks(path) { value.masked() } else { value };
        let changed = place::set(&mut self.content.value, path, value)?;
        self.note(changed);
        Ok(changed)
    }

    /// Takes the value at a path away. Returns whether there was one.
    pub fn unset(&mut self, path: &Path) -> Result<bool, SecretsError> {
        let path = &self.inside(path);
        let lines = place::lines(self.value());
        let changed = place::unset(&mut self.content.value, path);
        self.note(changed);
        self.drop_comments(&lines);
        Ok(changed)
    }

    /// Puts another content in place of all. Comments stay beside the keys that stay.
    pub fn replace(&mut self, mut value: Value) -> Result<(), SecretsError> {
        place::adopt(&mut value, &self.content.value);
        let before = self.bytes()?;
        let lines = place::lines(self.value());
        self.content.value = value;
        self.content.settle();
        self.content.mask(&self.metadata.selector)?;
        self.drop_comments(&lines);
        self.changed |= before != self.bytes()?;
        Ok(())
    }

    /// Takes comments away that stood at the end of lines that are gone.
    fn drop_comments(&mut self, before: &BTreeSet<u32>) {
        let now = place::lines(self.value());
        let gone = |line: u32| before.contains(&line) && !now.contains(&line);
        self.content.comments.retain(|comment| comment.alone || !gone(comment.mark.line));
    }

    fn note(&mut self, changed: bool) {
        self.changed |= changed;
        if changed {
            self.content.settle();
        }
    }

    /// Puts another plain text, comments included, in place of all.
    pub fn rewrite(&mut self, plain: &[u8]) -> Result<(), SecretsError> {
        if self.bytes()?.expose() != plain {
            let mut content = Content::read(plain, &self.name)?;
            content.mask(&self.metadata.selector)?;
            self.content = content;
            self.changed = true;
        }
        Ok(())
    }

    /// Who can read the file.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The same file for other readers: the data key stays, and is wrapped for those who are new.
    #[must_use]
    pub fn with_readers(mut self, readers: Readers) -> Self {
        self.readers = readers;
        self
    }

    /// The same file with a new data key, so that nothing of the old ciphertext stays.
    #[must_use]
    pub fn rekeyed(mut self) -> Self {
        self.key = None;
        self.kept.clear();
        self.changed = true;
        self
    }

    /// The encrypted file. `now` is the time (RFC 3339, in seconds, UTC); it is not written where only the readers are
    /// other than before.
    pub fn write(&self, random: &mut Random<'_>, now: &str) -> Result<Vec<u8>, SecretsError> {
        let same_readers = self.readers == self.metadata.readers;
        if let Some(old) = self.old.as_ref().filter(|_| same_readers && !self.changed) {
            return Ok(old.clone());
        }
        if self.readers.recipients().next().is_none() && self.readers.others().next().is_none() {
            return Err(SecretsError::NoRecipient { file: self.name.to_string() });
        }
        let (key, same_key) = match &self.key {
            Some(key) => (key.clone(), true),
            None => (DataKey::new(draw(random)?), false),
        };
        let section = if same_key && same_readers {
            self.metadata.written().clone()
        } else {
            let wrapping = Wrapping { key: &key, same_key, readers: &self.readers, file: &self.name };
            wrapping.section(self.metadata.written(), random)?
        };
        let selector = &self.metadata.selector;
        let only_encrypted = self.metadata.only_encrypted;
        let sealing = Sealing { key: &key, selector, only_encrypted, kept: &self.kept, layout: self.layout };
        let text = sealing.seal(&self.content, random, |code, random| {
            let section = if self.changed {
                let nonce = draw(random)?;
                let too_long = || SecretsError::TooLong { path: Path::root() };
                Metadata::stamped(section, &key, code, now, nonce).ok_or_else(too_long)?
            } else {
                section
            };
            Ok(metadata::sorted(section))
        })?;
        Ok(text.into_bytes())
    }

    /// Whether both files have the same data key.
    pub(super) fn shares_key(&self, other: &Self) -> bool {
        matches!((&self.key, &other.key), (Some(one), Some(two)) if one.bytes() == two.bytes())
    }

    /// Also keeps the ciphertext of another file with the same data key, where the same value comes to the same place.
    pub(super) fn keep_from(&mut self, other: Self) {
        if self.shares_key(&other) {
            self.kept.extend(other.kept);
        }
    }

    /// The path from the root, where one may begin in the first document.
    fn inside(&self, path: &Path) -> Path {
        let several = self.value().as_list().is_some() && matches!(path.0.first(), Some(Step::Field(_)));
        let first = several.then_some(Step::Index(0));
        Path(first.into_iter().chain(path.0.iter().cloned()).collect())
    }

    /// Whether a value at a path is one of the encrypted ones.
    fn masks(&self, path: &Path) -> bool {
        self.metadata.selector.comments().is_some() || self.metadata.selector.encrypts(path)
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("name", &self.name).field("value", self.value()).finish_non_exhaustive()
    }
}
