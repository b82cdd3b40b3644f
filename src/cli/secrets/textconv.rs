//! `weft secrets textconv`: what git shows of an encrypted file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use data_encoding::HEXLOWER;

use super::random;
use super::repository::Repository;
use crate::cli::terminal::Terminal;
use crate::cli::{FileError, files, settings};
use crate::diagnostic::Failure;
use crate::masked::FingerprintKey;
use crate::secrets::{self, File, Identities, Outline, SecretsError};
use crate::source::SourceError;
use crate::value::Value;
use crate::yaml::{self, Order, Write};

/// Print the keys of an encrypted file, with a fingerprint in place of each value, as git's text of it (`git-setup` tells
/// git so).
///
/// Fingerprints are made with a random key of this clone, so equal values have equal ones in it, and nobody else can
/// try values against them.
#[derive(Debug, Args)]
pub(super) struct TextconvArgs {
    /// The file, which git makes for a time.
    file: PathBuf,
    /// Print the values. They then stand in whatever keeps what git prints.
    #[arg(long)]
    show_values: bool,
    /// An age identity file. May be repeated.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// Where the key of the fingerprints is, in the folder of git that all work trees share.
const KEY: &str = "weft-fingerprint-key";

pub(super) fn run(args: &TextconvArgs, terminal: &Terminal) -> Result<(), Failure> {
    let bytes = files::bytes(&args.file)?;
    let name = Arc::new(args.file.file_name().unwrap_or_default().to_string_lossy().into_owned());
    if !secrets::is_encrypted(&bytes) {
        // Git would show the same without this verb.
        return Ok(terminal.print(&String::from_utf8_lossy(&bytes))?);
    }
    let repository = Repository::around(&settings::absolute(Path::new(".")))?;
    // A difference has to be shown whatever is wrong with keys, and says what it does not know.
    let mut notes = String::new();
    let identities = repository.identities(&args.identities, false).unwrap_or_else(|failure| {
        for it in &failure.diagnostics {
            note(&mut notes, it.messages.first().map_or("", String::as_str));
        }
        Identities::default()
    });
    let key = fingerprint_key(&repository)?;
    let shown_with = (!args.show_values).then_some(&key);
    let shown = if secrets::is_whole(&bytes) {
        whole(&bytes, &name, &identities, shown_with, &mut notes)
    } else {
        leaves(&bytes, &name, &identities, shown_with, &mut notes)?
    };
    let shown = shown.unwrap_or_else(|| format!("(encrypted {})\n", key.fingerprint(&bytes)));
    Ok(terminal.print(&format!("{notes}{shown}"))?)
}

/// A file that age encrypted as a whole; `None` where it cannot be opened.
fn whole(
    bytes: &[u8],
    name: &Arc<String>,
    identities: &Identities,
    key: Option<&FingerprintKey>,
    notes: &mut String,
) -> Option<String> {
    match secrets::plain_bytes(bytes, name, identities) {
        Ok(content) => {
            let text = String::from_utf8_lossy(content.expose()).into_owned();
            Some(match key {
                Some(key) => written(&secrets::masks(&Value::from(text).masked(), key)),
                None => text,
            })
        }
        Err(error) => {
            note(notes, &reason(&error));
            None
        }
    }
}

/// A file whose leaves are encrypted, with its readers; `None` where it is damaged.
fn leaves(
    bytes: &[u8],
    name: &Arc<String>,
    identities: &Identities,
    key: Option<&FingerprintKey>,
    notes: &mut String,
) -> Result<Option<String>, SecretsError> {
    let outline = match Outline::read(bytes, name) {
        Ok(outline) => outline,
        Err(error) => {
            note(notes, &error.to_string());
            return Ok(None);
        }
    };
    let opened = File::open(bytes, name, identities);
    if let Err(error) = &opened {
        note(notes, &reason(error));
    }
    let value = opened.as_ref().map_or(&outline.value, File::value);
    let mut shown = match (&opened, key) {
        (Ok(file), None) => file.plain()?.expose().clone(),
        (_, Some(key)) => written(&secrets::masks(value, key)),
        (Err(_), None) => written(value),
    };
    shown.push_str("# readers:\n");
    for key in secrets::named(&outline.readers) {
        // Writing to a string cannot fail.
        let _ = writeln!(shown, "# - {key}");
    }
    Ok(Some(shown))
}

fn reason(error: &SecretsError) -> String {
    if secrets::lacks_key(error) { "no key at hand".to_owned() } else { error.to_string() }
}

fn note(notes: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(notes, "# not opened: {text}");
}

fn written(value: &Value) -> String {
    yaml::write_with(value, Write { order: Order::Written, ..Write::default() })
}

/// The key of this clone's fingerprints, made when it is first needed; outside a repository one for this run.
fn fingerprint_key(repository: &Repository) -> Result<FingerprintKey, Failure> {
    let mut bytes = [0; 32];
    random(&mut bytes).map_err(SecretsError::Random)?;
    let Ok(git) = repository.git() else { return Ok(FingerprintKey::new(bytes)) };
    let path = git.commondir().join(KEY);
    let hex = HEXLOWER.encode(&bytes);
    let text = match files::create(&path, &hex, true) {
        Ok(()) => hex,
        Err(FileError::Exists { .. }) => files::read(&path)?,
        Err(error) => return Err(error.into()),
    };
    let digits = |at: usize| text.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let read: Option<Vec<u8>> = (0..32).map(digits).collect();
    let wrong = || SourceError::Io { path: path.clone(), source: std::io::ErrorKind::InvalidData.into() };
    let bytes = read.and_then(|it| it.try_into().ok()).ok_or_else(wrong)?;
    Ok(FingerprintKey::new(bytes))
}
