//! New keys, and what says that a key is public.

use std::io::Write as _;

use age::armor::{ArmoredWriter, Format};
use age::secrecy::{ExposeSecret as _, SecretString};

use super::Recipient;
use crate::SecretsError;
use weft_base::masked::Masked;

/// How the first line of a key file begins that may be committed, because its key protects nothing.
pub const THROWAWAY: &str = "# public throwaway key:";

/// The text of a new key file, as `age-keygen` writes it, and its public key. `created` is the time (RFC 3339). With a
/// `throwaway` the file says in its first line that the key is public, and why; only such a file may be committed and
/// named in an environment's `identity:`. The key comes from age's own source of randomness.
pub fn keygen(created: &str, throwaway: Option<&str>) -> (Masked<String>, Recipient) {
    let key = age::x25519::Identity::generate();
    let recipient = Recipient::native(key.to_public());
    let first = throwaway.map(|why| format!("{THROWAWAY} {why}\n")).unwrap_or_default();
    let secret = key.to_string();
    let text = format!("{first}# created: {created}\n# public key: {recipient}\n{}\n", secret.expose_secret());
    (Masked::new(text), recipient)
}

/// The text of a key file behind a passphrase: encrypted by age, and armored.
pub fn locked(text: &Masked<String>, passphrase: &Masked<String>) -> Result<String, SecretsError> {
    let failed = |error| SecretsError::Wrap { recipient: "a passphrase".to_owned(), source: Box::new(error) };
    let encryptor = age::Encryptor::with_user_passphrase(SecretString::from(passphrase.expose().as_str()));
    let mut armored = Vec::new();
    let write = |out| {
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(out, Format::AsciiArmor)?)?;
        writer.write_all(text.expose().as_bytes())?;
        writer.finish()?.finish().map(drop)
    };
    write(&mut armored).map_err(|error: std::io::Error| failed(error.into()))?;
    Ok(String::from_utf8_lossy(&armored).into_owned())
}

/// Whether the text of a key file says in its first line that its key is a public throwaway.
pub fn is_throwaway(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.starts_with(THROWAWAY))
}
