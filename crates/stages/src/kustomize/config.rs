//! Which fields each transformer changes: the built-in ones, and those of `configurations` and `crds`.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::KustomizeError;
use super::fields::FieldSpec;
use super::files::Root;
use super::id::Selected;
use super::sort;
use weft_base::value::{Origin, Value};
use weft_base::yaml::{self, Rules};

const BUILTIN: &str = include_str!("fields.yaml");

static BUILTIN_CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    // The table is the crate's own; a test reads it.
    let mut config: Config = yaml::config(BUILTIN, &Arc::new("fields.yaml".to_owned())).unwrap_or_default();
    config.sort();
    Arc::new(config)
});

/// The fields of all transformers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    pub name_prefix: Vec<FieldSpec>,
    pub name_suffix: Vec<FieldSpec>,
    pub namespace: Vec<FieldSpec>,
    pub common_labels: Vec<FieldSpec>,
    pub labels: Vec<FieldSpec>,
    pub template_labels: Vec<FieldSpec>,
    pub volume_claim_template_labels: Vec<FieldSpec>,
    pub common_annotations: Vec<FieldSpec>,
    pub name_reference: Vec<NameReference>,
    pub var_reference: Vec<FieldSpec>,
    pub images: Vec<FieldSpec>,
    pub replicas: Vec<FieldSpec>,
}

/// The fields that hold names of objects of a kind.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NameReference {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub field_specs: Vec<FieldSpec>,
}

impl NameReference {
    /// The kinds whose names they are.
    pub fn selected(&self) -> Selected {
        Selected { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }
}

impl Config {
    /// The built-in fields.
    pub fn builtin() -> Arc<Self> {
        Arc::clone(&BUILTIN_CONFIG)
    }

    /// The built-in fields and those of the files that `configurations` names.
    pub fn load(root: &Root, paths: &[String], origin: &Origin) -> Result<Arc<Self>, KustomizeError> {
        if paths.is_empty() {
            return Ok(Self::builtin());
        }
        let mut config = (*Self::builtin()).clone();
        for path in paths {
            let loaded = root.load(path, origin)?;
            let text = loaded.text()?;
            let document = yaml::document(text, &loaded.file, Rules::Strict)?;
            config.merge(&yaml::from_value(&super::read::without_nulls(document), text)?)?;
        }
        Ok(Arc::new(config))
    }

    /// Adds fields that are not there yet.
    pub fn merge(&mut self, other: &Self) -> Result<(), KustomizeError> {
        merge_all(&mut self.name_prefix, &other.name_prefix)?;
        merge_all(&mut self.name_suffix, &other.name_suffix)?;
        merge_all(&mut self.namespace, &other.namespace)?;
        merge_all(&mut self.common_labels, &other.common_labels)?;
        merge_all(&mut self.labels, &other.labels)?;
        merge_all(&mut self.template_labels, &other.template_labels)?;
        merge_all(&mut self.volume_claim_template_labels, &other.volume_claim_template_labels)?;
        merge_all(&mut self.common_annotations, &other.common_annotations)?;
        merge_all(&mut self.var_reference, &other.var_reference)?;
        merge_all(&mut self.images, &other.images)?;
        merge_all(&mut self.replicas, &other.replicas)?;
        for reference in &other.name_reference {
            match self.name_reference.iter_mut().find(|it| it.selected() == reference.selected()) {
                Some(same) => merge_all(&mut same.field_specs, &reference.field_specs)?,
                None => self.name_reference.push(reference.clone()),
            }
        }
        self.sort();
        Ok(())
    }

    /// Puts the fields of kinds before those of all: whether a field counts as there already depends on the order.
    fn sort(&mut self) {
        let lists = [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.volume_claim_template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ];
        for list in lists {
            list.sort_by_cached_key(|it| sort::kind_key(&it.group, &it.version, &it.kind));
        }
        self.name_reference.sort_by_cached_key(|it| sort::kind_key(&it.group, &it.version, &it.kind));
    }
}

/// Both configurations in one; the built-in one is not merged with itself.
pub fn merged(one: &Arc<Config>, other: &Arc<Config>) -> Result<Arc<Config>, KustomizeError> {
    if Arc::ptr_eq(one, other) {
        return Ok(Arc::clone(one));
    }
    let mut config = (**one).clone();
    config.merge(other)?;
    Ok(Arc::new(config))
}

/// Adds fields to a list. One that is there already stays as it is, and must be made in the same case.
pub fn merge_all(specs: &mut Vec<FieldSpec>, others: &[FieldSpec]) -> Result<(), KustomizeError> {
    for other in others {
        let same = specs.iter().find(|it| it.path == other.path && it.selected().is_selected_by(&other.selected()));
        match same {
            Some(same) if same.create != other.create => {
                return Err(KustomizeError::ConflictingFields { path: other.path.clone() });
            }
            Some(_) => {}
            None => specs.push(other.clone()),
        }
    }
    Ok(())
}

/// What definitions of custom resources (OpenAPI by the names of types) say of their fields.
pub fn of_crds(root: &Root, paths: &[String], origin: &Origin) -> Result<Config, KustomizeError> {
    let mut config = Config::default();
    for path in paths {
        let loaded = root.load(path, origin)?;
        let types = yaml::document(loaded.text()?, &loaded.file, Rules::Kubernetes)?;
        for entry in types.as_map().into_iter().flatten() {
            let properties =
                entry.value.dig(&["Schema", "properties"]).or_else(|| entry.value.dig(&["schema", "properties"]));
            let is_object =
                ["kind", "apiVersion", "metadata"].iter().all(|key| properties.is_some_and(|it| it.get(key).is_some()));
            if is_object {
                let kind = entry.key.rsplit('.').next().unwrap_or_default();
                let mut found = Config::default();
                Crd { types: &types, kind, config: &mut found }.read(&entry.key, &mut Vec::new())?;
                config.merge(&found)?;
            }
        }
    }
    Ok(config)
}

/// One definition being read.
struct Crd<'d> {
    types: &'d Value,
    kind: &'d str,
    config: &'d mut Config,
}

impl Crd<'_> {
    fn read(&mut self, name: &str, path: &mut Vec<String>) -> Result<(), KustomizeError> {
        let Some(schema) = self.types.get(name).and_then(|it| it.get("Schema").or_else(|| it.get("schema"))) else {
            return Ok(());
        };
        for entry in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
            path.push(entry.key.to_string());
            let has = |key: &str| entry.value.get(key).and_then(Value::as_str);
            if has("x-kubernetes-annotation").is_some() {
                let field = self.field(path);
                merge_all(&mut self.config.common_annotations, &[field])?;
            }
            if has("x-kubernetes-label-selector").is_some() {
                let field = self.field(path);
                merge_all(&mut self.config.common_labels, &[field])?;
            }
            if has("x-kubernetes-identity").is_some() {
                let field = self.field(path);
                merge_all(&mut self.config.name_prefix, &[field])?;
            }
            if let (Some(version), Some(kind)) =
                (has("x-kubernetes-object-ref-api-version"), has("x-kubernetes-object-ref-kind"))
            {
                path.push(has("x-kubernetes-object-ref-name-key").unwrap_or("name").to_owned());
                let (version, kind, field_specs) = (version.to_owned(), kind.to_owned(), vec![self.field(path)]);
                let reference = NameReference { group: String::new(), version, kind, field_specs };
                self.config.merge(&Config { name_reference: vec![reference], ..Config::default() })?;
                path.pop();
            }
            if let Some(named) = has("$ref").filter(|_| path.len() < 32) {
                self.read(named, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn field(&self, path: &[String]) -> FieldSpec {
        FieldSpec { kind: self.kind.to_owned(), path: path.join("/"), ..FieldSpec::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        let read: Config = yaml::config(BUILTIN, &Arc::new("fields.yaml".to_owned())).unwrap();
        assert_eq!(read.images, BUILTIN_CONFIG.images);
        assert!(read.name_reference.len() > 10 && read.common_labels.len() > 20);
    }
}
