//! age keys: the private ones, behind masks, and the public ones.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use age::secrecy::ExposeSecret;

use super::SecretsError;
use crate::masked::Masked;
use crate::value::{Mark, Origin};

/// How the first line of a key file begins that may be committed, because its key protects nothing.
pub const THROWAWAY: &str = "# public throwaway key:";

/// Private age keys, each with where it came from. Printing them shows public keys only.
#[derive(Clone, Default)]
pub struct Identities {
    keys: Vec<Identity>,
    looked: Vec<String>,
}

#[derive(Clone)]
struct Identity {
    key: age::x25519::Identity,
    from: String,
}

/// A public age key (X25519).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(pub(super) age::x25519::Recipient);

impl Identities {
    /// The keys of a key file's text: lines `AGE-SECRET-KEY-1...`, comments and empty lines. `from` says where it came
    /// from: the path of the file, or the name of a variable. An error names the line, and never shows it.
    pub fn parse(text: &str, from: &str) -> Result<Self, SecretsError> {
        let file = Arc::new(from.to_owned());
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let key = |(number, line): (u32, &str)| {
            let origin = Origin::new(&file, Mark { line: number, column: 1 });
            let key = line.parse().map_err(|_| SecretsError::Identity { what: what_key(line), origin })?;
            Ok(Identity { key, from: from.to_owned() })
        };
        Ok(Self { keys: lines.map(key).collect::<Result<_, SecretsError>>()?, looked: Vec::new() })
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

    /// The public halves, in order.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.keys.iter().map(|it| Recipient(it.key.to_public())).collect()
    }

    /// The places that were looked at.
    pub(super) fn looked(&self) -> &[String] {
        &self.looked
    }

    /// Each public half with where it came from.
    pub(super) fn described(&self) -> Vec<String> {
        self.keys.iter().map(|it| format!("{} ({})", it.key.to_public(), it.from)).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.keys.iter().map(|it| &it.key as &dyn age::Identity)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.described()).finish()
    }
}

/// What a line that is no key of ours seems to be.
fn what_key(line: &str) -> &'static str {
    match line {
        _ if line.starts_with("AGE-PLUGIN-") => "keys of age plugins are not supported yet",
        _ if line.starts_with("AGE-SECRET-KEY-PQ-") => "post-quantum keys of age are not supported yet",
        _ if line.starts_with("AGE-SECRET-KEY-") => "the line is a damaged age key",
        _ if line.starts_with("age1") => "the line is a public key, where the private one is needed",
        _ if line.starts_with("-----BEGIN AGE ENCRYPTED FILE") || line.starts_with("age-encryption.org/") => {
            "key files with a passphrase are not supported yet"
        }
        _ if line.starts_with("-----BEGIN ") => "SSH keys are not supported yet",
        _ => "the line is no age key",
    }
}

impl Recipient {
    /// Reads a public key that was written at `origin`.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, SecretsError> {
        text.trim().parse().map(Self).map_err(|_| {
            // A private key that was pasted here is not to be shown.
            let shown = if text.to_ascii_uppercase().contains("SECRET") { crate::masked::MASK } else { text.trim() };
            SecretsError::Recipient {
                text: shown.to_owned(),
                what: what_recipient(text.trim()),
                origin: origin.clone(),
            }
        })
    }
}

impl FromStr for Recipient {
    type Err = SecretsError;

    /// Reads a public key from the command line.
    fn from_str(text: &str) -> Result<Self, SecretsError> {
        Self::parse(text, &Origin::new(&Arc::new("--recipient".to_owned()), Mark::default()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn what_recipient(text: &str) -> &'static str {
    match text {
        _ if text.to_ascii_uppercase().contains("SECRET") => "a private key, where the public one is needed",
        _ if text.starts_with("age1pq1") => "a post-quantum key, which is not supported yet",
        _ if text.starts_with("age1") && text.matches('1').count() > 1 && text.len() != 62 => {
            "a key of an age plugin, which is not supported yet"
        }
        _ if text.starts_with("ssh-") => "an SSH key, which is not supported yet",
        _ => "no public key of age",
    }
}

/// The text of a new key file, as `age-keygen` writes it, and its public key. `created` is the time (RFC 3339). With a
/// `throwaway` the file says in its first line that the key is public, and why; only such a file may be committed and
/// named in an environment's `identity:`. The key comes from age's own source of randomness.
pub fn keygen(created: &str, throwaway: Option<&str>) -> (Masked<String>, Recipient) {
    let key = age::x25519::Identity::generate();
    let recipient = Recipient(key.to_public());
    let first = throwaway.map(|why| format!("{THROWAWAY} {why}\n")).unwrap_or_default();
    let secret = key.to_string();
    let text = format!("{first}# created: {created}\n# public key: {recipient}\n{}\n", secret.expose_secret());
    (Masked::new(text), recipient)
}

/// Whether the text of a key file says in its first line that its key is a public throwaway.
pub fn is_throwaway(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.starts_with(THROWAWAY))
}
