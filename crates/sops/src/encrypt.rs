//! Encrypting files, and changing encrypted ones.

use std::error::Error;
use std::sync::Arc;

use super::cipher::DataKey;
use super::decide::Decisions;
use super::decrypt::{ReusableCiphertext, text_of};
use super::leaf::{self, Kind};
use super::mac::Mac;
use super::selector::{Selector, bound};
use super::store::{self, Around, Comment, Layout};
use super::{File, Format, Identities, Rule, SecretsError};
use weft_base::masked::Masked;
use weft_base::value::{Data, Entry, Map, Mark, Origin, Path, Step, Value};

/// A source of random bytes: it fills the whole slice.
pub type Random<'a> = dyn FnMut(&mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Encrypts a plain file as a rule says, in the format of its name. Keys stay readable and keep their order, comments are
/// kept and encrypted too, blank lines and anchors are not kept. `now` is the time (RFC 3339, in seconds, UTC).
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
pub(super) struct Content {
    pub format: Format,
    pub value: Value,
    pub comments: Vec<Comment>,
    /// The content of a binary file, which is the one leaf of `value`.
    pub raw: Option<Masked<Vec<u8>>>,
}

/// The key that binary content has.
pub(super) const DATA: &str = "data";

impl Content {
    /// Reads a plain file.
    pub fn read(plain: &[u8], file: &Arc<String>) -> Result<Self, SecretsError> {
        let format = store::supported(file)?;
        if format == Format::Binary {
            return Ok(Self::binary(plain, file));
        }
        let text = std::str::from_utf8(plain).map_err(|_| SecretsError::NotUtf8 { file: file.to_string() })?;
        let value = store::read(text, file, format)?;
        if let Some(mark) = store::section_of(&value, format) {
            return Err(SecretsError::Encrypted { file: file.to_string(), origin: Origin::new(file, mark) });
        }
        let comments = store::comments(text, &value, format);
        Ok(Self { format, value, comments, raw: None })
    }

    fn binary(plain: &[u8], file: &Arc<String>) -> Self {
        let origin = Origin::new(file, Mark::default());
        let leaf = Value::from(text_of(plain)).masked().at(origin.clone());
        let value = Value::from(Map::from_iter([(DATA, leaf)])).at(origin);
        Self { format: Format::Binary, value, comments: Vec::new(), raw: Some(Masked::new(plain.to_vec())) }
    }

    /// Masks the leaves that are encrypted.
    pub fn mask(&mut self, selector: &Selector) -> Result<(), SecretsError> {
        let decisions = Decisions::new(selector, &self.value, &self.comments)?;
        decisions.mask(&mut self.value, &mut Path::root());
        Ok(())
    }

    /// The plain file.
    pub fn write(&self, layout: Layout) -> Result<Masked<Vec<u8>>, SecretsError> {
        if self.format == Format::Binary {
            return Ok(self.raw.clone().unwrap_or_default());
        }
        let comments = self.comments.clone();
        let text =
            store::write(self.format, layout, &self.value, None, comments, &mut |comment, _| Ok(comment.text.clone()))?;
        Ok(Masked::new(text.into_bytes()))
    }

    /// Takes the content of a binary file from its leaf, after that was changed.
    pub fn settle(&mut self) {
        if self.format == Format::Binary {
            let leaf = self.value.get(DATA).and_then(|leaf| leaf::plain(&leaf.data));
            let text = leaf.map(|(_, text)| text).unwrap_or_default();
            if self.raw.as_ref().is_none_or(|raw| text_of(raw.expose()) != *text) {
                self.raw = Some(Masked::new(text.as_bytes().to_vec()));
            }
        }
    }
}

/// Encrypts leaves and comments of one file, and counts the code over them.
pub(super) struct Sealing<'a> {
    pub key: &'a DataKey,
    pub selector: &'a Selector,
    pub only_encrypted: bool,
    /// What the same values were encrypted to before.
    pub kept: &'a [ReusableCiphertext],
    pub layout: Layout,
}

impl Sealing<'_> {
    /// The encrypted text; `section` makes the `sops` section of the code over all values.
    pub fn seal(
        &self,
        content: &Content,
        random: &mut Random<'_>,
        section: impl FnOnce(&str, &mut Random<'_>) -> Result<Map, SecretsError>,
    ) -> Result<String, SecretsError> {
        let mut sealer = Sealer {
            key: self.key,
            decisions: Decisions::new(self.selector, &content.value, &content.comments)?,
            mac: Mac::new(self.only_encrypted),
            kept: self.kept.iter().collect(),
            raw: content.raw.as_ref(),
            random: &mut *random,
            path: Path::root(),
        };
        let tree = sealer.node(content.value.clone())?;
        let code = std::mem::replace(&mut sealer.mac, Mac::new(false)).finish();
        let section = section(&code, sealer.random)?;
        let comments = content.comments.clone();
        store::write(content.format, self.layout, &tree, Some(section), comments, &mut |comment, around| {
            sealer.comment(comment, around)
        })
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
    decisions: Decisions<'a>,
    mac: Mac,
    kept: Vec<&'a ReusableCiphertext>,
    raw: Option<&'a Masked<Vec<u8>>>,
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
            Data::Masked(it) if matches!(it.expose(), Data::Uint(_)) => {
                return Err(SecretsError::TooLarge { path: self.path.clone(), origin });
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
        let encrypted = self.decisions.leaf(&self.path);
        if let Some(raw) = self.raw {
            self.mac.add_bytes(raw.expose());
            if raw.expose().is_empty() {
                return Ok(Data::Text(String::new()));
            }
            let path = self.path.clone();
            return self.text(raw.expose(), Kind::Str, &path).map(Data::Text);
        }
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
    fn comment(&mut self, comment: &Comment, around: &Around<'_>) -> Result<String, SecretsError> {
        if comment.text.is_empty() || !self.decisions.comment(comment, around) {
            return Ok(comment.text.clone());
        }
        self.text(comment.text.as_bytes(), Kind::Comment, around.container)
    }

    /// Encrypts, or takes what the same value at the same key was encrypted to before; each of those once.
    fn text(&mut self, plain: &[u8], kind: Kind, path: &Path) -> Result<String, SecretsError> {
        let bound = bound(path);
        let same = |kept: &&ReusableCiphertext| {
            kept.bound == bound && kept.plain.as_slice() == plain && stays(kept.sealed.kind, kind)
        };
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
