//! Which lists a strategic merge patch merges, and by which keys.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::{Gvk, rows};
use weft_base::value::Value;

const BUILTIN: &str = include_str!("merge_keys.tsv");

static BUILTIN_KEYS: LazyLock<MergeKeys> = LazyLock::new(MergeKeys::of_table);

/// The merge keys of many kinds.
#[derive(Clone, Debug, Default)]
pub struct MergeKeys {
    /// By apiVersion and kind, the type.
    kinds: HashMap<(String, String), usize>,
    /// By its name, the type.
    names: HashMap<String, usize>,
    types: Vec<Type>,
}

/// One type: its fields that a merge has to know of.
#[derive(Clone, Debug, Default)]
struct Type {
    fields: HashMap<String, Field>,
    /// What is under keys that are not declared.
    rest: Option<Field>,
}

/// What a field holds; see [`Shape`].
#[derive(Clone, Debug, Default)]
struct Field {
    holds: Option<usize>,
    merged_by: Option<Vec<String>>,
}

/// The shape of one place in an object. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'k> {
    keys: &'k MergeKeys,
    /// The type of the map, or of each item of the list.
    holds: Option<usize>,
    /// Of a list that is merged, the keys of its items: none for a list of plain values.
    pub merged_by: Option<&'k [String]>,
}

impl MergeKeys {
    /// Those of Kubernetes' own kinds.
    pub fn builtin() -> &'static Self {
        &BUILTIN_KEYS
    }

    /// Those of an OpenAPI document (version 2, with `definitions`), as `openapi:` of a kustomization names one. Types
    /// that `base` has stay as they are there.
    pub fn of_openapi(document: &Value, base: Self) -> Self {
        let mut reading = Reading { document, keys: base };
        for entry in document.get("definitions").and_then(Value::as_map).into_iter().flatten() {
            let type_ = reading.named(&entry.key);
            let kinds = entry.value.get("x-kubernetes-group-version-kind").and_then(Value::as_list);
            for kind in kinds.unwrap_or_default() {
                let text = |key: &str| kind.get(key).and_then(Value::as_str).unwrap_or_default();
                let version = match text("group") {
                    "" => text("version").to_owned(),
                    group => format!("{group}/{}", text("version")),
                };
                reading.keys.kinds.entry((version, text("kind").to_owned())).or_insert(type_);
            }
        }
        reading.keys
    }

    /// The shape of an object, by its `apiVersion` and `kind`; `None` for a kind of which nothing is known.
    pub fn of(&self, object: &Value) -> Option<Shape<'_>> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let type_ = *self.kinds.get(&(text("apiVersion")?, text("kind")?))?;
        Some(Shape { keys: self, holds: Some(type_), merged_by: None })
    }

    /// Whether a kind is one of them.
    pub fn knows(&self, gvk: &Gvk) -> bool {
        self.kinds.contains_key(&(gvk.api_version(), gvk.kind.clone()))
    }

    fn of_table() -> Self {
        let mut keys = Self::default();
        for [_, from, field, holds, merged] in rows::<5>(BUILTIN) {
            let from = keys.type_of(from);
            let holds = (holds != "-").then(|| keys.type_of(holds));
            let merged_by = match merged {
                "-" => None,
                "=" => Some(Vec::new()),
                list => Some(list.split(',').map(str::to_owned).collect()),
            };
            keys.types[from].fields.insert(field.to_owned(), Field { holds, merged_by });
        }
        for [_, api_version, kind, name] in rows::<4>(BUILTIN) {
            let type_ = keys.type_of(name);
            keys.kinds.insert((api_version.to_owned(), kind.to_owned()), type_);
        }
        keys
    }

    fn type_of(&mut self, name: &str) -> usize {
        *self.names.entry(name.to_owned()).or_insert_with(|| {
            self.types.push(Type::default());
            self.types.len() - 1
        })
    }
}

/// A type's name in Kubernetes' OpenAPI as the table has it.
fn short(name: &str) -> &str {
    let prefixes = ["io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s."];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

impl Shape<'_> {
    /// The shape of what is under a key of the map that is here.
    pub fn field(self, key: &str) -> Option<Self> {
        let type_ = &self.keys.types[self.holds?];
        let field = type_.fields.get(key).or(type_.rest.as_ref())?;
        Some(Self { keys: self.keys, holds: field.holds, merged_by: field.merged_by.as_deref() })
    }

    /// The shape of each item of the list that is here.
    pub fn item(self) -> Option<Self> {
        self.holds.map(|_| Self { merged_by: None, ..self })
    }
}

/// An OpenAPI document being read.
struct Reading<'d> {
    document: &'d Value,
    keys: MergeKeys,
}

impl Reading<'_> {
    fn named(&mut self, name: &str) -> usize {
        if let Some(type_) = self.keys.names.get(short(name)) {
            return *type_;
        }
        let type_ = self.keys.type_of(short(name));
        if let Some(schema) = self.document.dig(&["definitions", name]) {
            self.keys.types[type_] = self.read(schema);
        }
        type_
    }

    fn read(&mut self, schema: &Value) -> Type {
        let declared = schema.get("properties").and_then(Value::as_map).into_iter().flatten();
        let fields = declared.map(|entry| (entry.key.to_string(), self.field(&entry.value))).collect();
        let rest = schema.get("additionalProperties").filter(|it| it.as_map().is_some()).map(|it| self.field(it));
        Type { fields, rest }
    }

    fn field(&mut self, schema: &Value) -> Field {
        let holds = self.holds(schema.get("items").unwrap_or(schema));
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let merges = text("x-kubernetes-patch-strategy").is_some_and(|it| it.split(',').any(|word| word == "merge"));
        let listed = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_list);
        let keys = || match (listed, text("x-kubernetes-patch-merge-key")) {
            (Some(keys), _) => keys.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            (None, Some(key)) => vec![key.to_owned()],
            (None, None) => Vec::new(),
        };
        Field { holds: Some(holds), merged_by: merges.then(keys) }
    }

    /// The type that a schema is or refers to.
    fn holds(&mut self, schema: &Value) -> usize {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix("#/definitions/"))
        {
            return self.named(name);
        }
        let type_ = self.keys.types.len();
        self.keys.types.push(Type::default());
        self.keys.types[type_] = self.read(schema);
        type_
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_merged_by_name_and_their_ports_by_two_keys() {
        let deployment: Value = serde_json::from_str(r#"{"apiVersion": "apps/v1", "kind": "Deployment"}"#).unwrap();
        let pod = ["spec", "template", "spec"].iter();
        let containers = pod.fold(MergeKeys::builtin().of(&deployment).unwrap(), |at, key| at.field(key).unwrap());
        let containers = containers.field("containers").unwrap();
        assert_eq!(containers.merged_by.unwrap(), ["name"]);
        let ports = containers.item().unwrap().field("ports").unwrap();
        assert_eq!(ports.merged_by.unwrap(), ["containerPort", "protocol"]);
        assert!(containers.item().unwrap().field("args").is_none());
    }
}
