//! Private keys of age: what there is to decrypt with, each with where it came from.
//!
//! Native keys and SSH keys open a file by themselves. Keys behind a passphrase and keys of plugins come after them, so
//! that nobody is asked for something that is not needed.

mod envelope;
mod keygen;
mod locked;
mod plugin;
mod recipient;
mod refused;

use std::fmt;
use std::sync::{Arc, Mutex};

use age::ssh;

pub use self::envelope::AgeError;
pub(crate) use self::envelope::is_age;
pub use self::keygen::{THROWAWAY, is_throwaway, keygen, locked};
use self::locked::Locked;
use self::plugin::Plugin;
pub use self::recipient::Recipient;
pub use self::refused::NoKey;
use super::SecretsError;
use weft_base::masked::Masked;
use weft_base::value::{Mark, Origin};

/// Whoever runs the program, and can be asked for what a key needs.
pub trait Asks: Send + Sync {
    /// The passphrase of `what`, or why there is none. `attempt` counts from 0; the one before was wrong.
    fn passphrase(&self, what: &str, attempt: usize) -> Result<Masked<String>, String>;

    /// Passes on what a plugin says.
    fn say(&self, _message: &str) {}

    /// The answer to a plugin's question that has two answers; `None` where nobody can be asked.
    fn confirm(&self, _question: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    /// The answer to a plugin's question, which is no secret; `None` where nobody can be asked.
    fn answer(&self, _question: &str) -> Option<String> {
        None
    }
}

/// Nobody is there to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Asks for Nobody {
    fn passphrase(&self, _: &str, _: usize) -> Result<Masked<String>, String> {
        Err("nobody can be asked for its passphrase".to_owned())
    }
}

/// Private age keys, each with where it came from. Printing them shows public keys only.
#[derive(Clone)]
pub struct Identities {
    keys: Vec<Identity>,
    looked: Vec<String>,
    asks: Arc<dyn Asks>,
    /// Passphrases of files that were given and fit, to be tried before anybody is asked again.
    passphrases: Arc<Mutex<Vec<Masked<String>>>>,
}

#[derive(Clone)]
struct Identity {
    key: Arc<dyn age::Identity + Send + Sync>,
    /// Whether it needs a passphrase or a program.
    asks: bool,
    public: Option<Recipient>,
    /// What it is, where no public half is known.
    kind: String,
    from: String,
}

impl Default for Identities {
    fn default() -> Self {
        Self::asking(Arc::new(Nobody))
    }
}

impl Identities {
    /// None yet; `asks` is asked for the passphrases of files that have one.
    pub fn asking(asks: Arc<dyn Asks>) -> Self {
        Self { keys: Vec::new(), looked: Vec::new(), asks, passphrases: Arc::default() }
    }

    /// The keys of a key file's text, where nobody can be asked for a passphrase; else as [`Identities::read`].
    pub fn parse(text: &str, from: &str) -> Result<Self, SecretsError> {
        Self::read(text.as_bytes(), from, &(Arc::new(Nobody) as Arc<dyn Asks>))
    }

    /// The keys of a key file: lines of native keys and keys of plugins with comments and empty lines, one SSH key, or
    /// such lines encrypted by age with a passphrase, which is asked for once it is needed. `from` says where it came
    /// from: the path of the file, or the name of a variable. An error names the line, and never shows it.
    pub fn read(file: &[u8], from: &str, asks: &Arc<dyn Asks>) -> Result<Self, SecretsError> {
        let origin = |line| Origin::new(&Arc::new(from.to_owned()), Mark { line, column: 1 });
        let refused = |line, what| SecretsError::Identity { what, origin: origin(line) };
        let mut found = Self::asking(asks.clone());
        if envelope::is_age(file) {
            found.keys.push(Identity::encrypted(file, from, asks));
            return Ok(found);
        }
        let text = std::str::from_utf8(file).map_err(|_| refused(1, NoKey::Other))?;
        if text.trim_start().starts_with("-----BEGIN ") {
            found.keys.push(Identity::ssh(text, from, asks).map_err(|what| refused(1, what))?);
            return Ok(found);
        }
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let key = |(number, line): (u32, &str)| Identity::line(line, from, asks).map_err(|what| refused(number, what));
        found.keys = lines.map(key).collect::<Result<_, SecretsError>>()?;
        Ok(found)
    }

    /// Adds the keys of another set.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.looked.extend(other.looked);
    }

    /// Notes a place where keys are looked for, in words; the error about a missing key lists them.
    pub fn looked_at(&mut self, place: impl Into<String>) {
        self.looked.push(place.into());
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The public halves that are known without a passphrase or a plugin, in order.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.keys.iter().filter_map(|it| it.public.clone()).collect()
    }

    /// The places that were looked at.
    pub(super) fn looked(&self) -> &[String] {
        &self.looked
    }

    /// Each public half, or what the key is, with where it came from.
    pub(super) fn described(&self) -> Vec<String> {
        self.keys.iter().map(ToString::to_string).collect()
    }

    /// The keys, with those last that need a passphrase or a program.
    fn in_turn(&self) -> impl Iterator<Item = &Identity> {
        let (alone, asking): (Vec<_>, Vec<_>) = self.keys.iter().partition(|it| !it.asks);
        alone.into_iter().chain(asking)
    }
}

impl Identity {
    /// A key that is one line.
    fn line(line: &str, from: &str, asks: &Arc<dyn Asks>) -> Result<Self, NoKey> {
        if let Ok(key) = line.parse::<age::x25519::Identity>() {
            let public = Recipient::native(key.to_public());
            return Ok(Self::new(Arc::new(key), Some(public), "an age key", from));
        }
        let key = line.parse::<age::plugin::Identity>().map_err(|_| NoKey::of_line(line))?;
        let kind = format!("a key of the plugin `{}`", key.plugin());
        Ok(Self { asks: true, ..Self::new(Arc::new(Plugin::new(key, asks.clone())), None, &kind, from) })
    }

    /// The SSH key of a file.
    fn ssh(text: &str, from: &str, asks: &Arc<dyn Asks>) -> Result<Self, NoKey> {
        let key = ssh::Identity::from_buffer(text.trim_start().as_bytes(), None).map_err(|_| NoKey::of_pem(text))?;
        let public = |key: &ssh::Identity| ssh::Recipient::try_from(key.clone()).map_err(|_| NoKey::SshKind);
        match key {
            ssh::Identity::Unsupported(key) => Err(key.into()),
            ssh::Identity::Unencrypted(_) => {
                let public = Recipient::ssh(public(&key)?);
                Ok(Self::new(Arc::new(key), Some(public), "an SSH key", from))
            }
            ssh::Identity::Encrypted(ref encrypted) => {
                let public = public(&key)?;
                let locked = Locked::ssh(encrypted.clone(), &public, from, asks.clone());
                Ok(Self { asks: true, ..Self::new(Arc::new(locked), Some(Recipient::ssh(public)), "an SSH key", from) })
            }
        }
    }

    /// The keys of a key file that age encrypted with a passphrase.
    fn encrypted(file: &[u8], from: &str, asks: &Arc<dyn Asks>) -> Self {
        let locked = Locked::file(file, from, asks.clone());
        Self { asks: true, ..Self::new(Arc::new(locked), None, "the keys behind the passphrase of the file", from) }
    }

    fn new(key: Arc<dyn age::Identity + Send + Sync>, public: Option<Recipient>, kind: &str, from: &str) -> Self {
        Self { key, asks: false, public, kind: kind.to_owned(), from: from.to_owned() }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.public {
            Some(public) => write!(f, "{public} ({})", self.from),
            None => write!(f, "{} ({})", self.kind, self.from),
        }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.described()).finish()
    }
}
