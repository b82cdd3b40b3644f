//! What an import is about to write: all of it is made first, and nothing is written where a part cannot be.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use thiserror::Error;

use crate::cli::secrets::{now, random};
use crate::cli::terminal::Terminal;
use crate::cli::{FileError, files, settings};
use crate::diagnostic::{Diagnose, Failure, Kind};
use crate::secrets::{self, File, RULES};
use crate::value::{Data, Entry, Map, Value};
use crate::yaml::{self, Rules};

/// Parts of keys whose texts are taken for secrets.
const SECRETIVE: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "privatekey",
    "private_key",
    "credential",
    "accesskey",
    "connectionstring",
];
/// Ends of keys that only name where a secret is.
const NAMES: [&str; 8] = ["name", "key", "file", "path", "ref", "enabled", "type", "namespace"];

// Where an import writes to, and what it does with secrets.
#[derive(Debug, Args)]
pub(super) struct DraftArgs {
    /// The root of the repository, where `environments/` is or will be.
    #[arg(long, short = 'C', value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
    /// Leave values that look secret out where no rule of `.sops.yaml` says who may read them.
    #[arg(long)]
    pub without_secrets: bool,
    /// A value that is no secret though it looks like one, such as `auth.tokenTTL`. May be repeated.
    #[arg(long, value_name = "PATH")]
    pub plain: Vec<String>,
}

/// Why an import cannot be written.
#[derive(Debug, Error)]
pub(super) enum ImportError {
    /// Values look secret, and nothing says who may read them.
    #[error("values look secret, and no rule of `{RULES}` is for `{path}`: {}", .values.join(", "))]
    NoRule { path: String, values: Vec<String> },
    /// An environment that cannot be added to.
    #[error("`{path}` has no list `releases` at its end, to which `{release}` could be added")]
    NoPlace { path: String, release: String },
    /// An environment that has the release already.
    #[error("`{path}` has a release `{release}` already")]
    Declared { path: String, release: String },
    /// What is to be imported is not what it should be.
    #[error("{what}")]
    Unfit { what: String, hint: &'static str },
}

impl Diagnose for ImportError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRule { .. } => {
                "Make a key with `weft secrets keygen`, name it in `.sops.yaml`, and run this again; or use \
                                    `--without-secrets`, or `--plain PATH` for what is no secret. Nothing was written."
                    .into()
            }
            Self::NoPlace { .. } => {
                "Move `releases` to the end of the file, or import into another environment.".into()
            }
            Self::Declared { .. } => "Take the release out first, or import it into another environment.".into(),
            Self::Unfit { hint, .. } => (*hint).to_owned(),
        })
    }
}

impl ImportError {
    /// Something that is not what it should be.
    pub fn unfit(what: impl Into<String>, hint: &'static str) -> Self {
        Self::Unfit { what: what.into(), hint }
    }
}

/// What is about to be written.
pub(super) struct Draft<'a> {
    args: &'a DraftArgs,
    root: PathBuf,
    files: Vec<(String, Vec<u8>)>,
    /// Files that are replaced: environments that get one more release.
    replaced: Vec<String>,
    notes: Vec<String>,
}

impl<'a> Draft<'a> {
    /// Nothing yet.
    pub fn new(args: &'a DraftArgs) -> Self {
        let root = settings::absolute(&args.project);
        Self { args, root, files: Vec::new(), replaced: Vec::new(), notes: Vec::new() }
    }

    /// The root of the repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file from the root, links followed; `None` for one that is elsewhere, or not there.
    pub fn real_path(&self, place: &Path) -> Option<String> {
        let (real, root) = (place.canonicalize().ok()?, self.root.canonicalize().ok()?);
        real.strip_prefix(root).ok().map(|it| it.to_string_lossy().into_owned())
    }

    /// Says what could not be carried over, and why.
    pub fn note(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.notes.contains(&sentence) {
            self.notes.push(sentence);
        }
    }

    /// A file, by its path from the root.
    pub fn add(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let (path, bytes) = (path.into(), bytes.into());
        self.files.retain(|(it, _)| *it != path);
        self.files.push((path, bytes));
    }

    /// Values in two files: what looks secret encrypted, the rest as it is. Says which of the two there are.
    pub fn values(&mut self, plain: &str, secret: &str, values: Value) -> Result<(bool, bool), Failure> {
        let mut found = Vec::new();
        let (clear, hidden) = self.split(values, &mut Vec::new(), &mut found);
        if is_filled(&clear) {
            self.add(plain, yaml::write(&clear));
        }
        if found.is_empty() {
            return Ok((is_filled(&clear), false));
        }
        let kept = self.secret(secret, &hidden, found)?;
        Ok((is_filled(&clear), kept))
    }

    /// A file of secret values, encrypted as `.sops.yaml` says; `names` are told where there is no rule for it. Says
    /// whether it is written.
    pub fn secret(&mut self, path: &str, values: &Value, names: Vec<String>) -> Result<bool, Failure> {
        let rules = self.root.join(RULES);
        let rule = if rules.is_file() {
            Some(secrets::rules(&files::read(&rules)?, &Arc::new(RULES.to_owned()))?.rule_for(path))
        } else {
            None
        };
        match rule {
            Some(Ok(rule)) => {
                let text = yaml::write(values);
                let encrypted =
                    File::new(text.as_bytes(), &Arc::new(path.to_owned()), &rule)?.write(&mut random, &now())?;
                self.add(path, encrypted);
                Ok(true)
            }
            _ if self.args.without_secrets => {
                self.note(format!("Left out, since they look secret: {}.", names.join(", ")));
                Ok(false)
            }
            _ => Err(ImportError::NoRule { path: path.to_owned(), values: names }.into()),
        }
    }

    /// Adds releases to an environment, which is made where it is not there. `head` stands above the releases of a new
    /// one; each entry is the YAML of a release, beginning with `- name`.
    pub fn environment(&mut self, name: &str, head: &str, entries: &[(String, String)]) -> Result<(), Failure> {
        let path = format!("environments/{name}/environment.yaml");
        let text: String = entries.iter().map(|(_, entry)| entry.as_str()).collect();
        let old = self.root.join(&path);
        if !old.is_file() {
            self.add(path, format!("{head}releases:\n{text}"));
            return Ok(());
        }
        let before = files::read(&old)?;
        let document = yaml::document(&before, &Arc::new(path.clone()), Rules::Strict)?;
        let declared = document.get("releases").and_then(Value::as_list).unwrap_or_default();
        let names: Vec<&str> = declared.iter().filter_map(|it| it.get("name").and_then(Value::as_str)).collect();
        if let Some((release, _)) = entries.iter().find(|(name, _)| names.contains(&name.as_str())) {
            return Err(ImportError::Declared { path, release: release.clone() }.into());
        }
        let last = document.as_map().and_then(|map| map.iter().last()).map(|entry| entry.key.as_str());
        let end = if before.ends_with('\n') { "" } else { "\n" };
        let is_block = before.lines().any(|line| line.trim_end() == "releases:");
        let after = match (document.get("releases"), last) {
            (None, _) => format!("{before}{end}releases:\n{text}"),
            (Some(_), Some("releases")) if is_block => format!("{before}{end}{text}"),
            _ => {
                let release = entries.first().map(|(name, _)| name.clone()).unwrap_or_default();
                return Err(ImportError::NoPlace { path, release }.into());
            }
        };
        self.replaced.push(path.clone());
        self.add(path, after);
        Ok(())
    }

    /// Writes all of it, and tells what was written and what could not be carried over.
    pub fn finish(self, terminal: &Terminal, next: &str) -> Result<(), Failure> {
        let new = |path: &String| !self.replaced.contains(path);
        for (path, bytes) in self.files.iter().filter(|(path, _)| new(path)) {
            let place = self.root.join(path);
            if place.exists() && files::bytes(&place)? != *bytes {
                return Err(FileError::Exists { path: place }.into());
            }
        }
        for (path, bytes) in &self.files {
            files::write(&self.root.join(path), bytes)?;
            terminal.print(&format!("{path}\n"))?;
        }
        for note in &self.notes {
            terminal.warn(note);
        }
        terminal.say(next);
        Ok(())
    }

    /// The values without what looks secret, and what looks so.
    pub fn parted(&self, values: Value) -> (Value, Value) {
        self.split(values, &mut Vec::new(), &mut Vec::new())
    }

    /// The values without what looks secret, and what looks so; `found` gets the paths of the latter.
    fn split(&self, value: Value, path: &mut Vec<String>, found: &mut Vec<String>) -> (Value, Value) {
        let Data::Map(map) = value.data else { return (value, Value::default()) };
        let (mut clear, mut hidden) = (Map::new(), Map::new());
        for entry in map {
            path.push(entry.key.to_string());
            let shown = path.join(".");
            let is_plain = self.args.plain.contains(&shown);
            match &entry.value.data {
                Data::Map(below) if !below.is_empty() && !is_plain => {
                    let (a, b) = self.split(entry.value, path, found);
                    if is_filled(&a) {
                        clear.insert_entry(Entry { key: entry.key.clone(), value: a, mark: entry.mark });
                    }
                    if is_filled(&b) {
                        hidden.insert_entry(Entry { key: entry.key, value: b, mark: entry.mark });
                    }
                }
                data if !is_plain && (is_secretive(&entry.key, data) || holds_key(data)) => {
                    found.push(format!("`{shown}`"));
                    hidden.insert_entry(entry);
                }
                _ => drop(clear.insert_entry(entry)),
            }
            path.pop();
        }
        (clear.into(), hidden.into())
    }
}

/// Whether a key says that its text is a secret.
fn is_secretive(key: &str, data: &Data) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    let is_text = matches!(data, Data::Text(text) if !text.is_empty());
    let names_only = NAMES.iter().any(|end| key.len() > end.len() && key.ends_with(end)) && !key.ends_with("apikey");
    let is_pair = key.ends_with("accesskey") || key.ends_with("private_key") || key.ends_with("privatekey");
    is_text && SECRETIVE.iter().any(|part| key.contains(part)) && (!names_only || is_pair || key.ends_with("api_key"))
}

/// Whether a text holds a private key, a list one of its own, or a map in a list a secret.
fn holds_key(data: &Data) -> bool {
    match data {
        Data::Text(text) => text.contains("PRIVATE KEY-----"),
        Data::List(items) => items.iter().any(|item| match &item.data {
            Data::Map(map) => {
                let named = map.get("name").and_then(Value::as_str).unwrap_or_default();
                map.iter().any(|it| {
                    is_secretive(&it.key, &it.value.data)
                        || holds_key(&it.value.data)
                        || &*it.key == "value" && is_secretive(named, &it.value.data)
                })
            }
            other => holds_key(other),
        }),
        _ => false,
    }
}

/// Values over others: maps merge, anything else replaces.
pub(super) fn laid(below: Value, above: Value) -> Value {
    match (below.data, above.data) {
        (Data::Map(mut below), Data::Map(above)) => {
            for entry in above {
                let value = match below.remove(&entry.key) {
                    Some(old) => laid(old, entry.value),
                    None => entry.value,
                };
                below.insert_entry(Entry { value, ..entry });
            }
            below.into()
        }
        (_, data) => Value { data, origin: above.origin },
    }
}

/// The paths of the leaves of values.
pub(super) fn leaves(values: &Value) -> Vec<String> {
    let Data::Map(map) = &values.data else { return Vec::new() };
    let below = |entry: &Entry| match leaves(&entry.value) {
        none if none.is_empty() => vec![entry.key.to_string()],
        some => some.into_iter().map(|it| format!("{}.{it}", entry.key)).collect(),
    };
    map.iter().flat_map(below).collect()
}

/// Whether it is a map that holds anything.
pub(super) fn is_filled(value: &Value) -> bool {
    value.as_map().is_some_and(|map| !map.is_empty())
}

/// What stands above the releases of a new environment: its cluster, by the context of a kubeconfig.
pub(super) fn head(context: Option<&str>) -> String {
    match context {
        Some(context) => format!("cluster: {{context: {}}}\n", word(context)),
        None => "cluster: {}\n".to_owned(),
    }
}

/// A word as YAML writes it.
pub(super) fn word(text: &str) -> String {
    yaml::write(&Value::from(text)).trim_end().to_owned()
}

/// A name that an environment or a release may have.
pub(super) fn label(text: &str) -> String {
    let plain: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let cut: String = plain.trim_matches('-').chars().take(53).collect();
    if cut.is_empty() { "app".to_owned() } else { cut.trim_end_matches('-').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_told_by_its_key_or_its_text() {
        let text = |it: &str| Data::Text(it.to_owned());
        for key in
            ["password", "adminPassword", "DB_TOKEN", "secretKey".trim_end_matches("Key"), "privateKey", "apiKey"]
        {
            assert!(is_secretive(key, &text("x")), "{key}");
        }
        for key in ["secretName", "existingSecretPasswordKey", "tokenPath", "user", "passwordFile"] {
            assert!(!is_secretive(key, &text("x")), "{key}");
        }
        assert!(!is_secretive("password", &text("")) && !is_secretive("password", &Data::Bool(true)));
        assert!(holds_key(&text("-----BEGIN RSA PRIVATE KEY-----")));
        let env: Value = serde_json::from_str(r#"[{"name": "DB_PASSWORD", "value": "x"}]"#).unwrap();
        assert!(holds_key(&env.data));
    }

    #[test]
    fn names_become_labels() {
        assert_eq!((label("My_App.v1").as_str(), label("--").as_str()), ("my-app-v1", "app"));
    }
}
