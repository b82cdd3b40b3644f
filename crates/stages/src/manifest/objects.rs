//! A document -> an [`Object`]: who it is, where it lives, its canonical form.

use std::sync::Arc;

use super::hooks::{Occasion, Role, Terms};
use super::names::Rule;
use super::place::Source;
use super::set::PART_OF;
use super::{ManifestError, Object, ObjectId, canonical, hooks, kinds, lint};
use crate::project::Release;
use weft_base::diagnostic::{Place, cut};
use weft_base::value::{Data, Map, Mark, Value};
use weft_schema::{Discovery, Gvk, Scope};

/// What an object is made in: its release, the file it stands in, and the kinds that there are.
pub struct Setting<'a> {
    /// The release.
    pub release: &'a Release,
    /// The id of the release's set.
    pub set: &'a str,
    /// The rendered file.
    pub source: Source<'a>,
    /// The kinds, those of the plan's CRDs included.
    pub discovery: &'a Discovery,
}

impl Setting<'_> {
    /// Makes the object of a document, and says what is suspicious about it.
    pub fn object(&self, mut document: Value, role: &Role) -> Result<(Object, Vec<String>), ManifestError> {
        if matches!(role, Role::Hook(_)) {
            name_by_beginning(&mut document);
        }
        let gvk = Gvk::new(&self.text(&document, "apiVersion")?, &self.text(&document, "kind")?);
        let start = document.origin.clone();
        let resource = kinds::find(&gvk, self.discovery, || self.at(&document, &["kind"]))?;
        let name = self.name(&document, &gvk)?;
        let mut warnings = Vec::new();
        let written = self.namespace(&document)?;
        let namespace = match resource.scope {
            Scope::Namespaced => Some(written.unwrap_or_else(|| self.release.namespace.clone())),
            Scope::Cluster => {
                if written.is_some() {
                    warnings.push(self.not_namespaced(&document, &gvk, &name));
                }
                None
            }
        };
        let id = ObjectId { kind: gvk.group_kind(), namespace, name };
        if let Some(body) = document.as_map_mut() {
            warnings.extend(canonical::canonical(body, &id, self.source)?);
            self.place(body, &id)?;
        }
        lint::check(&document, &id, self.source)?;
        let release = Arc::clone(&self.release.name);
        Ok((Object { id, gvk, release, body: document, origin: start, implicit: false }, warnings))
    }

    /// What the annotations of a document make its object.
    pub fn role(&self, document: &Value) -> Result<Role, ManifestError> {
        hooks::role(document).map_err(|unknown| {
            let at = self.at(document, &["metadata", "annotations", unknown.key]);
            let name = document.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default().to_owned();
            ManifestError::Hook { name, unknown, at }
        })
    }

    /// Refuses a hook that is kept for the deletion of its release and holds a secret.
    pub fn check_kept(&self, object: &Object, terms: &Terms) -> Result<(), ManifestError> {
        let is_kept = terms.points.iter().any(|point| point.occasion == Occasion::Delete);
        match secret_in(&object.body).filter(|_| is_kept) {
            Some(mark) => Err(ManifestError::HookSecret { id: object.id.clone().into(), at: self.source.bare(mark) }),
            None => Ok(()),
        }
    }

    /// Writes the namespace, and the label of the release's set.
    fn place(&self, body: &mut Map, id: &ObjectId) -> Result<(), ManifestError> {
        let Some(metadata) = body.get_mut("metadata").and_then(Value::as_map_mut) else { return Ok(()) };
        match &id.namespace {
            Some(namespace) => drop(metadata.insert("namespace", namespace.as_str())),
            None => drop(metadata.remove("namespace")),
        }
        let labels = metadata.get_or_insert("labels");
        if labels.is_null() {
            *labels = Map::new().into();
        }
        // Labels that are no map are the server's to refuse.
        let Some(labels) = labels.as_map_mut() else { return Ok(()) };
        if let Some(entry) = labels.entry(PART_OF) {
            return Err(ManifestError::ReservedLabel {
                id: id.clone().into(),
                at: self.source.place(entry.mark, PART_OF.len()),
            });
        }
        labels.insert(PART_OF, self.set);
        Ok(())
    }

    fn namespace(&self, document: &Value) -> Result<Option<String>, ManifestError> {
        const NAMESPACE: &str = "metadata.namespace";
        let namespace = self.optional(document, &["metadata", "namespace"], NAMESPACE)?;
        if let Some(namespace) = &namespace {
            self.check_name(document, NAMESPACE, namespace, Rule::Label)?;
        }
        Ok(namespace)
    }

    fn name(&self, document: &Value, gvk: &Gvk) -> Result<String, ManifestError> {
        const NAME: &str = "metadata.name";
        if let Some(name) = self.optional(document, &["metadata", "name"], NAME)? {
            self.check_name(document, NAME, &name, Rule::for_kind(&gvk.group_kind()))?;
            return Ok(name);
        }
        match document.get("metadata").and_then(Value::as_map) {
            Some(metadata) if metadata.get("generateName").is_some_and(|value| !value.is_null()) => {
                Err(canonical::forbidden(metadata, "generateName", gvk.to_string(), self.source))
            }
            _ => Err(ManifestError::Missing { field: NAME, at: self.at(document, &[]) }),
        }
    }

    /// Refuses a name that no server accepts: it would break paths and outputs before a server says so.
    fn check_name(&self, document: &Value, field: &'static str, name: &str, rule: Rule) -> Result<(), ManifestError> {
        let Some(problem) = rule.problem(name) else { return Ok(()) };
        let keys: Vec<&str> = field.split('.').collect();
        let name = cut(name).escape_debug().to_string();
        let at = self.at(document, &keys);
        Err(ManifestError::Name { field, name, problem, hint: rule.hint(), at })
    }

    fn text(&self, document: &Value, field: &'static str) -> Result<String, ManifestError> {
        self.optional(document, &[field], field)?
            .ok_or_else(|| ManifestError::Missing { field, at: self.at(document, &[]) })
    }

    /// The text of a field; `None` where it is missing, null or empty.
    fn optional(&self, document: &Value, keys: &[&str], field: &'static str) -> Result<Option<String>, ManifestError> {
        match document.dig(keys) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) if value.is_masked() => {
                Err(ManifestError::SecretIdentity { field, at: self.source.bare(value.origin.mark) })
            }
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
                None => Err(ManifestError::NoText { field, found: value.kind(), at: self.at(document, keys) }),
            },
        }
    }

    /// The place of a field of a document. What is around a Secret is not shown.
    fn at(&self, document: &Value, keys: &[&str]) -> Place {
        let value = document.dig(keys).unwrap_or(document);
        let width = value.as_str().map_or(1, |text| text.chars().count());
        let patched = value.origin.file.as_ref().is_some_and(|file| file != self.source.path());
        match document.get("kind").and_then(Value::as_str) {
            _ if patched => Place::bare(value.origin.clone()),
            Some("Secret") => self.source.bare(value.origin.mark),
            _ => self.source.place(value.origin.mark, width),
        }
    }

    fn not_namespaced(&self, document: &Value, gvk: &Gvk, name: &str) -> String {
        let origin = self.at(document, &["metadata", "namespace"]).origin;
        format!(
            "`{} {name}`: `metadata.namespace` is left out, since the kind has no namespaces ({origin}).",
            gvk.group_kind()
        )
    }
}

/// Where the first secret of a value is.
fn secret_in(value: &Value) -> Option<Mark> {
    match &value.data {
        Data::Masked(_) => Some(value.origin.mark),
        Data::List(items) => items.iter().find_map(secret_in),
        Data::Map(map) => map.iter().find_map(|entry| secret_in(&entry.value)),
        _ => None,
    }
}

/// Gives a hook without a name the beginning that it wants for it: what it says becomes the rest.
fn name_by_beginning(document: &mut Value) {
    let Some(metadata) = document.as_map_mut().and_then(|it| it.get_mut("metadata")).and_then(Value::as_map_mut) else {
        return;
    };
    if metadata.get("name").is_none()
        && let Some(beginning) = metadata.remove("generateName").as_ref().and_then(Value::as_str)
    {
        let name = beginning.trim_end_matches('-').to_owned();
        metadata.insert("name", name);
    }
}
