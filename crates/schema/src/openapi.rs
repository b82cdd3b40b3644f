//! OpenAPI v3 -> [`Schemas`].

mod slim;

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use flate2::read::GzDecoder;

pub use self::slim::slim;
use super::types::{DEDUCED, Field, ListNode, MapNode, Node, Reference, UNTYPED};
use super::{Gvk, Scalar, Schemas, Strategy, Zero, zeros};
use weft_base::value::{Data, Value};

/// The schemas of the built-in kinds, as the server of [`super::BUILTIN_VERSION`] serves them, without their texts.
const BUILTIN: &[u8] = include_bytes!("openapi.json.gz");

/// The types whose JSON is not what their schema says.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Says how a strategic merge patch treats a list.
const PATCH_STRATEGY: &str = "x-kubernetes-patch-strategy";

/// Says that a place holds a whole object.
const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// What every object has.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut text = String::new();
    let read = GzDecoder::new(BUILTIN).read_to_string(&mut text);
    read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
});

/// The schemas of the built-in kinds of [`super::BUILTIN_VERSION`]: what offline commands take for the target's.
pub fn builtin_schemas() -> &'static Schemas {
    static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
        let mut schemas = Schemas::new();
        schemas.add_document(&DOCUMENT);
        schemas
    });
    &SCHEMAS
}

impl Schemas {
    /// Adds the kinds of a server's OpenAPI v3 document, which is one of a group and version.
    pub fn add_document(&mut self, document: &Value) {
        self.add_types(document, |_| true);
    }

    fn add_types(&mut self, document: &Value, wanted: impl Fn(&str) -> bool) {
        let types = document.dig(&["components", "schemas"]).and_then(Value::as_map);
        let types = || types.into_iter().flatten().filter(|entry| wanted(&entry.key));
        let new: Vec<_> = types().filter(|entry| !self.names.contains_key(entry.key.as_str())).collect();
        for entry in &new {
            let node = self.push(Node::default());
            self.names.insert(entry.key.to_string(), node.node);
        }
        for entry in new {
            self.nodes[self.names[entry.key.as_str()]] = self.component(&entry.key, &entry.value);
        }
        let subresources = with_status(document);
        for entry in types() {
            let reference = Reference { node: self.names[entry.key.as_str()], atomic: None };
            let declares = entry.value.dig(&["properties", "status"]).is_some();
            for gvk in kinds(&entry.value) {
                if !super::is_builtin_group(&gvk.group) {
                    self.definitions.entry(gvk.clone()).or_insert_with(|| Arc::new(entry.value.clone()));
                }
                let resets = declares && subresources.as_ref().is_none_or(|kinds| kinds.contains(&gvk));
                self.add_kind(gvk, reference, resets);
            }
        }
    }

    /// A kind may be in the documents of several groups. The paths of its status are in one of them only.
    fn add_kind(&mut self, gvk: Gvk, reference: Reference, resets: bool) {
        if resets {
            let reference = self.with_reset_status(reference);
            self.kinds.insert(gvk, reference);
        } else {
            self.kinds.entry(gvk).or_insert(reference);
        }
    }

    /// The same root, of a kind whose status is a subresource.
    fn with_reset_status(&mut self, reference: Reference) -> Reference {
        let mut node = self.nodes[reference.node].clone();
        node.map.get_or_insert_default().resets_status = true;
        self.push(node)
    }

    /// Adds the kinds of a CustomResourceDefinition, as the server would once it has it.
    pub fn add_crd(&mut self, crd: &Value) {
        let text = |keys: &[&str]| crd.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
        let group = text(&["spec", "group"]);
        let kind = text(&["spec", "names", "kind"]);
        let preserve = crd.dig(&["spec", "preserveUnknownFields"]).and_then(Value::as_bool) == Some(true);
        for version in crd.dig(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default() {
            let Some(name) = version.get("name").and_then(Value::as_str) else { continue };
            let gvk = Gvk { group: group.clone(), version: name.to_owned(), kind: kind.clone() };
            let mut reference = match version.dig(&["schema", "openAPIV3Schema"]) {
                Some(schema) => {
                    self.definitions.insert(gvk.clone(), Arc::new(schema.clone()));
                    self.custom(schema, preserve)
                }
                None => DEDUCED,
            };
            if version.dig(&["subresources", "status"]).is_some() {
                reference = self.with_reset_status(reference);
            }
            self.kinds.insert(gvk, reference);
        }
    }

    /// The root of a custom resource: its schema says nothing of what every object has, as that of an object within
    /// another.
    fn custom(&mut self, schema: &Value, preserve: bool) -> Reference {
        let mut root = schema.clone();
        drop_patch_rules(&mut root);
        if let Some(map) = root.as_map_mut() {
            map.insert(EMBEDDED, true);
        }
        self.inline(&root, preserve)
    }

    /// The fields of every object, also of one within another.
    fn identity(&mut self) -> [(String, Field); 3] {
        let text = self.push(Node { scalar: Some(Scalar::Text), ..Node::default() });
        let fields = [("apiVersion", text), ("kind", text), ("metadata", self.object_meta())];
        fields.map(|(key, reference)| {
            (key.to_owned(), Field { reference, default: None, required: false, zero: Zero::Kept, drops_null: false })
        })
    }

    fn object_meta(&mut self) -> Reference {
        if !self.names.contains_key(OBJECT_META) {
            self.add_types(&DOCUMENT, |name| name.starts_with(META));
        }
        self.named(OBJECT_META)
    }

    fn push(&mut self, node: Node) -> Reference {
        self.nodes.push(node);
        Reference { node: self.nodes.len() - 1, atomic: None }
    }

    fn component(&mut self, name: &str, schema: &Value) -> Node {
        match name {
            QUANTITY => Node { scalar: Some(Scalar::Quantity), ..Node::default() },
            RAW_EXTENSION => self.nodes[UNTYPED.node].clone(),
            _ => {
                let mut node = self.node(schema, false);
                let fields = node.map.iter_mut().flat_map(|map| map.fields.iter_mut());
                fields.for_each(|(field, it)| it.zero = zeros::of(name, field));
                node
            }
        }
    }

    /// Whether a place may be any scalar, of a type that has no name. The server takes it for one without a schema.
    fn is_untyped(&self, at: Reference, schema: Option<&Value>) -> bool {
        let inline = schema.is_some_and(|schema| target(schema).is_none());
        let any = matches!(self.nodes[at.node].scalar, Some(Scalar::Any | Scalar::IntOrString));
        at == DEDUCED || (inline && any)
    }

    /// The type with a name. One that no document has may be anything.
    fn named(&self, name: &str) -> Reference {
        self.names.get(name).map_or(DEDUCED, |node| Reference { node: *node, atomic: None })
    }

    /// The type that a place refers to. A place may say of a named type whether it is one whole.
    fn reference(&mut self, schema: &Value, preserve: bool) -> Reference {
        match target(schema) {
            Some(name) => Reference { atomic: atomic(schema), ..self.named(name) },
            None => self.inline(schema, preserve),
        }
    }

    fn inline(&mut self, schema: &Value, preserve: bool) -> Reference {
        let node = self.node(schema, preserve);
        self.push(node)
    }

    /// `preserve` says that an object around it keeps unknown fields.
    fn node(&mut self, schema: &Value, preserve: bool) -> Node {
        let preserve = preserve || flag(schema, "x-kubernetes-preserve-unknown-fields");
        let kind = schema.get("type").and_then(Value::as_str);
        let list = matches!(kind, None | Some("array"));
        let map = matches!(kind, None | Some("object"));
        Node {
            scalar: scalar(kind, schema),
            list: list.then(|| self.list(schema, preserve)),
            map: map.then(|| self.map(schema, preserve)),
        }
    }

    fn list(&mut self, schema: &Value, preserve: bool) -> ListNode {
        let item = schema.get("items").map_or(UNTYPED, |items| self.reference(items, preserve));
        ListNode { strategy: strategy(schema), item }
    }

    fn map(&mut self, schema: &Value, preserve: bool) -> MapNode {
        let mut map = MapNode { atomic: atomic(schema) == Some(true), ..MapNode::default() };
        let required: Vec<&str> = texts(schema.get("required"));
        for entry in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
            let reference = self.reference(&entry.value, preserve);
            let default = entry.value.get("default").cloned();
            let required = required.contains(&entry.key.as_str());
            let drops_null = entry.value.get("type").is_none() && !flag(&entry.value, "nullable");
            let field = Field { reference, default, required, zero: Zero::Kept, drops_null };
            map.fields.insert(entry.key.to_string(), field);
        }
        if flag(schema, EMBEDDED) {
            map.fields.extend(self.identity());
        }
        let rest = schema.get("additionalProperties");
        map.rest = match rest.map(|it| &it.data) {
            None if preserve || map.fields.is_empty() => Some(DEDUCED),
            None | Some(Data::Bool(false)) => None,
            Some(Data::Bool(true)) => Some(DEDUCED),
            Some(_) => rest.map(|rest| self.reference(rest, preserve)),
        };
        map.deduced = map.fields.is_empty() && map.rest.is_some_and(|at| self.is_untyped(at, rest));
        map
    }
}

/// The extension that names the kinds of a type, and the kind of a path.
const KINDS: &str = "x-kubernetes-group-version-kind";

/// How the paths end by which a status is written.
const STATUS: &str = "/{name}/status";

/// The kinds whose objects a type describes.
fn kinds(schema: &Value) -> impl Iterator<Item = Gvk> {
    schema.get(KINDS).and_then(Value::as_list).unwrap_or_default().iter().filter_map(gvk)
}

fn gvk(kind: &Value) -> Option<Gvk> {
    let text = |key: &str| kind.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Gvk { group: text("group")?, version: text("version")?, kind: text("kind")? })
}

/// The kinds whose status is a subresource, by the paths of a document. `None` for a document without paths: then it
/// is one for every kind that has a status, as for all built-in kinds.
fn with_status(document: &Value) -> Option<HashSet<Gvk>> {
    let paths = document.get("paths")?.as_map()?;
    let status = paths.iter().filter(|path| path.key.ends_with(STATUS));
    Some(status.filter_map(|path| gvk(path.value.dig(&["patch", KINDS])?)).collect())
}

/// The name of the type that a place refers to, be it alone or in an `allOf` of one.
fn target(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref").and_then(Value::as_str);
    let wrapped = || match schema.get("allOf").and_then(Value::as_list) {
        Some([one]) => one.get("$ref").and_then(Value::as_str),
        _ => None,
    };
    direct.or_else(wrapped)?.rsplit('/').next()
}

fn scalar(kind: Option<&str>, schema: &Value) -> Option<Scalar> {
    let format = schema.get("format").and_then(Value::as_str);
    match (kind, format) {
        (Some("array" | "object"), _) => None,
        (_, Some("int-or-string")) => Some(Scalar::IntOrString),
        (Some("integer" | "number"), _) => Some(Scalar::Number),
        (Some("boolean"), _) => Some(Scalar::Bool),
        (Some("string"), None) => Some(Scalar::Text),
        (Some("string"), Some("byte")) => Some(Scalar::Bytes),
        (None, _) if flag(schema, "x-kubernetes-int-or-string") => Some(Scalar::IntOrString),
        _ => Some(Scalar::Any),
    }
}

fn strategy(schema: &Value) -> Strategy {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let keyed = |mut keys: Vec<&str>| {
        keys.sort_unstable();
        if keys.is_empty() { Strategy::Set } else { Strategy::Keyed(keys.into_iter().map(str::to_owned).collect()) }
    };
    match (text("x-kubernetes-list-type"), text(PATCH_STRATEGY)) {
        (Some("map"), _) => keyed(texts(schema.get("x-kubernetes-list-map-keys"))),
        (Some("set"), _) => Strategy::Set,
        (None, Some("merge" | "merge,retainKeys")) => keyed(text("x-kubernetes-patch-merge-key").into_iter().collect()),
        _ => Strategy::Atomic,
    }
}

/// A server drops from a definition what it does not know there: the rules of strategic merges.
fn drop_patch_rules(schema: &mut Value) {
    match &mut schema.data {
        Data::Map(map) => {
            map.retain(|entry| entry.key != PATCH_STRATEGY);
            map.iter_mut().for_each(|entry| drop_patch_rules(&mut entry.value));
        }
        Data::List(items) => items.iter_mut().for_each(drop_patch_rules),
        _ => {}
    }
}

/// Whether a map is one whole, where the schema says.
fn atomic(schema: &Value) -> Option<bool> {
    match schema.get("x-kubernetes-map-type")?.as_str()? {
        "atomic" => Some(true),
        "granular" => Some(false),
        _ => None,
    }
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests;
