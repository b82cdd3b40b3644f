//! Encrypting files, and changing encrypted ones.

use std::error::Error;
use std::sync::Arc;

use super::cipher::DataKey;
use super::comments::{self, Comment};
use super::decrypt::{Kept, Opened, read, refuse_deciding_comments};
use super::leaf::{self, Kind};
use super::mac::Mac;
use super::metadata::{Metadata, SECTION};
use super::selector::{Selector, bound};
use super::{Identities, Rule, SecretsError, write};
use crate::value::{Data, Entry, Origin, Path, Step, Value};

/// A source of random bytes: it fills the whole slice.
pub type Random<'a> = dyn FnMut(&mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Encrypts a plain YAML file as a rule says. Keys stay readable and keep their order, comments are kept and encrypted
/// too, blank lines and anchors are not kept. `now` is the time (RFC 3339, in seconds, UTC).
pub fn encrypt(
    text: &str,
    file: &Arc<String>,
    rule: &Rule,
    random: &mut Random<'_>,
    now: &str,
) -> Result<String, SecretsError> {
    let root = read_plain(text, file)?;
    if rule.recipients.is_empty() {
        return Err(SecretsError::NoRecipient { file: file.to_string() });
    }
    let mut bytes = [0; 32];
    random(&mut bytes).map_err(SecretsError::Random)?;
    let key = DataKey::new(bytes);
    let metadata = Metadata::new(&key, &rule.recipients, rule.selector.clone(), rule.mac_only_encrypted)?;
    seal(text, file, root, &metadata, &key, Vec::new(), random, now)
}

/// Encrypts the new plain text of an encrypted file to the same readers. Values and comments that are unchanged at
/// their key keep their ciphertext; if nothing changed, the text is the old one.
pub fn edit(
    old: &str,
    new: &str,
    file: &Arc<String>,
    identities: &Identities,
    random: &mut Random<'_>,
    now: &str,
) -> Result<String, SecretsError> {
    let mut opened = Opened::new(old, file, identities)?;
    if opened.plain(old, file)?.expose() == new {
        return Ok(old.to_owned());
    }
    let root = read_plain(new, file)?;
    seal(new, file, root, &opened.metadata, &opened.key, opened.kept, random, now)
}

fn read_plain(text: &str, file: &Arc<String>) -> Result<Value, SecretsError> {
    let root = read(text, file)?;
    match root.as_map().and_then(|map| map.entry(SECTION)) {
        Some(section) => {
            Err(SecretsError::Encrypted { file: file.to_string(), origin: Origin::new(file, section.mark) })
        }
        None => Ok(root),
    }
}

#[allow(clippy::too_many_arguments, reason = "the two verbs share all but these")]
fn seal(
    text: &str,
    file: &Arc<String>,
    root: Value,
    metadata: &Metadata,
    key: &DataKey,
    kept: Vec<Kept>,
    random: &mut Random<'_>,
    now: &str,
) -> Result<String, SecretsError> {
    let selector = &metadata.selector;
    refuse_deciding_comments(selector, text, &root, file)?;
    let comments = comments::scan(text, &root);
    let mac = Mac::new(metadata.only_encrypted);
    let mut sealer = Sealer { key, selector, mac, kept, random, path: Path::root() };
    let tree = sealer.node(root)?;
    let code = std::mem::replace(&mut sealer.mac, Mac::new(false)).finish();
    let nonce = sealer.nonce()?;
    let section = metadata.write(key, &code, now, nonce);
    let root = tree.as_map().cloned().unwrap_or_default();
    write::write(&root, section, comments, &mut |comment, here, _| sealer.comment(comment, here))
}

struct Sealer<'a, 'r> {
    key: &'a DataKey,
    selector: &'a Selector,
    mac: Mac,
    kept: Vec<Kept>,
    random: &'a mut Random<'r>,
    path: Path,
}

impl Sealer<'_, '_> {
    fn node(&mut self, value: Value) -> Result<Value, SecretsError> {
        let Value { data, origin } = value;
        let data = match data {
            Data::Map(map) => {
                let entries = map.into_iter().map(|Entry { key, mark, value }| {
                    let value = self.below(Step::Field(key.clone()), value)?;
                    Ok(Entry { key, mark, value })
                });
                Data::Map(entries.collect::<Result<_, SecretsError>>()?)
            }
            Data::List(items) => {
                let items = items.into_iter().enumerate().map(|(at, item)| self.below(Step::Index(at), item));
                Data::List(items.collect::<Result<_, _>>()?)
            }
            Data::Uint(_) => return Err(SecretsError::TooLarge { path: self.path.clone(), origin }),
            leaf => self.leaf(leaf)?,
        };
        Ok(Value { data, origin })
    }

    fn below(&mut self, step: Step, value: Value) -> Result<Value, SecretsError> {
        self.path.0.push(step);
        let sealed = self.node(value);
        self.path.0.pop();
        sealed
    }

    fn leaf(&mut self, leaf: Data) -> Result<Data, SecretsError> {
        let encrypted = self.selector.encrypts(&self.path);
        self.mac.add(&leaf, encrypted);
        match leaf::plain(&leaf) {
            Some((kind, plain)) if encrypted && !plain.is_empty() => {
                let path = self.path.clone();
                self.text(plain.as_bytes(), kind, &path).map(Data::Text)
            }
            _ => Ok(leaf),
        }
    }

    /// The text to write after the `#` of a comment.
    fn comment(&mut self, comment: &Comment, container: &Path) -> Result<String, SecretsError> {
        if comment.text.is_empty() || !self.selector.encrypts(container) {
            return Ok(comment.text.clone());
        }
        self.text(comment.text.as_bytes(), Kind::Comment, container)
    }

    /// Encrypts, or takes what the same value at the same key was encrypted to before; each of those once.
    fn text(&mut self, plain: &[u8], kind: Kind, path: &Path) -> Result<String, SecretsError> {
        let bound = bound(path);
        let same = |kept: &Kept| kept.bound == bound && kept.plain.as_slice() == plain && stays(kept.sealed.kind, kind);
        if let Some(at) = self.kept.iter().position(same) {
            return Ok(self.kept.remove(at).sealed.to_string());
        }
        let nonce = self.nonce()?;
        let sealed = self.key.seal(plain, kind, &bound, nonce);
        sealed.map(|it| it.to_string()).ok_or_else(|| SecretsError::TooLong { path: path.clone() })
    }

    fn nonce(&mut self) -> Result<[u8; 32], SecretsError> {
        let mut bytes = [0; 32];
        (self.random)(&mut bytes).map_err(SecretsError::Random)?;
        Ok(bytes)
    }
}

/// Whether a leaf of the kind `old` is still the same where it is now read as `new`: times and bytes are texts here.
fn stays(old: Kind, new: Kind) -> bool {
    old == new || (matches!(old, Kind::Time | Kind::Bytes) && new == Kind::Str)
}
