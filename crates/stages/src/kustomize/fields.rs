//! The fields that transformers change: which there are, and the walk to them.

use serde::Deserialize;

use super::KustomizeError;
use super::id::Selected;
use super::resource::Resource;
use weft_base::value::{Data, Map, Value};
use weft_schema::Gvk;

/// A field of some kinds of objects: keys with `/` between them; lists are walked through.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FieldSpec {
    /// The API group; empty for any.
    pub group: String,
    /// The version; empty for any.
    pub version: String,
    /// The kind; empty for any.
    pub kind: String,
    /// The path.
    pub path: String,
    /// Whether it is made where it is missing.
    pub create: bool,
}

/// What is made where a field is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// Nothing.
    Never,
    /// An empty text.
    Leaf,
    /// An empty map.
    Map,
}

impl FieldSpec {
    /// The kinds that it is a field of.
    pub fn selected(&self) -> Selected {
        Selected { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }

    /// Whether it is a field of a kind.
    pub fn is_of(&self, gvk: &Gvk) -> bool {
        let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        fits(&self.kind, &gvk.kind) && fits(&self.group, &gvk.group) && fits(&self.version, &gvk.version)
    }

    /// The keys of the path.
    pub fn keys(&self) -> Vec<String> {
        split(&self.path, '/')
    }
}

/// The parts of a path between separators that no backslash stands before.
pub fn split(path: &str, separator: char) -> Vec<String> {
    let path = path.strip_prefix(separator).unwrap_or(path);
    let mut parts: Vec<String> = Vec::new();
    let mut joins = false;
    for part in path.split(separator) {
        match parts.last_mut().filter(|_| joins) {
            Some(last) => {
                last.pop();
                last.push(separator);
                last.push_str(part);
            }
            None => parts.push(part.to_owned()),
        }
        joins = part.ends_with('\\');
    }
    parts
}

/// What is done with each node that a path leads to.
pub type Set<'f> = &'f mut dyn FnMut(&mut Value) -> Result<(), KustomizeError>;

/// Does something with a field of a resource, wherever its path leads to.
pub fn visit(resource: &mut Resource, spec: &FieldSpec, create: Create, set: Set<'_>) -> Result<(), KustomizeError> {
    if !spec.is_of(&resource.gvk()) {
        return Ok(());
    }
    visit_matching(resource, spec, create, set)
}

/// The same for a field that is known to be one of the resource's kind.
pub fn visit_matching(
    resource: &mut Resource,
    spec: &FieldSpec,
    create: Create,
    set: Set<'_>,
) -> Result<(), KustomizeError> {
    let keys = spec.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let create = if spec.create { create } else { Create::Never };
    walk(&mut resource.body, &keys, create, set).map_err(|error| match error {
        KustomizeError::NoMap { found } => KustomizeError::Field {
            path: spec.path.clone(),
            found,
            id: resource.id().into(),
            origin: resource.body.origin.clone(),
        },
        other => other,
    })
}

fn walk(node: &mut Value, keys: &[&str], create: Create, set: Set<'_>) -> Result<(), KustomizeError> {
    let Some((key, rest)) = keys.split_first() else { return set(node) };
    let kind = node.kind();
    match &mut node.data {
        Data::Null => Ok(()),
        Data::List(items) => items.iter_mut().try_for_each(|item| walk(item, keys, create, set)),
        Data::Map(map) => step(map, key, rest, create, set),
        _ => Err(KustomizeError::NoMap { found: kind }),
    }
}

fn step(map: &mut Map, key: &str, rest: &[&str], create: Create, set: Set<'_>) -> Result<(), KustomizeError> {
    let (name, is_list) = key.strip_suffix("[]").map_or((key, false), |name| (name, true));
    let empty = match create {
        Create::Never => None,
        _ if is_list => None,
        Create::Leaf if rest.is_empty() => Some(Data::Text(String::new())),
        _ => Some(Data::Map(Map::new())),
    };
    if let Some(empty) = empty
        && map.get(name).is_none_or(Value::is_null)
    {
        let value = map.get_or_insert(name);
        value.data = empty;
    }
    match map.get_mut(name) {
        Some(value) => walk(value, rest, create, set),
        None => Ok(()),
    }
}
