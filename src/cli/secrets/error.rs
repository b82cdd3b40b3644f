//! Why a verb on secrets fails beyond the secrets themselves.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

use crate::cli::files::FileError;
use crate::diagnostic::{Diagnose, Kind};
use crate::secrets::RULES;
use crate::value::Path;

/// Why a verb on secrets fails beyond the secrets themselves. No variant holds a value of a file.
#[derive(Debug, Error)]
pub(super) enum SecretsVerbError {
    /// No rules and no recipients.
    #[error("nothing says who can read `{}`", path.display())]
    NoRules { path: PathBuf },
    /// There is no file with rules.
    #[error("there is no `{RULES}` at or above `{}`", start.display())]
    NoRulesFile { start: PathBuf },
    /// A verb over files was given none.
    #[error("which files are meant is not said")]
    NoScope,
    /// No encrypted file is there.
    #[error("no encrypted file that a rule covers is there")]
    NothingFound,
    /// Which rule is meant is not said.
    #[error("`{RULES}` has {} rules, and which is meant is not said", rules.len())]
    ManyRules { rules: Vec<String> },
    /// A rule covers files that were not named.
    #[error("the rule `{rule}` covers more than what was named: {}", listed(files))]
    RuleReaches { rule: String, files: Vec<String> },
    /// A rule is written in a way that only a person can change.
    #[error("the rule `{rule}` is written in a way that cannot be changed by program")]
    ByHand { rule: String, key: String },
    /// A file has fewer groups of keys.
    #[error("`{file}` has no key group {group}")]
    NoGroup { file: String, group: u8, groups: usize },
    /// A key is nowhere.
    #[error("no rule and no file that was named has the key `{key}`")]
    NoReader { key: String },
    /// Nobody would be left.
    #[error("`{key}` is the last key of the rule `{rule}`, or of a group of it")]
    LastReader { key: String, rule: String },
    /// A path of the command line is none.
    #[error("`{text}` is no place in a file: {problem}")]
    Path { text: String, problem: String },
    /// There is nothing at a place.
    #[error("`{file}` has nothing at `{path}`")]
    Absent { file: String, path: Path, around: String },
    /// A value is not the YAML that it is said to be.
    #[error("the value is no YAML")]
    NotYaml,
    /// A value is not text.
    #[error("{place} is not UTF-8 text")]
    NotText { place: String },
    /// No value came.
    #[error("there is no value: standard input is empty")]
    NoValue,
    /// Some files were written, and then one could not be.
    #[error("stopped after {done} files; {left} are as they were")]
    Half {
        done: usize,
        left: usize,
        #[source]
        source: FileError,
    },
    /// The program that opens PGP messages cannot be run.
    #[error("cannot run `{program}`, which opens what is encrypted for PGP keys")]
    Gpg {
        program: String,
        #[source]
        source: io::Error,
    },
    /// No private key of gpg's opens a file.
    #[error("`{program}` cannot open `{file}`, which is encrypted for the PGP keys {}: {problem}", listed(keys))]
    GpgFailed { program: String, file: String, keys: Vec<String>, problem: String },
    /// The editor could not be run.
    #[error("cannot run the editor `{editor}`")]
    Editor {
        editor: String,
        #[source]
        source: io::Error,
    },
    /// The editor failed.
    #[error("the editor `{editor}` ended with {status}")]
    EditorFailed { editor: String, status: ExitStatus },
    /// Plain text would stay where a signal ends us.
    #[error("cannot watch for signals")]
    Signals(#[source] io::Error),
}

impl Diagnose for SecretsVerbError {
    fn kind(&self) -> Kind {
        match self {
            Self::Editor { .. } | Self::EditorFailed { .. } | Self::Signals(_) | Self::Gpg { .. } => Kind::Machine,
            Self::GpgFailed { .. } => Kind::Secret,
            Self::Half { .. } => Kind::Partial,
            _ => Kind::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRules { .. } => {
                format!("Name a public key with `--recipient`, or write a rule into `{RULES}` at the project's root.")
            }
            Self::NoRulesFile { .. } => format!("Write a `{RULES}` at the root of the repository, or name files."),
            Self::NoScope => format!("Name files or folders, or all that `{RULES}` covers with `--all`."),
            Self::NothingFound => "Encrypt a file first with `weft secrets encrypt` or `edit`.".into(),
            Self::ManyRules { rules } => {
                format!("Name a folder, or all rules with `--all`. The rules are {}.", listed(rules))
            }
            Self::RuleReaches { .. } => {
                format!("Write a rule of its own for what you named above it in `{RULES}`, or name the others too.")
            }
            Self::ByHand { key, .. } => {
                format!("Change `{key}` in `{RULES}` by hand, then run `weft secrets rotate` over its files.")
            }
            Self::NoGroup { groups: 1, .. } => "The file has one group; leave `--group` out.".into(),
            Self::NoGroup { groups, .. } => format!("The file has {groups} groups; they count from 1."),
            Self::NoReader { .. } => "See who can read what with `weft secrets who`.".into(),
            Self::LastReader { .. } => "Add another key first with `weft secrets add-recipient`.".into(),
            Self::Path { .. } => r#"Write it like `database.password`, `hosts[0]` or `tls["tls.key"]`."#.into(),
            Self::Absent { around, .. } if around.is_empty() => return None,
            Self::Absent { around, .. } => around.clone(),
            Self::NotYaml => "Without `--yaml` the value is taken as text.".into(),
            Self::NotText { .. } => "Encode it first, for example with `base64`.".into(),
            Self::NoValue => "Pipe the value in, or name a file with `--value-file`; an empty value is `''`.".into(),
            Self::Half { .. } => "Run the same command again; it goes on with the rest.".into(),
            Self::Gpg { .. } => "Install GnuPG, or name its program in `SOPS_GPG_EXEC`.".into(),
            Self::GpgFailed { .. } => "See with `gpg --list-secret-keys` which private keys are there.".into(),
            Self::Editor { .. } => "Set `EDITOR` to a program that waits until the file is closed.".into(),
            Self::EditorFailed { .. } | Self::Signals(_) => "The encrypted file is as it was.".into(),
        })
    }
}

/// Names with the first few said and the others counted.
fn listed(names: &[String]) -> String {
    let said: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
    format!("{}{more}", said.join(", "))
}
