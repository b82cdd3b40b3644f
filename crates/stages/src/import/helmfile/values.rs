//! The values of a release, its secrets and its patches.

use std::sync::Arc;

use super::Import;
use crate::import::ImportError;
use crate::import::draft::{laid, leaves};
use crate::import::entry::{field, listed, texts};
use crate::import::secretive::{is_filled, part};
use crate::values::{self, SetKind};
use weft_base::tree;
use weft_base::value::{Data, Map, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::scalar_text;

/// What a file of values comes to.
enum ValuesFile {
    /// It can be named as it is, by this path from the root.
    InPlace(String),
    /// Its values.
    Content(Value),
    /// It is not there, and need not be.
    Optional,
}

impl Import<'_, '_, '_> {
    /// The entries of `values`, and what `set` sets.
    pub(super) fn values(&mut self, release: &Value, original: &str, name: &str) -> Result<String, ImportError> {
        let mut listed = Vec::new();
        let mut secret = Value::from(Map::new());
        let entries = ["values", "valuesTemplate"].iter().filter_map(|key| release.get(key)?.as_list());
        for (at, entry) in entries.flatten().enumerate() {
            let (path, content) = match entry.as_str() {
                None => (None, entry.clone()),
                Some(path) => match self.values_file(path, release, original)? {
                    ValuesFile::InPlace(path) => {
                        listed.push(Value::from(path.as_str()));
                        continue;
                    }
                    ValuesFile::Content(values) => (Some(path), values),
                    ValuesFile::Optional => continue,
                },
            };
            let parted = part(content, &self.draft.rules.plain);
            if is_filled(&parted.hidden) {
                secret = laid(secret, parted.hidden);
            }
            match path {
                Some(path) => {
                    let place = format!("{name}-{}.yaml", at + 1);
                    self.draft.note(format!("`{path}` is rendered once: its templates are not kept."));
                    self.draft.add(format!("environments/{}/imported/{place}", self.name), yaml::write(&parted.clear));
                    listed.push(Value::from(format!("./imported/{place}").as_str()));
                }
                None if is_filled(&parted.clear) => listed.push(parted.clear),
                None => {}
            }
        }
        if let Some(values) = self.set(release, original)? {
            let parted = part(values, &self.draft.rules.plain);
            secret = laid(secret, parted.hidden);
            if is_filled(&parted.clear) {
                listed.push(parted.clear);
            }
        }
        self.hidden = secret;
        Ok(if listed.is_empty() { String::new() } else { field("values", &Value::from(Data::List(listed))) })
    }

    /// What `set` and its kin set.
    fn set(&mut self, release: &Value, original: &str) -> Result<Option<Value>, ImportError> {
        let mut layers = Vec::new();
        let kinds = [("set", SetKind::Typed), ("setTemplate", SetKind::Typed), ("setString", SetKind::Text)];
        for (key, kind) in kinds {
            for entry in release.get(key).and_then(Value::as_list).unwrap_or_default() {
                let path = entry.get("name").map(|it| scalar_text(it).into_owned()).unwrap_or_default();
                match argument(entry) {
                    Some(value) => layers.push(values::parse_set(&format!("{path}={value}"), kind)?),
                    None => self.draft.note(format!(
                        "`{key}` of `{path}` in the release `{original}` is left out: only plain values are kept."
                    )),
                }
            }
        }
        Ok((!layers.is_empty()).then(|| values::merge(layers).by_user))
    }

    fn values_file(&mut self, path: &str, release: &Value, original: &str) -> Result<ValuesFile, ImportError> {
        let place = tree::join(&self.folder, path)?;
        let files = self.repository.files();
        if !files.contains(&place) {
            let shared = || self.whole.get("missingFileHandler");
            let handler = release.get("missingFileHandler").or_else(shared).and_then(Value::as_str);
            if handler.is_some_and(|it| it != "Error") {
                return Ok(ValuesFile::Optional);
            }
            let owner = format!("the release `{original}`");
            return Err(ImportError::NoValues { path: path.to_owned(), owner });
        }
        let text = files.text(&place)?;
        let file = Arc::new(place.clone());
        let is_template = path.ends_with(".gotmpl");
        let text = if is_template { self.scope_of(release).render(text, &file)? } else { text.to_owned() };
        let values = crate::chart::values(&text, &file, Rules::Kubernetes)?;
        let has_secrets = is_filled(&part(values.clone(), &self.draft.rules.plain).hidden);
        if self.repository.is_inside() && !is_template && !has_secrets {
            return Ok(ValuesFile::InPlace(format!("/{place}")));
        }
        Ok(ValuesFile::Content(values))
    }

    /// The encrypted files of a release, and the values of its others that look secret.
    pub(super) fn secrets(&mut self, release: &Value, original: &str, name: &str) -> Result<String, ImportError> {
        let mut kept = Vec::new();
        let folder = format!("secrets/{}", self.name);
        for (at, path) in texts(release.get("secrets")).iter().enumerate() {
            let place = tree::join(&self.folder, path)?;
            let Some(bytes) = self.repository.files().bytes(&place) else {
                let owner = format!("the release `{original}`");
                return Err(ImportError::NoValues { path: path.clone(), owner });
            };
            if !weft_sops::is_encrypted(bytes) {
                return Err(ImportError::NotEncrypted { path: path.clone(), release: original.to_owned() });
            }
            let file = format!("{name}-{}.yaml", at + 1);
            self.draft.add(format!("{folder}/{file}"), bytes);
            self.draft.note(format!(
                "`{path}` is kept as it is: see `weft secrets who {folder}/{file}` for who can read it."
            ));
            kept.push(file);
        }
        let hidden = std::mem::take(&mut self.hidden);
        if is_filled(&hidden) {
            let names = leaves(&hidden).into_iter().map(|path| format!("`{path}` of `{original}`")).collect();
            if self.draft.secret(&format!("{folder}/{name}.yaml"), &hidden, names)? {
                kept.push(format!("{name}.yaml"));
            }
        }
        Ok(listed("secrets", &kept))
    }

    pub(super) fn patches(&mut self, release: &Value, original: &str) -> Result<String, ImportError> {
        let mut all = Vec::new();
        for key in ["strategicMergePatches", "jsonPatches"] {
            for entry in release.get(key).and_then(Value::as_list).unwrap_or_default() {
                let patch = self.patch(entry)?;
                let mut made = Map::new();
                if key == "jsonPatches" {
                    made.insert("target", patch.get("target").cloned().unwrap_or_default());
                    made.insert("patch", patch.get("patch").cloned().unwrap_or_default());
                } else {
                    made.insert("patch", patch);
                }
                all.push(made.into());
            }
        }
        if all.is_empty() {
            return Ok(String::new());
        }
        self.draft.note(format!(
            "The patches of the release `{original}` name their objects as the chart renders them: look at the plan."
        ));
        Ok(field("patches", &Value::from(Data::List(all))))
    }

    /// A patch in place, in a text or in a file.
    fn patch(&self, entry: &Value) -> Result<Value, ImportError> {
        let Some(text) = entry.as_str() else { return Ok(entry.clone()) };
        let files = self.repository.files();
        let place = tree::join(&self.folder, text).ok().filter(|it| !text.contains('\n') && files.contains(it));
        Ok(match place {
            Some(place) => yaml::document(files.text(&place)?, &Arc::new(place), Rules::Kubernetes)?,
            None => yaml::document(text, &self.file, Rules::Kubernetes)?,
        })
    }
}

/// The value of an entry of `set` as an argument: commas part nothing.
fn argument(entry: &Value) -> Option<String> {
    let text = |it: &Value| scalar_text(it).replace(',', "\\,");
    if let Some(items) = entry.get("values").and_then(Value::as_list) {
        let items: Vec<String> = items.iter().map(text).collect();
        return Some(format!("{{{}}}", items.join(",")));
    }
    entry.get("value").map(text)
}
