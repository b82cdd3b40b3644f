//! Values that are kept outside the repository: one armored file of age.

use std::io::Write as _;
use std::sync::Arc;

use age::Encryptor;
use age::armor::{ArmoredWriter, Format};
use zeroize::Zeroizing;

use super::{Identities, Recipient, SecretsError, whole};
use weft_base::value::Value;

/// A value, secrets included, as a text that any of the recipients can open. `name` stands in errors.
pub fn seal(value: &Value, recipients: &[Recipient], name: &str) -> Result<String, SecretsError> {
    let named = || recipients.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let failed = |source: age::EncryptError| SecretsError::Wrap { recipient: named(), source: Box::new(source) };
    let keys = recipients.iter().map(|it| &it.0 as &dyn age::Recipient);
    if recipients.is_empty() {
        return Err(SecretsError::NoRecipient { file: name.to_owned() });
    }
    let encryptor = Encryptor::with_recipients(keys).map_err(failed)?;
    let write = |plain: &[u8]| -> std::io::Result<Vec<u8>> {
        let armor = ArmoredWriter::wrap_output(Vec::with_capacity(2 * plain.len()), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(plain)?;
        writer.finish()?.finish()
    };
    let plain = serde_json::to_vec(&value.exposed()).map(Zeroizing::new).map_err(std::io::Error::from);
    let sealed = plain.and_then(|plain| write(&plain)).map_err(|source| failed(source.into()))?;
    String::from_utf8(sealed).map_err(|_| SecretsError::NotUtf8 { file: name.to_owned() })
}

/// The value of a sealed text, all its leaves masked.
pub fn open_sealed(text: &str, name: &Arc<String>, identities: &Identities) -> Result<Value, SecretsError> {
    let plain = whole::open(text.as_bytes(), name, identities)?;
    // Age vouches for the content, so this is what `seal` wrote.
    let value: Value =
        serde_json::from_slice(plain.expose()).map_err(|_| SecretsError::NotUtf8 { file: name.to_string() })?;
    Ok(value.masked())
}

/// The pairs of texts of a sealed text, as they were before they were sealed: they are no more secret than they were.
pub fn open_pairs(
    text: &str,
    name: &Arc<String>,
    identities: &Identities,
) -> Result<Vec<(String, String)>, SecretsError> {
    let plain = whole::open(text.as_bytes(), name, identities)?;
    serde_json::from_slice(plain.expose()).map_err(|_| SecretsError::NotUtf8 { file: name.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keygen;

    #[test]
    fn what_is_sealed_opens_with_the_key_of_any_recipient_alone() {
        let name = Arc::new("revision 1".to_owned());
        let keys: Vec<_> = (0..3).map(|_| keygen("2026-11-21T10:00:00Z", None)).collect();
        let identities = |at: usize| Identities::parse(keys[at].0.expose(), "test").unwrap();
        let recipients: Vec<Recipient> = keys[..2].iter().map(|(_, public)| public.clone()).collect();
        let value: Value = serde_json::from_str(r#"[["hunter2", 1], []]"#).unwrap();
        let sealed = seal(&value.clone().masked(), &recipients, &name).unwrap();
        assert!(!sealed.contains("hunter2"));
        for at in 0..2 {
            let opened = open_sealed(&sealed, &name, &identities(at)).unwrap();
            assert_eq!(opened, value);
            assert!(!format!("{opened:?}").contains("hunter2"));
        }
        assert!(matches!(open_sealed(&sealed, &name, &identities(2)), Err(SecretsError::Whole { .. })));
        assert!(matches!(seal(&value, &[], &name), Err(SecretsError::NoRecipient { .. })));
    }
}
