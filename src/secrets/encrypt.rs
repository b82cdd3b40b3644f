//! Encrypting files, and changing encrypted ones.

use std::error::Error;
use std::sync::Arc;

use super::cipher::DataKey;
use super::comments::{self, Comment};
use super::decrypt::{Kept, read, refuse_deciding_comments};
use super::leaf::{self, Kind};
use super::mac::Mac;
use super::metadata::SECTION;
use super::selector::{Selector, bound};
use super::{File, Identities, Rule, SecretsError, write};
use crate::masked::Masked;
use crate::value::{Data, Entry, Map, Origin, Path, Step, Value};

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
    let encrypted = File::new(text.as_bytes(), file, rule)?.write(random, now)?;
    Ok(String::from_utf8_lossy(&encrypted).into_owned())
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
    let mut opened = File::open(old.as_bytes(), file, identities)?;
    opened.rewrite(new.as_bytes())?;
    let encrypted = opened.write(random, now)?;
    Ok(String::from_utf8_lossy(&encrypted).into_owned())
}

/// What is encrypted together, in plain form.
#[derive(Clone)]
pub(super) struct Content {
    pub value: Value,
    pub comments: Vec<Comment>,
}

impl Content {
    /// Reads a plain text.
    pub fn read(text: &str, file: &Arc<String>) -> Result<Self, SecretsError> {
        let value = read(text, file)?;
        if let Some(section) = value.as_map().and_then(|map| map.entry(SECTION)) {
            let origin = Origin::new(file, section.mark);
            return Err(SecretsError::Encrypted { file: file.to_string(), origin });
        }
        let comments = comments::scan(text, &value);
        Ok(Self { value, comments })
    }

    fn root(&self) -> Map {
        self.value.as_map().cloned().unwrap_or_default()
    }

    /// The plain text.
    pub fn write(&self) -> Result<Masked<String>, SecretsError> {
        let root = self.root();
        write::write(&root, None, self.comments.clone(), &mut |comment, _, _| Ok(comment.text.clone())).map(Masked::new)
    }
}

/// Encrypts leaves and comments of one file, and counts the code over them.
pub(super) struct Sealing<'a> {
    pub key: &'a DataKey,
    pub selector: &'a Selector,
    pub only_encrypted: bool,
    /// What the same values were encrypted to before.
    pub kept: &'a [Kept],
}

impl Sealing<'_> {
    /// The encrypted text; `section` makes the `sops` section of the code over all values.
    pub fn seal(
        &self,
        content: &Content,
        random: &mut Random<'_>,
        section: impl FnOnce(&str, &mut Random<'_>) -> Result<Map, SecretsError>,
    ) -> Result<String, SecretsError> {
        let file = content.value.origin.file.as_ref();
        refuse_deciding_comments(self.selector, &content.comments, file)?;
        let mac = Mac::new(self.only_encrypted);
        let kept = self.kept.iter().collect();
        let mut sealer =
            Sealer { key: self.key, selector: self.selector, mac, kept, random: &mut *random, path: Path::root() };
        let tree = sealer.node(content.root().into())?;
        let code = std::mem::replace(&mut sealer.mac, Mac::new(false)).finish();
        let section = section(&code, sealer.random)?;
        let root = tree.as_map().cloned().unwrap_or_default();
        let comments = content.comments.clone();
        write::write(&root, Some(section), comments, &mut |comment, here, _| sealer.comment(comment, here))
    }
}

/// Thirty-two random bytes.
pub(super) fn draw(random: &mut Random<'_>) -> Result<[u8; 32], SecretsError> {
    let mut bytes = [0; 32];
    random(&mut bytes).map_err(SecretsError::Random)?;
    Ok(bytes)
}

struct Sealer<'a, 'r> {
    key: &'a DataKey,
    selector: &'a Selector,
    mac: Mac,
    kept: Vec<&'a Kept>,
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
        let same =
            |kept: &&Kept| kept.bound == bound && kept.plain.as_slice() == plain && stays(kept.sealed.kind, kind);
        if let Some(at) = self.kept.iter().position(same) {
            return Ok(self.kept.remove(at).sealed.to_string());
        }
        let nonce = draw(self.random)?;
        let sealed = self.key.seal(plain, kind, &bound, nonce);
        sealed.map(|it| it.to_string()).ok_or_else(|| SecretsError::TooLong { path: path.clone() })
    }
}

/// Whether a leaf of the kind `old` is still the same where it is now read as `new`: times and bytes are texts here.
fn stays(old: Kind, new: Kind) -> bool {
    old == new || (matches!(old, Kind::Time | Kind::Bytes) && new == Kind::Str)
}
