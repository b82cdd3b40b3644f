//! Opening encrypted files.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::cipher::{DataKey, Sealed};
use super::comments::{self, Comment};
use super::leaf::Kind;
use super::mac::Mac;
use super::metadata::{Metadata, SECTION};
use super::selector::{Selector, bound};
use super::{File, Identities, SecretsError, write};
use crate::masked::Masked;
use crate::tree::Tree;
use crate::value::{Data, Entry, Map, Origin, Path, Step, Value};
use crate::yaml::{self, Rules};

/// Decrypts a file in the layout of SOPS. Encrypted leaves come out masked, plain ones as they are, all at the place
/// where they were written; the `sops` section is gone. Every value is proven to be the one that was encrypted at its
/// key, and the code over all values is checked. Only the kind of a value (text or number) is not bound by the layout.
pub fn decrypt(text: &str, file: &Arc<String>, identities: &Identities) -> Result<Value, SecretsError> {
    Opened::new(text, file, identities).map(|opened| opened.value)
}

/// Decrypts a file of a tree, as [`decrypt`] does; `origin` is the place that names it.
pub fn decrypt_file(tree: &Tree, path: &str, origin: &Origin, identities: &Identities) -> Result<Value, SecretsError> {
    if !tree.contains(path) {
        return Err(SecretsError::Missing { path: path.to_owned(), origin: origin.clone() });
    }
    let file = Arc::new(path.to_owned());
    decrypt(tree.text(path)?, &file, identities)
}

/// The whole file decrypted, as YAML in the written order with its comments.
pub fn plain(text: &str, file: &Arc<String>, identities: &Identities) -> Result<Masked<String>, SecretsError> {
    File::open(text.as_bytes(), file, identities)?.plain()
}

/// A file that was decrypted, with what is needed to encrypt it again.
pub(super) struct Opened {
    pub value: Value,
    pub metadata: Metadata,
    pub key: DataKey,
    pub kept: Vec<Kept>,
    /// Comments that stood in lists as encrypted items, which is how the Go program writes them.
    items: Vec<Comment>,
}

/// An encrypted leaf or comment, to be used again where the same value is encrypted at the same key.
pub(super) struct Kept {
    pub bound: String,
    pub plain: Zeroizing<Vec<u8>>,
    pub sealed: Sealed,
}

impl Opened {
    pub fn new(text: &str, file: &Arc<String>, identities: &Identities) -> Result<Self, SecretsError> {
        Self::with(text, file, &|metadata| metadata.data_key(identities))
    }

    /// The file, opened with the data key that `key` finds.
    pub fn with(
        text: &str,
        file: &Arc<String>,
        key: &dyn Fn(&Metadata) -> Result<DataKey, SecretsError>,
    ) -> Result<Self, SecretsError> {
        let (root, metadata) = sections(text, file)?;
        if metadata.selector.comments().is_some() {
            refuse_deciding_comments(&metadata.selector, &comments::scan(text, &root), Some(file))?;
        }
        let key = key(&metadata)?;
        let mac = Mac::new(metadata.only_encrypted);
        let mut walk = Walk {
            key: &key,
            selector: &metadata.selector,
            mac,
            path: Path::root(),
            kept: Vec::new(),
            items: Vec::new(),
        };
        let value = walk.node(root)?.unwrap_or_default();
        let Walk { mac, kept, items, .. } = walk;
        metadata.check(&key, &mac.finish())?;
        Ok(Self { value, metadata, key, kept, items })
    }

    /// The comments of the file in plain text. Keeps the encrypted ones that it opens.
    pub fn comments(&mut self, text: &str, file: &Arc<String>) -> Result<Vec<Comment>, SecretsError> {
        let mut comments = comments::scan(text, &read(text, file)?);
        comments.extend(self.items.iter().cloned());
        comments.sort_by_key(|comment| comment.mark);
        let empty = Map::new();
        let root = self.value.as_map().unwrap_or(&empty);
        let (key, kept, items) = (&self.key, &mut self.kept, &self.items);
        let mut plain = Vec::with_capacity(comments.len());
        write::write(root, None, comments, &mut |comment, here, before| {
            if items.contains(comment) || !Sealed::is_meant(&comment.text) {
                plain.push(comment.clone());
                return Ok(String::new());
            }
            let opened = open_comment(key, &comment.text, here, before)
                .ok_or_else(|| SecretsError::Comment { origin: Origin::new(file, comment.mark) })?;
            let text = String::from_utf8_lossy(&opened.plain).into_owned();
            plain.push(Comment { text, ..comment.clone() });
            kept.push(opened);
            Ok(String::new())
        })?;
        Ok(plain)
    }
}

/// The content of an encrypted file, as it is written, and its section.
pub(super) fn sections(text: &str, file: &Arc<String>) -> Result<(Value, Metadata), SecretsError> {
    let mut root = read(text, file)?;
    let origin = root.origin.clone();
    let Some(section) = root.as_map_mut().and_then(|map| map.remove(SECTION)) else {
        return Err(SecretsError::Unencrypted { file: file.to_string(), origin });
    };
    Ok((root, Metadata::read(&section)?))
}

/// Reads a document that has to be a map.
pub(super) fn read(text: &str, file: &Arc<String>) -> Result<Value, SecretsError> {
    let root = yaml::document(text, file, Rules::Strict).map_err(|error| SecretsError::yaml(&error, file))?;
    match root.data {
        Data::Map(_) => Ok(root),
        Data::Null => Ok(Value::from(Map::new()).at(root.origin)),
        _ => Err(SecretsError::NotMap { kind: root.kind(), origin: root.origin }),
    }
}

/// Where comments decide what is encrypted, a file is handled only if none of its comments does.
pub(super) fn refuse_deciding_comments(
    selector: &Selector,
    comments: &[Comment],
    file: Option<&Arc<String>>,
) -> Result<(), SecretsError> {
    let Some(regex) = selector.comments() else { return Ok(()) };
    match comments.iter().find(|comment| regex.is_match(&comment.text)) {
        Some(comment) => {
            let origin = Origin { file: file.cloned(), mark: comment.mark };
            Err(SecretsError::CommentSelector { field: selector.field().0, origin })
        }
        None => Ok(()),
    }
}

/// Opens a comment. It is bound to the list or map that the Go program counted it to, which is one on the way to what
/// stands before or after it.
fn open_comment(key: &DataKey, text: &str, here: &Path, before: &Path) -> Option<Kept> {
    let sealed = Sealed::parse(text.trim_end()).filter(|it| it.kind == Kind::Comment)?;
    let containers = [here, before].into_iter().flat_map(|path| (0..=path.0.len()).rev().map(|n| &path.0[..n]));
    containers.map(|steps| bound(&Path(steps.to_vec()))).find_map(|bound| {
        let plain = key.open(&sealed, &bound)?;
        Some(Kept { bound, plain, sealed: sealed.clone() })
    })
}

struct Walk<'a> {
    key: &'a DataKey,
    selector: &'a Selector,
    mac: Mac,
    path: Path,
    kept: Vec<Kept>,
    items: Vec<Comment>,
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
            leaf if self.selector.encrypts(&self.path) => return self.leaf(leaf, origin),
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
        let data = kind.read(&plain).ok_or_else(|| SecretsError::WrongKind {
            path: path(),
            kind: kind.to_string(),
            origin: origin.clone(),
        })?;
        self.kept.push(Kept { bound, plain, sealed });
        if let (Kind::Comment, Data::Text(text)) = (kind, &data) {
            self.items.push(Comment { mark: origin.mark, alone: true, text: text.clone() });
            return Ok(None);
        }
        self.mac.add(&data, true);
        Ok(Some(Value { data: Data::Masked(Masked::new(data)), origin }))
    }
}
