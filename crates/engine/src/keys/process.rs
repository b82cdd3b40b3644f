//! The part of the environment of a process that leads to identities.

use std::path::{Path, PathBuf};

use super::person;
use weft_base::masked::Masked;

/// What a process was started with. The default has nothing, and no terminal.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// `WEFT_AGE_KEY`, `WEFT_AGE_KEY_FILE`, `WEFT_AGE_KEY_CMD`.
    pub weft: Variables,
    /// `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY_CMD`.
    pub sops: Variables,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_FILE`, `SOPS_AGE_SSH_PRIVATE_KEY_CMD`.
    pub ssh: Variables,
    /// `WEFT_AGE_PASSPHRASE`: opens keys and files that have a passphrase.
    pub passphrase: Option<Masked<String>>,
    /// The home folder, whose `.ssh` may hold keys.
    pub home: Option<PathBuf>,
    /// The folders of the user's configuration: `XDG_CONFIG_HOME`, or `.config` in the home folder, and on macOS also
    /// `Library/Application Support`.
    pub config: Vec<PathBuf>,
    /// Whether there may be a terminal to ask on.
    pub terminal: bool,
}

/// Three variables that name keys.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Keys themselves.
    pub key: Option<Masked<String>>,
    /// A key file, or a folder of key files.
    pub file: Option<PathBuf>,
    /// A program with arguments that prints keys. It is run without a shell.
    pub command: Option<String>,
}

impl Process {
    /// Picks what leads to identities out of the variables of a process. Empty variables count as not set.
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = set("HOME").map(PathBuf::from);
        Self {
            weft: Variables::of("WEFT_AGE_KEY", &set),
            sops: Variables::of("SOPS_AGE_KEY", &set),
            ssh: Variables { key: None, ..Variables::of("SOPS_AGE_SSH_PRIVATE_KEY", &set) },
            passphrase: set(person::VARIABLE).map(Masked::new),
            config: config(set("XDG_CONFIG_HOME"), home.as_deref(), cfg!(target_os = "macos")),
            home,
            terminal: true,
        }
    }
}

impl Variables {
    fn of(name: &str, set: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            key: set(name).map(Masked::new),
            file: set(&format!("{name}_FILE")).map(PathBuf::from),
            command: set(&format!("{name}_CMD")),
        }
    }
}

fn config(xdg: Option<String>, home: Option<&Path>, macos: bool) -> Vec<PathBuf> {
    if let Some(xdg) = xdg {
        return vec![xdg.into()];
    }
    let folders = [Some(".config"), macos.then_some("Library/Application Support")];
    folders.into_iter().flatten().filter_map(|folder| Some(home?.join(folder))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_folders_are_those_of_sops() {
        let home = Some(Path::new("/home/me"));
        let of = |xdg: Option<&str>, macos| config(xdg.map(str::to_owned), home, macos);
        assert_eq!(of(Some("/x"), true), [PathBuf::from("/x")]);
        assert_eq!(of(None, false), [PathBuf::from("/home/me/.config")]);
        let both = ["/home/me/.config", "/home/me/Library/Application Support"].map(PathBuf::from);
        assert_eq!(of(None, true), both);
        assert_eq!(config(None, None, true), [] as [PathBuf; 0]);
    }
}
