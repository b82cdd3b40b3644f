//! The test vectors of the age format (`tests/cases/age/testkit`): each one is opened, and has the outcome that it names.
//! Those of kinds that are not supported are listed in `unsupported.txt`, and are refused by the name of their kind.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use libtest_mimic::{Failed, Trial};
use sha2::{Digest as _, Sha256};
use weft::masked::Masked;
use weft::secrets::{AgeError, Asks, Identities, NoKey, SecretsError};

use crate::cases::{self, same};

/// How many vectors there are.
const VECTORS: usize = 143;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let names = fs::read_dir(folder().join("testkit")).expect("the vectors");
    let mut names: Vec<String> =
        names.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    let vector = |name: String| Trial::test(format!("age::{name}"), move || Vector::read(&name).check());
    let mut trials: Vec<Trial> = names.into_iter().map(vector).collect();
    trials.push(cases::code("age", "the_unsupported_vectors_are_listed", listed));
    trials
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/age")
}

/// A vector: fields, an empty line, and the file.
struct Vector {
    name: String,
    fields: BTreeMap<String, Vec<String>>,
    file: Vec<u8>,
}

/// Gives the passphrase of a vector.
struct Passphrase(Option<String>);

impl Asks for Passphrase {
    fn passphrase(&self, _: &str, attempt: usize) -> Result<Masked<String>, String> {
        match &self.0 {
            Some(passphrase) if attempt == 0 => Ok(Masked::new(passphrase.clone())),
            _ => Err("there is no other".to_owned()),
        }
    }
}

impl Vector {
    fn read(name: &str) -> Self {
        let bytes = fs::read(folder().join("testkit").join(name)).expect("a vector");
        let end = bytes.windows(2).position(|two| two == b"\n\n").expect("an empty line");
        let mut fields = BTreeMap::<String, Vec<String>>::new();
        for line in std::str::from_utf8(&bytes[..end]).expect("text").lines() {
            let (key, value) = line.split_once(": ").expect("a field");
            fields.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        let mut file = bytes[end + 2..].to_vec();
        if fields.contains_key("compressed") {
            let packed = std::mem::take(&mut file);
            flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut file).expect("zlib");
        }
        Self { name: name.to_owned(), fields, file }
    }

    fn all(&self, field: &str) -> &[String] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    /// The keys of the vector, or why they are refused.
    fn identities(&self) -> Result<Identities, SecretsError> {
        let asks: Arc<dyn Asks> = Arc::new(Passphrase(self.all("passphrase").first().cloned()));
        Identities::read(self.all("identity").join("\n").as_bytes(), &self.name, &asks)
    }

    fn is_supported(&self) -> bool {
        !self.all("identity").iter().any(|key| key.starts_with("AGE-SECRET-KEY-PQ-"))
    }

    fn check(&self) -> Result<(), Failed> {
        let wanted = self.all("expect")[0].as_str();
        if !self.is_supported() {
            let refused = self.identities().expect_err("a key that is not supported");
            let named = matches!(refused, SecretsError::Identity { what: NoKey::PostQuantum, .. });
            assert!(named && refused.to_string().contains("not supported"), "{refused}");
            return Ok(());
        }
        let opened = self.identities()?.open(&self.file, &self.name);
        let outcome = outcome(&opened);
        if outcome != wanted {
            return Err(format!("{wanted} was wanted, and not {outcome}: {opened:?}").into());
        }
        if let Ok(content) = opened {
            assert_eq!(HEXLOWER.encode(&Sha256::digest(content.expose())), self.all("payload")[0], "another content");
        }
        Ok(())
    }
}

/// The outcome in the words of the vectors.
fn outcome(opened: &Result<Masked<Vec<u8>>, AgeError>) -> &'static str {
    match opened {
        Ok(_) => "success",
        Err(AgeError::Armor(_)) => "armor failure",
        Err(AgeError::Header | AgeError::Work { .. }) => "header failure",
        Err(AgeError::Hmac) => "HMAC failure",
        Err(AgeError::NoMatch { .. } | AgeError::Passphrase { .. }) => "no match",
        Err(AgeError::Payload(_)) => "payload failure",
        Err(AgeError::Key { .. }) => "a key that cannot be used",
    }
}

fn listed() -> Result<(), Failed> {
    let names = fs::read_dir(folder().join("testkit"))?.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("text")).collect();
    assert_eq!(names.len(), VECTORS);
    names.retain(|name| !Vector::read(name).is_supported());
    names.sort();
    same("unsupported.txt", &fs::read_to_string(folder().join("unsupported.txt"))?, &(names.join("\n") + "\n"))
}
