//! The shapes of objects: which maps and lists an apply merges, by which keys, and which it replaces as a whole.
//!
//! The rules are the server's own (kube-openapi `schemaconv`): the same OpenAPI gives the same shapes.

use std::collections::HashMap;
use std::sync::Arc;

use super::Gvk;
use weft_base::value::Value;

/// The shapes of many kinds. They share what they have in common, so more kinds cost little.
#[derive(Clone, Debug)]
pub struct Schemas {
    pub(super) nodes: Vec<Node>,
    /// The named types, by their name in OpenAPI.
    pub(super) names: HashMap<String, usize>,
    /// The kinds.
    pub(super) kinds: HashMap<Gvk, Reference>,
    /// What custom resource definitions say of their kinds, with all constraints.
    pub(super) definitions: HashMap<Gvk, Arc<Value>>,
}

/// The shape of one place in an object. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Type<'s> {
    schemas: &'s Schemas,
    reference: Reference,
}

/// What a place that holds a map may hold.
#[derive(Clone, Copy, Debug)]
pub struct MapType<'s> {
    schemas: &'s Schemas,
    map: &'s MapNode,
    /// Whether it is replaced as a whole.
    pub atomic: bool,
}

/// What a place that holds a list may hold.
#[derive(Clone, Copy, Debug)]
pub struct ListType<'s> {
    /// How its items are told apart.
    pub strategy: &'s Strategy,
    /// The shape of each item.
    pub item: Type<'s>,
}

/// How the items of a list are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// By these fields of each item, sorted by name.
    Keyed(Vec<String>),
    /// By their values.
    Set,
    /// Not at all: the list is replaced as a whole.
    Atomic,
}

/// What sort of scalar a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    Text,
    /// Bytes, written as base64.
    Bytes,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A quantity of a built-in kind, which has many spellings.
    Quantity,
    /// A number or a text.
    IntOrString,
    /// Anything.
    Any,
}

/// What becomes of a zero value (an empty text, list or map, `0`, `false`) that is written to a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zero {
    /// It stays, as any other value.
    #[default]
    Kept,
    /// The server leaves it out.
    Dropped,
    /// It is there even where nobody wrote it; of a list it is `null`.
    Shown,
}

/// One type: a place may hold more than one sort of thing.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub scalar: Option<Scalar>,
    pub list: Option<ListNode>,
    pub map: Option<MapNode>,
}

#[derive(Clone, Debug)]
pub(super) struct ListNode {
    pub strategy: Strategy,
    pub item: Reference,
}

#[derive(Clone, Debug, Default)]
pub(super) struct MapNode {
    pub fields: HashMap<String, Field>,
    /// The type of keys that are not declared; `None` where there must be none.
    pub rest: Option<Reference>,
    pub atomic: bool,
    /// Whether it declares nothing and holds what no schema describes.
    pub deduced: bool,
    /// Whether a write of the object itself leaves its `status` as it is.
    pub resets_status: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub reference: Reference,
    pub default: Option<Value>,
    pub required: bool,
    pub zero: Zero,
    /// Whether a `null` may be written and is not kept: the schema has no type that refuses it, and it is not `nullable`.
    pub drops_null: bool,
}

/// A type as a field names it: it may say otherwise than the type itself whether a map is one whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub node: usize,
    pub atomic: Option<bool>,
}

/// The place of what may be anything and is one whole.
pub(super) const UNTYPED: Reference = Reference { node: 0, atomic: None };
/// The place of what may be anything: its maps are divided, its lists are whole.
pub(super) const DEDUCED: Reference = Reference { node: 1, atomic: None };

impl Schemas {
    /// No kinds.
    pub fn new() -> Self {
        let anything = |reference: Reference, atomic: bool| Node {
            scalar: Some(Scalar::Any),
            list: Some(ListNode { strategy: Strategy::Atomic, item: UNTYPED }),
            map: Some(MapNode { rest: Some(reference), atomic, deduced: !atomic, ..MapNode::default() }),
        };
        Self {
            nodes: vec![anything(UNTYPED, true), anything(DEDUCED, false)],
            names: HashMap::new(),
            kinds: HashMap::new(),
            definitions: HashMap::new(),
        }
    }

    /// The shape of a kind's objects; `None` for a kind of which nothing is known.
    pub fn of(&self, gvk: &Gvk) -> Option<Type<'_>> {
        self.kinds.get(gvk).map(|reference| self.at(*reference))
    }

    /// The OpenAPI schema that a CustomResourceDefinition of the plan has for its kind, with all constraints.
    pub fn definition(&self, gvk: &Gvk) -> Option<&Arc<Value>> {
        self.definitions.get(gvk)
    }

    /// The shape that the server takes for what no schema describes.
    pub fn deduced(&self) -> Type<'_> {
        self.at(DEDUCED)
    }

    fn at(&self, reference: Reference) -> Type<'_> {
        Type { schemas: self, reference }
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

impl<'s> Type<'s> {
    fn node(self) -> &'s Node {
        &self.schemas.nodes[self.reference.node]
    }

    /// What scalar may be here.
    pub fn scalar(self) -> Option<Scalar> {
        self.node().scalar
    }

    /// What list may be here.
    pub fn list(self) -> Option<ListType<'s>> {
        let node = self.node();
        let list = node.list.as_ref()?;
        // A place that says so of a named list makes it one whole.
        let whole = self.reference.atomic == Some(true) && node.map.is_none();
        let strategy = if whole { &Strategy::Atomic } else { &list.strategy };
        Some(ListType { strategy, item: self.schemas.at(list.item) })
    }

    /// What map may be here.
    pub fn map(self) -> Option<MapType<'s>> {
        let map = self.node().map.as_ref()?;
        Some(MapType { schemas: self.schemas, map, atomic: self.reference.atomic.unwrap_or(map.atomic) })
    }
}

impl<'s> MapType<'s> {
    /// The shape of a key's value: `None` for a key that must not be there.
    pub fn field(self, key: &str) -> Option<Type<'s>> {
        let declared = self.map.fields.get(key).map(|field| field.reference);
        declared.or(self.map.rest).map(|reference| self.schemas.at(reference))
    }

    /// The shape of what is under keys that are not declared: `None` where there must be none.
    pub fn rest(self) -> Option<Type<'s>> {
        self.map.rest.map(|reference| self.schemas.at(reference))
    }

    /// Whether the map declares nothing and holds what no schema describes.
    pub fn is_deduced(self) -> bool {
        self.map.deduced
    }

    /// Of an object's root: whether a write of the object itself leaves its `status` as it is, since that is a
    /// subresource.
    pub fn resets_status(self) -> bool {
        self.map.resets_status
    }

    /// Whether the key is a field of the schema, in contrast to one of a free map.
    pub fn declares(self, key: &str) -> bool {
        self.map.fields.contains_key(key)
    }

    /// What the schema says a key is where it is not written. Of built-in kinds most are empty values.
    pub fn default(self, key: &str) -> Option<&'s Value> {
        self.map.fields.get(key)?.default.as_ref()
    }

    /// What becomes of a zero value of a key.
    pub fn zero(self, key: &str) -> Zero {
        self.map.fields.get(key).map(|field| field.zero).unwrap_or_default()
    }

    /// Whether a `null` of a key is left out, and nothing comes in its place.
    pub fn drops_null(self, key: &str) -> bool {
        self.map.fields.get(key).is_some_and(|field| field.drops_null && field.default.is_none())
    }

    /// The names of the declared fields, in no order.
    pub fn fields(self) -> impl Iterator<Item = &'s str> {
        self.map.fields.keys().map(String::as_str)
    }

    /// The names of the fields that must be there, in no order.
    pub fn required(self) -> impl Iterator<Item = &'s str> {
        self.map.fields.iter().filter(|(_, field)| field.required).map(|(name, _)| name.as_str())
    }
}
