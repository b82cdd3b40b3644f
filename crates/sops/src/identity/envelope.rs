//! Files of age, binary and armored, opened with the keys at hand. The format: <https://c2sp.org/age>.

use std::cell::RefCell;
use std::io::{self, Read as _};

use age::armor::ArmoredReader;
use age::plugin::ResolveError;
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, scrypt};
use age_core::format::{FileKey, Stanza};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Identities, Identity};
use weft_base::masked::Masked;

const BINARY: &[u8] = b"age-encryption.org/";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// How much work a passphrase may cost, as the Go program allows: 2^22 rounds, some 15 seconds and 4 GiB.
const MOST_WORK: u8 = 22;

/// How often a person may try a passphrase.
const ATTEMPTS: usize = 3;

/// What to do where a passphrase is missing or wrong.
const GIVE: &str = "Run it on a terminal to be asked, or set `WEFT_AGE_PASSPHRASE`.";

/// Why a file of age does not open.
#[derive(Debug, Error)]
pub enum AgeError {
    /// The text around it is damaged.
    #[error("its armor is damaged")]
    Armor(#[source] io::Error),
    /// The header is damaged, or that of another version of the format.
    #[error("its header is damaged, or not of a version of age that is known")]
    Header,
    /// A passphrase would take too long to try.
    #[error("trying its passphrase would take 2^{required} rounds, and 2^{MOST_WORK} is the most that is done")]
    Work {
        /// The exponent that the file asks for.
        required: u8,
    },
    /// A key fits, and the header was changed.
    #[error("its header was changed after it was encrypted")]
    Hmac,
    /// No key fits.
    #[error("no key at hand opens it; it is encrypted to keys of the kinds {}", kinds.join(", "))]
    NoMatch {
        /// The kinds of its recipients, as the header names them.
        kinds: Vec<String>,
    },
    /// A key that may fit cannot be used.
    #[error("{key} cannot be used: {problem}")]
    Key {
        /// What the key is and where it came from.
        key: String,
        /// Why.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// There is no passphrase to open it with.
    #[error("it is encrypted with a passphrase, and {problem}")]
    Passphrase {
        /// Why.
        problem: String,
    },
    /// The content was changed or cut off.
    #[error("its content was changed or cut off after it was encrypted")]
    Payload(#[source] io::Error),
}

impl AgeError {
    /// What to do.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Armor(_) | Self::Header | Self::Work { .. } | Self::Hmac | Self::Payload(_) => {
                Some("Restore the file from git.")
            }
            Self::NoMatch { kinds } if kinds.iter().all(|kind| kind == "mlkem768x25519") => Some(
                "Post-quantum keys of age are not supported: have the file encrypted to a key of `weft secrets keygen` as well.",
            ),
            Self::NoMatch { .. } => None,
            Self::Key { hint, .. } => Some(hint),
            Self::Passphrase { .. } => Some(GIVE),
        }
    }
}

/// Whether a file is one of age's, by how it begins.
pub(crate) fn is_age(file: &[u8]) -> bool {
    file.starts_with(BINARY) || file.trim_ascii_start().starts_with(ARMOR)
}

impl Identities {
    /// The content of a file of age's, binary or armored; `name` is what a person is told who is asked for its
    /// passphrase. Nothing of a damaged file comes out.
    pub fn open(&self, file: &[u8], name: &str) -> Result<Masked<Vec<u8>>, AgeError> {
        let file = binary(file)?;
        let kinds = kinds(&file).ok_or(AgeError::Header)?;
        if decryptor(&file)?.is_scrypt() {
            return self.open_by_passphrase(&file, name);
        }
        let failed = RefCell::new(None);
        let attempts: Vec<Attempt> = self.in_turn().map(|identity| Attempt { identity, failed: &failed }).collect();
        let opened = decrypt(&file, attempts.iter().map(|it| it as &dyn age::Identity));
        opened.map_err(|error| match (error, failed.take()) {
            (AgeError::NoMatch { .. }, Some((key, error))) => unusable(key, &error),
            (AgeError::NoMatch { .. }, None) => AgeError::NoMatch { kinds },
            (error, _) => error,
        })
    }

    /// Tries the passphrases that were given before, then asks.
    fn open_by_passphrase(&self, file: &[u8], name: &str) -> Result<Masked<Vec<u8>>, AgeError> {
        let known = self.passphrases.lock().map(|known| known.clone()).unwrap_or_default();
        for passphrase in &known {
            if let Some(content) = with_passphrase(file, passphrase)? {
                return Ok(content);
            }
        }
        for attempt in 0..ATTEMPTS {
            let passphrase = self.asks.passphrase(&format!("`{name}`"), attempt);
            let passphrase = passphrase.map_err(|problem| AgeError::Passphrase { problem })?;
            if let Some(content) = with_passphrase(file, &passphrase)? {
                if let Ok(mut known) = self.passphrases.lock() {
                    known.push(passphrase);
                }
                return Ok(content);
            }
        }
        Err(AgeError::Passphrase { problem: "the one that was given is wrong".to_owned() })
    }
}

/// The content of a file that a passphrase opens; `None` if it is another one.
pub(super) fn with_passphrase(file: &[u8], passphrase: &Masked<String>) -> Result<Option<Masked<Vec<u8>>>, AgeError> {
    let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().as_str()));
    identity.set_max_work_factor(MOST_WORK);
    match decrypt(&binary(file)?, std::iter::once(&identity as &dyn age::Identity)) {
        Ok(content) => Ok(Some(content)),
        Err(AgeError::NoMatch { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file without its armor. White space may stand around the armor, and nothing else.
fn binary(file: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let text = file.trim_ascii_start();
    if file.starts_with(BINARY) || !text.windows(5).any(|part| part == b"-----") {
        return Ok(Zeroizing::new(file.to_owned()));
    }
    if !text.starts_with(ARMOR) {
        return Err(AgeError::Armor(io::Error::new(io::ErrorKind::InvalidData, "its first line is another")));
    }
    let mut binary = Zeroizing::new(Vec::with_capacity(file.len()));
    ArmoredReader::new(text).read_to_end(&mut binary).map_err(AgeError::Armor)?;
    Ok(binary)
}

fn decryptor(file: &[u8]) -> Result<Decryptor<&[u8]>, AgeError> {
    Decryptor::new_buffered(file).map_err(|_| AgeError::Header)
}

fn decrypt<'a>(
    file: &[u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
) -> Result<Masked<Vec<u8>>, AgeError> {
    let mut reader = decryptor(file)?.decrypt(identities).map_err(|error| match error {
        DecryptError::InvalidMac => AgeError::Hmac,
        DecryptError::ExcessiveWork { required, .. } => AgeError::Work { required },
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => AgeError::NoMatch { kinds: Vec::new() },
        _ => AgeError::Header,
    })?;
    // As long as the file, so that no part of the content is left behind where it grew.
    let mut content = Zeroizing::new(Vec::with_capacity(file.len()));
    reader.read_to_end(&mut content).map_err(AgeError::Payload)?;
    Ok(Masked::new(std::mem::take(&mut content)))
}

/// The kinds of the stanzas of a header; `None` if it is damaged. The last line of each stanza's body has to be shorter
/// than the others; the crate lets that pass, for files of before the format was fixed.
fn kinds(file: &[u8]) -> Option<Vec<String>> {
    let mut kinds = Vec::new();
    let mut full = false;
    for line in file.split(|byte| *byte == b'\n').skip(1) {
        let stanza = line.strip_prefix(b"-> ");
        if full && (stanza.is_some() || line.starts_with(b"---")) {
            return None;
        }
        match stanza {
            _ if line.starts_with(b"---") => return Some(kinds),
            Some(stanza) => {
                kinds.push(String::from_utf8_lossy(stanza.split(|byte| *byte == b' ').next()?).into_owned());
                full = true;
            }
            None => full = line.len() == 64,
        }
    }
    None
}

/// Why a key cannot be used.
fn unusable(key: String, error: &DecryptError) -> AgeError {
    let (problem, hint) = match error {
        DecryptError::PluginResolve(error) => (missing(error), "Install the plugin, or pass another key."),
        DecryptError::Plugin(_) => (said(error), "Do what the plugin asks for, or pass another key."),
        error => (said(error), GIVE),
    };
    AgeError::Key { key, problem, hint }
}

/// That the program of a plugin is not there.
pub(super) fn missing(error: &ResolveError) -> String {
    match error {
        ResolveError::MissingPlugin { binary_name } => {
            format!("there is no program `{binary_name}` on the search path")
        }
        error => said(error),
    }
}

/// What the crate says, without the marks that it puts around names for texts that run from right to left.
fn said(error: &impl ToString) -> String {
    error.to_string().replace(['\u{2068}', '\u{2069}'], "")
}

/// A key that is tried. One that cannot be used is noted, and the next one tried.
struct Attempt<'a> {
    identity: &'a Identity,
    failed: &'a RefCell<Option<(String, DecryptError)>>,
}

impl age::Identity for Attempt<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        use DecryptError::{Io, KeyDecryptionFailed, Plugin, PluginResolve};
        match self.identity.key.unwrap_stanzas(stanzas)? {
            Err(error @ (Io(_) | KeyDecryptionFailed | Plugin(_) | PluginResolve(_))) => {
                self.failed.borrow_mut().get_or_insert((self.identity.to_string(), error));
                None
            }
            result => Some(result),
        }
    }
}
