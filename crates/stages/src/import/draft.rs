//! What an import is about to write.

use std::sync::Arc;

use super::entry::Release;
use super::error::ImportError;
use super::secretive::{is_filled, part};
use weft_base::tree::Tree;
use weft_base::value::{Data, Entry, Value};
use weft_base::yaml::{self, Rules as YamlRules};
use weft_sops::{self as sops, File, RULES, Random};

/// What an import writes, once all of it is decided.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The files by their path from the root, in the order in which people are told them.
    pub files: Vec<(String, Vec<u8>)>,
    /// Those of them that replace a file: environments that get one more release.
    pub replaced: Vec<String>,
    /// What could not be carried over, and why; each a full sentence.
    pub notes: Vec<String>,
}

/// What is done about values that look secret.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whether they are left out if no rule of `.sops.yaml` says who may read them.
    pub without_secrets: bool,
    /// Paths of values that are no secrets though they look like ones.
    pub plain: Vec<String>,
}

/// What encryption needs from outside.
pub struct Encryption<'a> {
    /// Random bytes.
    pub random: Box<Random<'a>>,
    /// The time in RFC 3339.
    pub now: String,
}

/// A draft that is being made.
pub(super) struct Drafting<'a, 'r> {
    project: &'a Tree,
    pub rules: &'a Rules,
    encryption: Encryption<'r>,
    draft: Draft,
}

impl<'a, 'r> Drafting<'a, 'r> {
    /// An empty draft for a project with these files.
    pub fn new(project: &'a Tree, rules: &'a Rules, encryption: Encryption<'r>) -> Self {
        Self { project, rules, encryption, draft: Draft::default() }
    }

    /// Says what could not be carried over, and why.
    pub fn note(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.draft.notes.contains(&sentence) {
            self.draft.notes.push(sentence);
        }
    }

    /// Adds a file, by its path from the root.
    pub fn add(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let path = path.into();
        self.draft.files.retain(|(it, _)| *it != path);
        self.draft.files.push((path, bytes.into()));
    }

    /// Adds values in two files: what looks secret encrypted, the rest as it is. Says whether there is a
    /// file of secrets.
    pub fn values(&mut self, plain: &str, secret: &str, values: Value) -> Result<bool, ImportError> {
        let parted = part(values, &self.rules.plain);
        if is_filled(&parted.clear) {
            self.add(plain, yaml::write(&parted.clear));
        }
        if parted.paths.is_empty() {
            return Ok(false);
        }
        let names = parted.paths.iter().map(|it| format!("`{it}`")).collect();
        self.secret(secret, &parted.hidden, names)
    }

    /// Adds a file of secret values, encrypted as `.sops.yaml` says; `names` are told if there is no rule for it. Says
    /// whether it is written.
    pub fn secret(&mut self, path: &str, values: &Value, names: Vec<String>) -> Result<bool, ImportError> {
        let rule = if self.project.contains(RULES) {
            sops::rules(self.project.text(RULES)?, &Arc::new(RULES.to_owned()))?.rule_for(path).ok()
        } else {
            None
        };
        if let Some(rule) = rule {
            let file = File::new(yaml::write(values).as_bytes(), &Arc::new(path.to_owned()), &rule)?;
            let encrypted = file.write(&mut *self.encryption.random, &self.encryption.now)?;
            self.add(path, encrypted);
            return Ok(true);
        }
        if self.rules.without_secrets {
            self.note(format!("Left out, since they look secret: {}.", names.join(", ")));
            return Ok(false);
        }
        Err(ImportError::NoRule { path: path.to_owned(), values: names })
    }

    /// Adds releases to an environment, which is made if it is not there. `context` is the context of a kubeconfig that a
    /// new one gets as its cluster.
    pub fn environment(&mut self, name: &str, context: Option<&str>, releases: &[Release]) -> Result<(), ImportError> {
        let path = environment_file(name);
        let text: String = releases.iter().map(Release::text).collect();
        if !self.project.contains(&path) {
            self.add(path, format!("{}releases:\n{text}", cluster(context)));
            return Ok(());
        }
        let before = self.project.text(&path)?;
        let document = yaml::document(before, &Arc::new(path.clone()), YamlRules::Strict)?;
        let declared = document.get("releases").and_then(Value::as_list).unwrap_or_default();
        let names: Vec<&str> = declared.iter().filter_map(|it| it.get("name").and_then(Value::as_str)).collect();
        if let Some(release) = releases.iter().find(|it| names.contains(&it.name.as_str())) {
            return Err(ImportError::Declared { path, release: release.name.clone() });
        }
        let last = document.as_map().and_then(|map| map.iter().last()).map(|entry| entry.key.as_str());
        let end = if before.ends_with('\n') { "" } else { "\n" };
        let is_block = before.lines().any(|line| line.trim_end() == "releases:");
        let after = match (document.get("releases"), last) {
            (None, _) => format!("{before}{end}releases:\n{text}"),
            (Some(_), Some("releases")) if is_block => format!("{before}{end}{text}"),
            _ => {
                let release = releases.first().map(|it| it.name.clone()).unwrap_or_default();
                return Err(ImportError::NoPlace { path, release });
            }
        };
        self.draft.replaced.push(path.clone());
        self.add(path, after);
        Ok(())
    }

    /// The whole of it.
    pub fn finish(self) -> Draft {
        self.draft
    }
}

fn environment_file(name: &str) -> String {
    format!("environments/{name}/environment.yaml")
}

/// What stands above the releases of a new environment.
fn cluster(context: Option<&str>) -> String {
    match context {
        Some(context) => format!("cluster: {{context: {}}}\n", super::entry::quoted(context)),
        None => "cluster: {}\n".to_owned(),
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
