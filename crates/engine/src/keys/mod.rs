//! Finds age identities: files, the environment of the process, the user's own.

mod command;
mod error;
mod file;
mod person;
mod process;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

pub use self::error::{KeyFilePlace, KeysError};
use self::person::Person;
pub use self::person::ask_unseen;
pub use self::process::{Process, Variables};
use crate::trust::KeyAccess;
use weft_base::masked::Masked;
use weft_base::tree::Tree;
use weft_sops::{Asks, Identities, SecretsError, is_throwaway};

/// The file name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// Where identities may come from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The files of `--identity`, or folders of them; `-` is standard input.
    pub files: &'a [PathBuf],
    /// The file that the environment names in `identity:`, with the tree of the project.
    pub project: Option<(&'a Tree, &'a str)>,
    /// What the process was started with.
    pub process: &'a Process,
}

/// The files in the folders of the user's configuration that may hold identities; they may be missing.
const USER_FILES: [&str; 2] = ["sops/age/keys.txt", "weft/keys.txt"];

/// The user's own SSH keys, which may be missing.
const SSH_FILES: [&str; 2] = [".ssh/id_ed25519", ".ssh/id_rsa"];

/// All identities of the sources, in their order: `--identity`, the environment's `identity:`, the variables
/// `WEFT_AGE_KEY`, `WEFT_AGE_KEY_FILE`, `WEFT_AGE_KEY_CMD`, those of `SOPS_AGE_KEY` and of `SOPS_AGE_SSH_PRIVATE_KEY`,
/// the user's files `sops/age/keys.txt` and `weft/keys.txt`, and the user's SSH keys. None at all is no error yet: the
/// result knows which places were looked at, and decryption names them.
///
/// A key file that group or others can read is refused, but for one that the environment names and whose first line
/// says that it is a public throwaway. An SSH key of the user that cannot be used is no error, as nobody named it: it
/// is one of the places, with the reason.
///
/// Passphrases are asked for once a key is needed: on the terminal, if `WEFT_AGE_PASSPHRASE` is not set.
pub fn find(sources: &Sources<'_>, _access: &KeyAccess) -> Result<Identities, KeysError> {
    let Process { weft, sops, ssh, passphrase, home, config, terminal } = sources.process;
    let asks: Arc<dyn Asks> = Arc::new(Person { passphrase: passphrase.clone(), terminal: *terminal });
    let mut search = KeySearch { found: Identities::asking(asks.clone()), asks };
    search.found.looked_at("the files of `--identity FILE`");
    sources.files.iter().try_for_each(|path| search.named(path))?;
    search.found.looked_at("the file that the environment names in `identity:`, a public throwaway key only");
    if let Some((tree, path)) = sources.project {
        search.project(tree, path)?;
    }
    search.variable("WEFT_AGE_KEY", weft)?;
    search.variables("WEFT_AGE_KEY", weft)?;
    search.variable("SOPS_AGE_KEY", sops)?;
    search.variables("SOPS_AGE_KEY", sops)?;
    search.variables("SOPS_AGE_SSH_PRIVATE_KEY", ssh)?;
    let below = |folder: &PathBuf| USER_FILES.map(|file| folder.join(file));
    config.iter().flat_map(below).try_for_each(|path| search.of_user(&path))?;
    SSH_FILES.iter().filter_map(|file| Some(home.as_ref()?.join(file))).for_each(|path| search.ssh(&path));
    Ok(search.found)
}

/// A new passphrase for `what`: that of `WEFT_AGE_PASSPHRASE`, or one that is typed twice on the terminal.
pub fn new_passphrase(process: &Process, what: &str) -> Result<Masked<String>, KeysError> {
    let person = Person { passphrase: process.passphrase.clone(), terminal: process.terminal };
    let refused = |problem: &str| KeysError::Passphrase { problem: problem.to_owned() };
    let ask = |what: &str| person.passphrase(what, 0).map_err(|problem| refused(&problem));
    let passphrase = ask(what)?;
    if passphrase.expose().is_empty() {
        return Err(refused("an empty passphrase protects nothing"));
    }
    if process.passphrase.is_none() && ask(&format!("{what}, again"))? != passphrase {
        return Err(refused("the two passphrases are not the same"));
    }
    Ok(passphrase)
}

/// What was found so far, and who is asked for passphrases.
struct KeySearch {
    found: Identities,
    asks: Arc<dyn Asks>,
}

impl KeySearch {
    /// The keys that a variable holds itself.
    fn variable(&mut self, name: &str, variables: &Variables) -> Result<(), KeysError> {
        self.found.looked_at(format!("the variable `{name}`"));
        let Some(key) = &variables.key else { return Ok(()) };
        // The variable may hold several keys on one line.
        let lines = Zeroizing::new(key.expose().replace([' ', ','], "\n"));
        let whole = ["#", "-----BEGIN "].iter().any(|mark| key.expose().contains(mark));
        self.keys(if whole { key.expose() } else { &lines }.as_bytes(), name)
    }

    /// The keys of the file and of the program that variables name.
    fn variables(&mut self, name: &str, variables: &Variables) -> Result<(), KeysError> {
        self.found.looked_at(format!("the file of `{name}_FILE`"));
        if let Some(path) = &variables.file {
            self.named(path)?;
        }
        let name = format!("{name}_CMD");
        self.found.looked_at(format!("the program of `{name}`"));
        if let Some(command) = &variables.command {
            self.keys(&command::output(&name, command)?, &name)?;
        }
        Ok(())
    }

    /// The identities of a file that somebody named, so that it has to be there, or of all files of a folder.
    fn named(&mut self, path: &Path) -> Result<(), KeysError> {
        if path == Path::new(STANDARD_INPUT) {
            return self.keys(file::standard_input()?.expose(), "standard input");
        }
        let files = file::named(path)?;
        if files.is_empty() {
            return Err(KeysError::Empty { place: path.display().to_string() });
        }
        for path in files {
            let bytes = file::read(&path)?.ok_or_else(|| KeysError::Missing { path: path.clone() })?;
            self.keys(&bytes, &path.display().to_string())?;
        }
        Ok(())
    }

    /// The identities of the environment's own key file, which everybody can read.
    fn project(&mut self, tree: &Tree, path: &str) -> Result<(), KeysError> {
        let text = tree.text(path)?;
        if !is_throwaway(text) {
            return Err(KeysError::NotThrowaway { path: path.to_owned() });
        }
        self.keys(text.as_bytes(), path)
    }

    /// The identities of a file of the user's, which may be missing.
    fn of_user(&mut self, path: &Path) -> Result<(), KeysError> {
        self.found.looked_at(format!("the file `{}`", path.display()));
        file::read(path)?.map_or(Ok(()), |bytes| self.keys(&bytes, &path.display().to_string()))
    }

    /// An SSH key of the user's, which may be missing, or of no use for this.
    fn ssh(&mut self, path: &Path) {
        let from = path.display().to_string();
        let keys = file::read(path).and_then(|bytes| bytes.map(|it| self.read(&it, &from)).transpose());
        self.found.looked_at(match &keys {
            Ok(_) => format!("the file `{from}`"),
            Err(error) => format!("the file `{from}`, which is of no use: {error}"),
        });
        self.found.extend(keys.ok().flatten().unwrap_or_default());
    }

    fn keys(&mut self, bytes: &[u8], from: &str) -> Result<(), KeysError> {
        let keys = self.read(bytes, from)?;
        self.found.extend(keys);
        Ok(())
    }

    /// The identities of a key file, of which there has to be one.
    fn read(&self, bytes: &[u8], from: &str) -> Result<Identities, KeysError> {
        let identities = Identities::read(bytes, from, &self.asks)?;
        if identities.is_empty() {
            return Err(KeysError::Empty { place: from.to_owned() });
        }
        Ok(identities)
    }
}

impl From<SecretsError> for KeysError {
    fn from(error: SecretsError) -> Self {
        Self::Identity(Box::new(error))
    }
}
