//! The values of a release, its secrets and its patches.

use std::sync::Arc;

use super::Import;
use super::entry::{field, listed, texts};
use crate::cli::files;
use crate::cli::import::draft::{ImportError, is_filled, laid, leaves};
use crate::cli::import::gotmpl;
use crate::diagnostic::Failure;
use crate::secrets;
use crate::value::{Data, Map, Value};
use crate::values::{self, SetKind};
use crate::yaml::{self, Rules};

/// What a file of values came to.
enum Found {
    /// It can be named as it is, by this path from the root.
    InPlace(String),
    /// Its values.
    Rendered(Value),
    /// It is not there, and need not be.
    Nothing,
}

impl Import<'_, '_> {
    /// The entries of `values`, and what `set` sets.
    pub(super) fn values(&mut self, release: &Value, original: &str, name: &str) -> Result<String, Failure> {
        let mut listed = Vec::new();
        let mut secret = Value::from(Map::new());
        for (at, entry) in release.get("values").and_then(Value::as_list).unwrap_or_default().iter().enumerate() {
            let (text, file) = match entry.as_str() {
                None => (None, entry.clone()),
                Some(path) => match self.values_file(path, release, original)? {
                    Found::InPlace(path) => {
                        listed.push(Value::from(path.as_str()));
                        continue;
                    }
                    Found::Rendered(values) => (Some(path), values),
                    Found::Nothing => continue,
                },
            };
            let place = format!("environments/{}/imported/{name}-{}.yaml", self.name, at + 1);
            let (clear, hidden) = self.draft.parted(file);
            if is_filled(&hidden) {
                secret = laid(secret, hidden);
            }
            match text {
                Some(path) => {
                    self.draft.note(format!("`{path}` is rendered once: its templates are not kept."));
                    self.draft.add(place, yaml::write(&clear));
                    listed.push(Value::from(format!("./imported/{name}-{}.yaml", at + 1).as_str()));
                }
                None if is_filled(&clear) => listed.push(clear),
                None => {}
            }
        }
        if let Some(values) = self.set(release, original)? {
            let (clear, hidden) = self.draft.parted(values);
            secret = laid(secret, hidden);
            if is_filled(&clear) {
                listed.push(clear);
            }
        }
        self.hidden = secret;
        Ok(if listed.is_empty() { String::new() } else { field("values", &Value::from(Data::List(listed))) })
    }

    /// What `set` sets.
    fn set(&mut self, release: &Value, original: &str) -> Result<Option<Value>, Failure> {
        let mut set = Vec::new();
        for entry in release.get("set").and_then(Value::as_list).unwrap_or_default() {
            let of = |key: &str| entry.get(key).map(|it| crate::patch::scalar_text(it).into_owned());
            match (of("name"), of("value")) {
                (Some(path), Some(value)) => set.push(values::parse_set(&format!("{path}={value}"), SetKind::Typed)?),
                (path, _) => self.draft.note(format!(
                    "`set` of `{}` in the release `{original}` is left out: only plain values are kept.",
                    path.unwrap_or_default()
                )),
            }
        }
        Ok((!set.is_empty()).then(|| values::merge(set).by_user))
    }

    fn values_file(&mut self, path: &str, release: &Value, original: &str) -> Result<Found, Failure> {
        let place = self.folder.join(path);
        if !place.is_file() {
            let quiet = release.get("missingFileHandler").and_then(Value::as_str).is_some_and(|it| it != "Error");
            if quiet {
                return Ok(Found::Nothing);
            }
            let what = format!("the values `{path}` of the release `{original}` are not there");
            return Err(ImportError::unfit(what, "Correct the path: it counts from the folder of the helmfile.").into());
        }
        let text = files::read(&place)?;
        let file = Arc::new(path.to_owned());
        let is_template = path.ends_with(".gotmpl");
        let text = if is_template { gotmpl::render(&text, &file, &self.of(release))? } else { text };
        let values = crate::chart::values(&text, &file, Rules::Kubernetes)?;
        let (_, hidden) = self.draft.parted(values.clone());
        match self.draft.real_path(&place) {
            Some(path) if !is_template && !is_filled(&hidden) => Ok(Found::InPlace(format!("/{path}"))),
            _ => Ok(Found::Rendered(values)),
        }
    }

    /// The encrypted files of a release, and the values of its others that look secret.
    pub(super) fn secrets(&mut self, release: &Value, original: &str, name: &str) -> Result<String, Failure> {
        let mut kept = Vec::new();
        let folder = format!("secrets/{}", self.name);
        for (at, path) in texts(release.get("secrets")).iter().enumerate() {
            let bytes = files::bytes(&self.folder.join(path))?;
            if !secrets::is_encrypted(&bytes) {
                let what = format!("`{path}`, a secret of the release `{original}`, is not encrypted");
                return Err(ImportError::unfit(
                    what,
                    "Encrypt it with `weft secrets encrypt`, or list it under `values`.",
                )
                .into());
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

    pub(super) fn patches(&mut self, release: &Value, original: &str) -> Result<String, Failure> {
        let mut all = Vec::new();
        for key in ["strategicMergePatches", "jsonPatches"] {
            for entry in release.get(key).and_then(Value::as_list).unwrap_or_default() {
                let patch = match entry.as_str() {
                    Some(path) if !path.contains('\n') && self.folder.join(path).is_file() => yaml::document(
                        &files::read(&self.folder.join(path))?,
                        &Arc::new(path.to_owned()),
                        Rules::Kubernetes,
                    )?,
                    Some(text) => yaml::document(text, &self.file, Rules::Kubernetes)?,
                    None => entry.clone(),
                };
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
        if !all.is_empty() {
            self.draft.note(format!("The patches of the release `{original}` name their objects as the chart renders them: look at the plan."));
        }
        Ok(if all.is_empty() { String::new() } else { field("patches", &Value::from(Data::List(all))) })
    }
}
