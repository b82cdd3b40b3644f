//! A helmfile as a whole for one environment: its parts, its bases and the values that templates see.

use std::sync::Arc;

use super::{Helmfile, folder_of};
use crate::import::ImportError;
use crate::import::draft::{Drafting, laid};
use crate::import::gotmpl::{Scope, Undefined};
use weft_base::tree::{self, Tree};
use weft_base::value::{Data, Map, Value};
use weft_base::yaml::{self, Rules};

/// How deep bases may have bases.
const DEEPEST: usize = 20;

/// The environments that a helmfile and its bases name.
pub fn environments(files: &Tree, helmfile: &Helmfile<'_>) -> Result<Vec<String>, ImportError> {
    let mut found = Vec::new();
    let scope = Scope::new("default", helmfile.variables);
    collect(files, helmfile.path, &scope, 0, &mut found)?;
    Ok(if found.is_empty() { vec!["default".to_owned()] } else { found })
}

fn collect(files: &Tree, path: &str, scope: &Scope, depth: usize, found: &mut Vec<String>) -> Result<(), ImportError> {
    if depth > DEEPEST {
        return Err(ImportError::Circle { file: path.to_owned() });
    }
    let file = Arc::new(path.to_owned());
    for part in parts(files.text(path)?) {
        for document in outline(&part, &file, scope) {
            for base in bases(&document, path)? {
                collect(files, &base, scope, depth + 1, found)?;
            }
            let named = document.get("environments").and_then(Value::as_map);
            for name in named.into_iter().flat_map(Map::keys) {
                if !found.iter().any(|it| it == name) {
                    found.push(name.to_owned());
                }
            }
        }
    }
    Ok(())
}

/// What a part says before the values are known that its templates see: as helmfile does, it is read once to find its
/// environments. Lines with templates that fail are left out.
fn outline(part: &str, file: &Arc<String>, scope: &Scope) -> Vec<Value> {
    let read = |text: &str| yaml::documents(text, file, Rules::Kubernetes).ok();
    let rendered = scope.rendered(part, file, Undefined::Nothing).ok();
    if let Some(documents) = rendered.and_then(|text| read(&text)) {
        return documents;
    }
    let plain: String = part.lines().filter(|line| !line.contains("{{")).flat_map(|line| [line, "\n"]).collect();
    read(&plain).unwrap_or_default()
}

/// The files that a part is laid over.
fn bases(document: &Value, path: &str) -> Result<Vec<String>, ImportError> {
    let named = document.get("bases").and_then(Value::as_list).unwrap_or_default();
    let join = |it: &str| Ok(tree::join(&folder_of(path), it)?);
    named.iter().filter_map(Value::as_str).map(join).collect()
}

/// The parts of a helmfile, which are rendered one after the other. Each begins with blank lines in place of those before
/// it, so that errors name the right line.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for (before, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            parts.push("\n".repeat(before + 1));
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

/// A helmfile as it is for one environment.
pub struct State {
    /// All that it and its bases say.
    pub whole: Map,
    /// What templates see.
    pub scope: Scope,
}

impl State {
    /// Reads a helmfile and its bases.
    pub fn load(
        files: &Tree,
        helmfile: &Helmfile<'_>,
        environment: &str,
        draft: &mut Drafting<'_, '_>,
    ) -> Result<Self, ImportError> {
        let mut reading = Reading {
            files,
            environment,
            draft,
            shared: Map::new().into(),
            own: Map::new().into(),
            state: Self { whole: Map::new(), scope: Scope::new(environment, helmfile.variables) },
        };
        reading.file(helmfile.path, 0)?;
        Ok(reading.state)
    }

    /// Lays what a part says over what is there. Lists grow, as in helmfile.
    fn add(&mut self, part: Map) {
        for entry in part {
            let value = match (self.whole.remove(&entry.key), entry.value) {
                (Some(Value { data: Data::List(mut below), origin }), Value { data: Data::List(above), .. }) => {
                    below.extend(above);
                    Value { data: Data::List(below), origin }
                }
                (Some(below), above) => laid(below, above),
                (None, above) => above,
            };
            self.whole.insert(entry.key.as_str(), value);
        }
    }
}

struct Reading<'a, 'd, 'r> {
    files: &'a Tree,
    environment: &'a str,
    draft: &'a mut Drafting<'d, 'r>,
    /// The values of all environments (`values:`).
    shared: Value,
    /// The values of this environment, which win.
    own: Value,
    state: State,
}

impl Reading<'_, '_, '_> {
    fn file(&mut self, path: &str, depth: usize) -> Result<(), ImportError> {
        if depth > DEEPEST {
            return Err(ImportError::Circle { file: path.to_owned() });
        }
        let file = Arc::new(path.to_owned());
        for part in parts(self.files.text(path)?) {
            self.part(&part, &file, depth)?;
        }
        Ok(())
    }

    /// A part sees the values that it and those before it declare.
    fn part(&mut self, part: &str, file: &Arc<String>, depth: usize) -> Result<(), ImportError> {
        let outline = outline(part, file, &self.state.scope);
        for document in &outline {
            for base in bases(document, file)? {
                self.file(&base, depth + 1)?;
            }
        }
        let before = (self.shared.clone(), self.own.clone());
        if part.contains("{{") {
            for document in &outline {
                self.declare(document, file)?;
            }
        }
        let rendered = self.state.scope.render(part, file)?;
        (self.shared, self.own) = before;
        for document in yaml::documents(&rendered, file, Rules::Kubernetes)? {
            self.declare(&document, file)?;
            if let Data::Map(map) = document.data {
                self.state.add(map);
            }
        }
        Ok(())
    }

    /// Takes the values that a part declares, which templates see.
    fn declare(&mut self, document: &Value, file: &Arc<String>) -> Result<(), ImportError> {
        for entry in document.get("values").and_then(Value::as_list).unwrap_or_default() {
            let values = self.values(entry, None, file)?;
            self.shared = laid(std::mem::take(&mut self.shared), values);
        }
        if let Some(own) = document.dig(&["environments", self.environment]) {
            for entry in own.get("values").and_then(Value::as_list).unwrap_or_default() {
                let values = self.values(entry, own.get("missingFileHandler"), file)?;
                self.own = laid(std::mem::take(&mut self.own), values);
            }
            if own.get("secrets").is_some() {
                self.draft.note(format!(
                    "`secrets` of the environment `{}` is left out: values that templates alone see are not kept. Name \
                     what they hold in the `secrets` of the releases.",
                    self.environment
                ));
            }
        }
        self.state.scope.values = laid(self.shared.clone(), self.own.clone());
        Ok(())
    }

    /// Values in place, or those of a file.
    fn values(&mut self, entry: &Value, handler: Option<&Value>, file: &Arc<String>) -> Result<Value, ImportError> {
        let Some(named) = entry.as_str() else { return Ok(entry.clone()) };
        let path = tree::join(&folder_of(file), named)?;
        if !self.files.contains(&path) {
            if handler.and_then(Value::as_str).is_some_and(|it| it != "Error") {
                self.draft.note(format!("`{named}`, which `{file}` names, is not there."));
                return Ok(Map::new().into());
            }
            let owner = format!("`{file}`");
            return Err(ImportError::NoValues { path: named.to_owned(), owner });
        }
        let text = self.files.text(&path)?;
        let name = Arc::new(path.clone());
        let text = if path.ends_with(".gotmpl") { self.state.scope.render(text, &name)? } else { text.to_owned() };
        Ok(crate::chart::values(&text, &name, Rules::Kubernetes)?)
    }
}
