//! One resource on its way through a build.

use super::id::Id;
use super::provenance::Provenance;
use super::scopes::Scopes;
use super::texts::Texts;
use weft_base::value::{Data, Map, Value};
use weft_schema::Gvk;
use weft_schema::patch::scalar_text;

/// An object and what the build has to know of it.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// The object.
    pub body: Value,
    /// The texts of leaves as they were written.
    pub texts: Texts,
    /// The identities that it had before, oldest first.
    pub previous: Vec<Id>,
    /// The prefixes that its name got, innermost first.
    pub prefixes: Vec<String>,
    /// The suffixes that its name got, innermost first.
    pub suffixes: Vec<String>,
    /// Whether its name is to get a hash of its content.
    pub hashed: bool,
    /// The digests of the encrypted files that it was made of, as they are in the repository.
    pub sealed: Vec<String>,
    /// Whether a generator made it.
    pub is_generated: bool,
    /// What a generated resource does with one that is there.
    pub behavior: Behavior,
    /// The variables that read from it.
    pub variables: Vec<String>,
    /// Where it came from, where that is asked for.
    pub provenance: Option<Provenance>,
    /// What changed it since.
    pub transformations: Vec<Provenance>,
    /// Whether a chart made it: it has its namespace from there.
    pub of_chart: bool,
    /// The kinds without a namespace of the build that it is in.
    pub scopes: Scopes,
}

/// What a generated resource does with one of the same identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// There must be none.
    #[default]
    Create,
    /// It takes the other's place.
    Replace,
    /// Its data are merged over the other's.
    Merge,
}

impl Behavior {
    /// The behaviour of a word; unknown ones create, as in kustomize.
    pub fn of(word: &str) -> Self {
        match word {
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Create,
        }
    }
}

impl Resource {
    /// A resource without a past.
    pub fn new(body: Value) -> Self {
        Self { body, ..Self::default() }
    }

    /// Its kind, as it is now.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(&self.text(&["apiVersion"]), &self.text(&["kind"]))
    }

    /// Its name, as it is now.
    pub fn name(&self) -> String {
        self.text(&["metadata", "name"])
    }

    /// Its namespace, as it is written now.
    pub fn namespace(&self) -> String {
        self.text(&["metadata", "namespace"])
    }

    /// The text of a leaf; empty where there is none.
    pub fn text(&self, keys: &[&str]) -> String {
        self.body.dig(keys).map(scalar_text).unwrap_or_default().into_owned()
    }

    /// Its identity, as it is now.
    pub fn id(&self) -> Id {
        let gvk = self.gvk();
        let cluster = self.scopes.is_cluster_scoped(&gvk);
        Id { gvk, name: self.name(), namespace: self.namespace(), cluster }
    }

    /// The identity that it was loaded with.
    pub fn original_id(&self) -> Id {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    /// The identities that it had, oldest first. Their version is the present one.
    pub fn previous_ids(&self) -> impl Iterator<Item = Id> + '_ {
        let now = self.gvk();
        self.previous.iter().map(move |id| {
            let gvk = Gvk { kind: id.gvk.kind.clone(), ..now.clone() };
            Id { gvk, ..id.clone() }
        })
    }

    /// All identities: those that it had, then the present one.
    pub fn ids(&self) -> Vec<Id> {
        self.previous_ids().chain([self.id()]).collect()
    }

    /// Remembers the present identity, before it changes.
    pub fn remember_id(&mut self) {
        let id = self.id();
        let namespace = id.effective_namespace().to_owned();
        self.previous.push(Id { namespace, cluster: false, ..id });
    }

    /// Whether kustomize would keep notes of it in annotations while it builds.
    pub fn has_notes(&self) -> bool {
        self.hashed || self.is_generated || self.of_chart || !self.previous.is_empty()
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: &str) {
        if let Some(metadata) = self.metadata() {
            metadata.get_or_insert("name").data = Data::Text(name.to_owned());
        }
    }

    /// Sets the namespace; an empty one removes it.
    pub fn set_namespace(&mut self, namespace: &str) {
        let Some(metadata) = self.metadata() else { return };
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace", namespace);
        }
    }

    /// Sets the kind.
    pub fn set_kind(&mut self, kind: &str) {
        if let Some(map) = self.body.as_map_mut() {
            map.insert("kind", kind);
        }
    }

    /// The map `metadata`, made where it is missing.
    pub fn metadata(&mut self) -> Option<&mut Map> {
        self.body.as_map_mut().and_then(|map| map_under(map, "metadata"))
    }

    /// An annotation's text.
    pub fn annotation(&self, key: &str) -> Option<String> {
        self.body.dig(&["metadata", "annotations", key]).map(|it| scalar_text(it).into_owned())
    }

    /// Sets an annotation.
    pub fn annotate(&mut self, key: &str, value: &str) {
        if let Some(annotations) = self.metadata().and_then(|metadata| map_under(metadata, "annotations")) {
            annotations.insert(key, value);
        }
    }

    /// Makes annotations the texts that the server takes, and leaves out a map without any.
    pub fn tidy_annotations(&mut self) {
        let texts = &self.texts;
        let Some(metadata) = self.body.as_map_mut().and_then(|map| map.get_mut("metadata")).and_then(Value::as_map_mut)
        else {
            return;
        };
        match metadata.get_mut("annotations").map(|it| &mut it.data) {
            Some(Data::Map(map)) if !map.is_empty() => {
                for entry in map {
                    if !entry.value.is_masked() {
                        // kustomize takes what is written for the text.
                        let is_written = entry.value.is_null() && entry.value.origin.mark.column > 0;
                        let text = if is_written { "null".to_owned() } else { texts.text(&entry.value) };
                        entry.value.data = Data::Text(text);
                    }
                }
            }
            Some(Data::Map(_) | Data::Null) => {
                metadata.remove("annotations");
            }
            _ => {}
        }
    }
}

/// The map under a key of another, made where there is none.
pub fn map_under<'m>(map: &'m mut Map, key: &str) -> Option<&'m mut Map> {
    let value = map.get_or_insert(key);
    if value.as_map().is_none() {
        value.data = Data::Map(Map::new());
    }
    value.as_map_mut()
}
