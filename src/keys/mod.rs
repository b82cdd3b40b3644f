//! Finds age identities: files, the environment of the process, the user's own.

mod command;
mod error;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use self::error::KeysError;
use crate::masked::Masked;
use crate::secrets::{Identities, SecretsError, is_throwaway};
use crate::tree::Tree;

/// Where identities may come from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The files of `--identity`.
    pub files: &'a [PathBuf],
    /// The file that the environment names in `identity:`, with the tree of the project.
    pub project: Option<(&'a Tree, &'a str)>,
    /// What the process was started with.
    pub process: &'a Process,
}

/// The part of the environment of a process that leads to identities.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// `SOPS_AGE_KEY`: identities themselves.
    pub key: Option<Masked<String>>,
    /// `SOPS_AGE_KEY_FILE`: a key file.
    pub key_file: Option<PathBuf>,
    /// `SOPS_AGE_KEY_CMD`: a program with arguments that prints identities. It is run without a shell.
    pub key_command: Option<String>,
    /// The folder of the user's configuration: `XDG_CONFIG_HOME`, or `.config` in the home folder.
    pub config: Option<PathBuf>,
}

impl Process {
    /// Picks what leads to identities out of the variables of a process. Empty variables count as not set.
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = || set("HOME").map(|home| Path::new(&home).join(".config"));
        Self {
            key: set("SOPS_AGE_KEY").map(Masked::new),
            key_file: set("SOPS_AGE_KEY_FILE").map(PathBuf::from),
            key_command: set("SOPS_AGE_KEY_CMD"),
            config: set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home),
        }
    }
}

/// The files in the folder of the user's configuration that may hold identities; they may be missing.
const USER_FILES: [&str; 2] = ["sops/age/keys.txt", "weft/keys.txt"];

/// All identities of the sources, in their order: `--identity`, the environment's `identity:`, `SOPS_AGE_KEY`,
/// `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY_CMD`, and the user's files `sops/age/keys.txt` and `weft/keys.txt`. None at all is
/// no error yet: the result knows which places were looked at, and decryption names them.
///
/// A key file that group or others can read is refused, but for one that the environment names and whose first line
/// says that it is a public throwaway.
pub fn find(sources: &Sources<'_>) -> Result<Identities, KeysError> {
    let mut found = Identities::default();
    found.looked_at("the files of `--identity FILE`");
    for path in sources.files {
        found.extend(named(path)?);
    }
    found.looked_at("the file that the environment names in `identity:`, a public throwaway key only");
    if let Some((tree, path)) = sources.project {
        found.extend(of_project(tree, path)?);
    }
    found.extend(of_process(sources.process)?);
    for path in USER_FILES.iter().filter_map(|file| Some(sources.process.config.as_ref()?.join(file))) {
        found.looked_at(format!("the file `{}`", path.display()));
        found.extend(of_file(&path)?.unwrap_or_default());
    }
    Ok(found)
}

fn of_process(process: &Process) -> Result<Identities, KeysError> {
    let mut found = Identities::default();
    found.looked_at("the variable `SOPS_AGE_KEY`");
    if let Some(key) = &process.key {
        // The variable may hold several keys on one line.
        let lines = Zeroizing::new(key.expose().replace([' ', ','], "\n"));
        let text = if key.expose().contains('#') { key.expose() } else { &lines };
        found.extend(parse(text, "SOPS_AGE_KEY")?);
    }
    found.looked_at("the file of `SOPS_AGE_KEY_FILE`");
    if let Some(path) = &process.key_file {
        found.extend(named(path)?);
    }
    found.looked_at("the program of `SOPS_AGE_KEY_CMD`");
    if let Some(command) = &process.key_command {
        found.extend(parse(&command::output(command)?, "SOPS_AGE_KEY_CMD")?);
    }
    Ok(found)
}

/// The identities of a file that somebody named, so that it has to be there.
fn named(path: &Path) -> Result<Identities, KeysError> {
    of_file(path)?.ok_or_else(|| KeysError::Missing { path: path.to_owned() })
}

/// The identities of the environment's own key file, which everybody can read.
fn of_project(tree: &Tree, path: &str) -> Result<Identities, KeysError> {
    let text = tree.text(path)?;
    if !is_throwaway(text) {
        return Err(KeysError::NotThrowaway { path: path.to_owned() });
    }
    parse(text, path)
}

/// The identities of a private key file; `None` where there is no such file.
fn of_file(path: &Path) -> Result<Option<Identities>, KeysError> {
    let unreadable = |source| KeysError::Read { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    if mode & 0o077 != 0 {
        return Err(KeysError::Exposed { path: path.to_owned(), mode, throwaway: is_throwaway(&text) });
    }
    parse(&text, &path.display().to_string()).map(Some)
}

/// The identities of a text, of which there has to be one.
fn parse(text: &str, from: &str) -> Result<Identities, KeysError> {
    let identities = Identities::parse(text, from)?;
    if identities.is_empty() {
        return Err(KeysError::Empty { place: from.to_owned() });
    }
    Ok(identities)
}

impl From<SecretsError> for KeysError {
    fn from(error: SecretsError) -> Self {
        Self::Identity(Box::new(error))
    }
}
