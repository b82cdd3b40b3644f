//! Opening encrypted files.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::cipher::{DataKey, Sealed};
use super::decide::Decisions;
use super::identity::is_age;
use super::leaf::Kind;
use super::mac::Mac;
use super::metadata::Metadata;
use super::selector::bound;
use super::store::{self, Comment, Layout};
use super::{File, Format, Identities, SecretsError, whole};
use weft_base::masked::Masked;
use weft_base::tree::Tree;
use weft_base::value::{Data, Entry, Origin, Path, Step, Value};

/// Decrypts a file in the layout of SOPS, in the format that its name says. Encrypted leaves come out masked, plain ones
/// as they are, all at the place where they were written; the `sops` section is gone. Every value is proven to be the
/// one that was encrypted at its key, and the code over all values is checked. Only the kind of a value (text or number)
/// is not bound by the layout.
pub fn decrypt(text: &str, file: &Arc<String>, identities: &Identities) -> Result<Value, SecretsError> {
    one_document(Opened::new(text, file, identities)?.value)
}

/// Decrypts a file of a tree, as [`decrypt`] does; one that age encrypted as a whole has all its leaves masked. `origin`
/// is the place that names it.
pub fn decrypt_file(tree: &Tree, path: &str, origin: &Origin, identities: &Identities) -> Result<Value, SecretsError> {
    let Some(bytes) = tree.bytes(path) else {
        return Err(SecretsError::Missing { path: path.to_owned(), origin: origin.clone() });
    };
    let file = Arc::new(path.to_owned());
    if is_age(bytes) {
        return one_document(whole::values(bytes, &file, identities)?);
    }
    decrypt(tree.text(path)?, &file, identities)
}

/// The whole file decrypted, in its own format, in the written order with its comments.
pub fn plain(text: &str, file: &Arc<String>, identities: &Identities) -> Result<Masked<String>, SecretsError> {
    File::open(text.as_bytes(), file, identities)?.plain()
}

/// The whole file decrypted, whatever it holds; also one that age encrypted as a whole.
pub fn plain_bytes(bytes: &[u8], file: &Arc<String>, identities: &Identities) -> Result<Masked<Vec<u8>>, SecretsError> {
    if is_age(bytes) {
        return whole::open(bytes, file, identities);
    }
    File::open(bytes, file, identities)?.bytes()
}

/// Refuses several documents, where values have to be one map.
fn one_document(value: Value) -> Result<Value, SecretsError> {
    match value.as_list() {
        Some(documents) => Err(SecretsError::Documents { count: documents.len(), origin: value.origin.clone() }),
        None => Ok(value),
    }
}

/// A file that was decrypted, with what is needed to encrypt it again.
pub(super) struct Opened {
    pub value: Value,
    pub metadata: Metadata,
    pub key: DataKey,
    pub kept: Vec<ReusableCiphertext>,
    pub layout: Layout,
    /// The content of a binary file.
    pub raw: Option<Masked<Vec<u8>>>,
    /// Comments that stood in lists as encrypted items, which is how the Go program writes them.
    items: Vec<Comment>,
}

/// An encrypted leaf or comment, to be used again where the same value is encrypted at the same key.
pub(super) struct ReusableCiphertext {
    pub bound: String,
    pub plain: Zeroizing<Vec<u8>>,
    pub sealed: Sealed,
}

impl Opened {
    pub fn new(text: &str, file: &Arc<String>, identities: &Identities) -> Result<Self, SecretsError> {
        Self::with(text, file, &|metadata| metadata.lock.data_key(identities))
    }

    /// The file, opened with the data key that `key` finds.
    pub fn with(
        text: &str,
        file: &Arc<String>,
        key: &dyn Fn(&Metadata) -> Result<DataKey, SecretsError>,
    ) -> Result<Self, SecretsError> {
        let format = store::supported(file)?;
        let (root, metadata) = sections(text, file)?;
        let key = key(&metadata)?;
        let deciding = metadata.selector.comments().is_some();
        let comments =
            if deciding { store::comments(text, &store::read(text, file, format)?, format) } else { Vec::new() };
        let mut walk = Walk {
            key: &key,
            decisions: Decisions::new(&metadata.selector, &root, &comments)?,
            binary: format == Format::Binary,
            mac: Mac::new(metadata.only_encrypted),
            path: Path::root(),
            kept: Vec::new(),
            items: Vec::new(),
            raw: None,
        };
        let value = walk.node(root)?.unwrap_or_default();
        let Walk { mac, kept, items, raw, .. } = walk;
        metadata.check(&key, &mac.finish())?;
        let layout = store::layout(text, &metadata.written().clone().into(), format);
        Ok(Self { value, metadata, key, kept, layout, raw, items })
    }

    /// The comments of the file in plain text. Keeps the encrypted ones that it opens.
    pub fn comments(&mut self, text: &str, file: &Arc<String>) -> Result<Vec<Comment>, SecretsError> {
        let format = Format::of(file);
        let mut comments = store::comments(text, &store::read(text, file, format)?, format);
        comments.extend(self.items.iter().cloned());
        comments.sort_by_key(|comment| comment.mark);
        let key = &self.key;
        let kept = &mut self.kept;
        let items = &self.items;
        let mut plain = Vec::with_capacity(comments.len());
        store::each_comment(&self.value, &comments, &mut |comment, around| {
            if items.contains(comment) || !Sealed::is_meant(&comment.text) {
                plain.push(comment.clone());
                return Ok(());
            }
            let opened = open_comment(key, &comment.text, around.container, around.before)
                .ok_or_else(|| SecretsError::Comment { origin: Origin::new(file, comment.mark) })?;
            let text = String::from_utf8_lossy(&opened.plain).into_owned();
            plain.push(Comment { text, ..comment.clone() });
            kept.push(opened);
            Ok(())
        })?;
        Ok(plain)
    }
}

/// The content of an encrypted file, as it is written, and its section.
pub(super) fn sections(text: &str, file: &Arc<String>) -> Result<(Value, Metadata), SecretsError> {
    let format = store::supported(file)?;
    let mut root = store::read(text, file, format)?;
    let Some(section) = store::take_section(&mut root, format)? else {
        return Err(SecretsError::Unencrypted { file: file.to_string(), origin: root.origin });
    };
    Ok((root, Metadata::read(&section)?))
}

/// Opens a comment. It is bound to the list or map that the Go program counted it to, which is one on the way to what
/// stands before or after it.
fn open_comment(key: &DataKey, text: &str, here: &Path, before: &Path) -> Option<ReusableCiphertext> {
    let sealed = Sealed::parse(text.trim_end()).filter(|it| it.kind == Kind::Comment)?;
    let containers = [here, before].into_iter().flat_map(|path| (0..=path.0.len()).rev().map(|n| &path.0[..n]));
    containers.map(|steps| bound(&Path(steps.to_vec()))).find_map(|bound| {
        let plain = key.open(&sealed, &bound)?;
        Some(ReusableCiphertext { bound, plain, sealed: sealed.clone() })
    })
}

struct Walk<'a> {
    key: &'a DataKey,
    decisions: Decisions<'a>,
    binary: bool,
    mac: Mac,
    path: Path,
    kept: Vec<ReusableCiphertext>,
    items: Vec<Comment>,
    raw: Option<Masked<Vec<u8>>>,
}

impl Walk<'_> {
    /// Opens a node and all below it; `None` for a comment that stands as an item of a list.
    fn node(&mut self, value: Value) -> Result<Option<Value>, SecretsError> {
        let Value { data, origin } = value;
        let data = match data {
            Data::Map(map) => {
                let entries = map.into_iter().map(|entry| self.entry(entry));
                Data::Map(entries.filter_map(Result::transpose).collect::<Result<_, _>>()?)
            }
            Data::List(items) => {
                let items = items.into_iter().enumerate().map(|(at, item)| self.below(Step::Index(at), item));
                Data::List(items.filter_map(Result::transpose).collect::<Result<_, _>>()?)
            }
            Data::Null => Data::Null,
            leaf if self.decisions.leaf(&self.path) => return self.leaf(leaf, origin),
            leaf => {
                self.mac.add(&leaf, false);
                leaf
            }
        };
        Ok(Some(Value { data, origin }))
    }

    fn entry(&mut self, entry: Entry) -> Result<Option<Entry>, SecretsError> {
        let Entry { key, mark, value } = entry;
        let opened = self.below(Step::Field(key.clone()), value)?;
        Ok(opened.map(|value| Entry { key, mark, value }))
    }

    fn below(&mut self, step: Step, value: Value) -> Result<Option<Value>, SecretsError> {
        self.path.0.push(step);
        let opened = self.node(value);
        self.path.0.pop();
        opened
    }

    /// Opens an encrypted leaf. Empty texts are never encrypted.
    fn leaf(&mut self, leaf: Data, origin: Origin) -> Result<Option<Value>, SecretsError> {
        let sealed = match &leaf {
            Data::Text(text) if text.is_empty() => return Ok(Some(Value { data: leaf, origin })),
            Data::Text(text) => Sealed::parse(text),
            _ => None,
        };
        let path = || self.path.clone();
        let sealed = sealed.ok_or_else(|| SecretsError::PlainLeaf { path: path(), origin: origin.clone() })?;
        let bound = bound(&self.path);
        let plain = self
            .key
            .open(&sealed, &bound)
            .ok_or_else(|| SecretsError::Tampered { path: path(), origin: origin.clone() })?;
        let kind = sealed.kind;
        if self.binary {
            self.mac.add_bytes(&plain);
            self.raw = Some(Masked::new(plain.to_vec()));
            let data = Data::Text(text_of(&plain));
            self.kept.push(ReusableCiphertext { bound, plain, sealed });
            return Ok(Some(Value { data: Data::Masked(Masked::new(data)), origin }));
        }
        let data = kind.read(&plain).ok_or_else(|| SecretsError::WrongKind {
            path: path(),
            kind: kind.to_string(),
            origin: origin.clone(),
        })?;
        self.kept.push(ReusableCiphertext { bound, plain, sealed });
        if let (Kind::Comment, Data::Text(text)) = (kind, &data) {
            self.items.push(Comment { mark: origin.mark, alone: true, text: text.clone() });
            return Ok(None);
        }
        self.mac.add(&data, true);
        Ok(Some(Value { data: Data::Masked(Masked::new(data)), origin }))
    }
}

/// Binary content as a leaf: its text, or base64 where it is none.
pub(super) fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned)
}
