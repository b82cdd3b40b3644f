//! Provenance files: what Helm signs an archive by. A text with `Chart.yaml` and the archive's SHA-256, signed in the
//! clear by an `OpenPGP` key.

use std::io::Cursor;
use std::sync::Arc;

use pgp::composed::{ArmorOptions, CleartextSignedMessage, Deserializable, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::Signature;
use pgp::types::{Duration, Password, Timestamp, VerifyingKey};
use rsa::rand_core::OsRng;

use super::FetchError;
use super::digest::{same, sha256};
use weft_base::masked::Masked;
use weft_base::value::Value;
use weft_base::yaml::{self, Rules};
use weft_stages::project::Verified;

/// What stands between the two documents of a provenance file.
const BETWEEN: &str = "\n...\n";
/// How the armor of keys begins.
const ARMOR: &[u8] = b"-----BEGIN PGP";

/// Checks that a provenance file was signed by a key of a keyring, and is about this archive.
pub(super) fn verified(
    chart: &str,
    keyring: &[u8],
    provenance: Option<&[u8]>,
    archive: &[u8],
) -> Result<Verified, FetchError> {
    let unsigned = |reason: &str| FetchError::Unsigned { chart: chart.to_owned(), reason: reason.to_owned() };
    let provenance = provenance.ok_or_else(|| unsigned("it has no provenance file"))?;
    let text = std::str::from_utf8(provenance).map_err(|_| unsigned("its provenance file is no text"))?;
    let (message, _) =
        CleartextSignedMessage::from_string(text).map_err(|_| unsigned("its provenance file is no signed text"))?;
    let keys: Vec<SignedPublicKey> = keys(keyring).ok_or_else(|| unsigned("the keyring cannot be read"))?;
    let by = keys.iter().find_map(|key| signer(key, &message));
    let by = by.ok_or_else(|| unsigned("no valid key of the keyring signed its provenance file"))?;
    let signed = message.signed_text().replace("\r\n", "\n");
    let announced = sum(&signed).ok_or_else(|| unsigned("its provenance file names no SHA-256 of one archive"))?;
    same(chart, "its provenance file announces", &announced, sha256(archive))?;
    Ok(Verified { keys: sha256(keyring), by })
}

/// Signs an archive as Helm does; `metadata` is the text of its `Chart.yaml`. The key is the first secret one of a
/// keyring, or the first whose user id holds `user`.
pub(super) fn signed(
    name: &str,
    archive: &[u8],
    metadata: &str,
    keyring: &[u8],
    user: Option<&str>,
    passphrase: &Masked<String>,
) -> Result<String, FetchError> {
    let failed = |reason: String| FetchError::Unsigned { chart: name.to_owned(), reason };
    let keys: Vec<SignedSecretKey> = keys(keyring).ok_or_else(|| failed("the keyring cannot be read".into()))?;
    let is_meant = |key: &&SignedSecretKey| {
        let id = |it: &pgp::types::SignedUser| String::from_utf8_lossy(it.id.id()).into_owned();
        user.is_none_or(|user| key.details.users.iter().any(|it| id(it).contains(user)))
    };
    let key = keys.iter().find(is_meant).ok_or_else(|| failed("the keyring has no such secret key".into()))?;
    let text = format!("{}{BETWEEN}files:\n  {name}: {}\n", metadata.trim_end_matches('\n'), sha256(archive));
    let password = Password::from(passphrase.expose().as_str());
    let wrong = |error: pgp::errors::Error| failed(format!("the key does not sign: {error}"));
    let message = CleartextSignedMessage::sign(OsRng, &text, &key.primary_key, &password).map_err(wrong)?;
    message.to_armored_string(ArmorOptions::default()).map_err(wrong)
}

/// The keys of a file, which may be armored, in several blocks.
fn keys<K: Deserializable>(file: &[u8]) -> Option<Vec<K>> {
    let blocks: Vec<&[u8]> = if file.starts_with(ARMOR) {
        let text = std::str::from_utf8(file).ok()?;
        let starts: Vec<usize> = text.match_indices("-----BEGIN PGP").map(|(at, _)| at).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        starts.iter().zip(ends).map(|(start, end)| &file[*start..end]).collect()
    } else {
        vec![file]
    };
    let mut all = Vec::new();
    for block in blocks {
        let found = if block.starts_with(ARMOR) {
            K::from_armor_many_buf(Cursor::new(block)).ok()?.0
        } else {
            K::from_bytes_many(Cursor::new(block)).ok()?
        };
        all.extend(found.filter_map(Result::ok));
    }
    (!all.is_empty()).then_some(all)
}

/// The fingerprint of a key, if it or one of its subkeys that sign made the signature while it was valid.
fn signer(key: &SignedPublicKey, message: &CleartextSignedMessage) -> Option<String> {
    if key.verify_bindings().is_err() || !key.details.revocation_signatures.is_empty() {
        return None;
    }
    let own = key.details.users.iter().flat_map(|it| &it.signatures).chain(&key.details.direct_signatures);
    let by = holds(&key.primary_key, own.collect(), message);
    let subkeys = key.public_subkeys.iter().filter(|it| it.signatures.iter().any(|it| it.key_flags().sign()));
    let mut by_sub = subkeys.filter_map(|it| holds(&it.key, it.signatures.iter().collect(), message));
    by.or_else(|| by_sub.next())
}

/// The fingerprint of a key that made the signature, with a hash that is not broken, before it expired.
fn holds(key: &impl VerifyingKey, own: Vec<&Signature>, message: &CleartextSignedMessage) -> Option<String> {
    let signature = message.verify(key).ok()?;
    let broken = matches!(
        signature.hash_alg(),
        None | Some(HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160)
    );
    let latest = own.into_iter().max_by_key(|it| it.created().map(Timestamp::as_secs));
    let lasts = latest.and_then(Signature::key_expiration_time).map_or(0, Duration::as_secs);
    let end = key.created_at().as_secs().saturating_add(lasts);
    let made = signature.created()?.as_secs();
    let in_time = made >= key.created_at().as_secs() && (lasts == 0 || made < end);
    (!broken && in_time).then(|| format!("{:X}", key.fingerprint()))
}

/// The SHA-256 of the one archive that a signed text is about.
fn sum(text: &str) -> Option<String> {
    let (_, sums) = text.split_once(BETWEEN)?;
    let sums = yaml::document(sums, &Arc::new(String::new()), Rules::Strict).ok()?;
    let files = sums.get("files").and_then(Value::as_map)?;
    let mut entries = files.iter();
    match (entries.next(), entries.next()) {
        (Some(only), None) => only.value.as_str().map(str::to_owned),
        _ => None,
    }
}
