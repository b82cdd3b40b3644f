//! The values of templates: Go's, as far as templates can tell them apart.

use std::fmt;
use std::rc::Rc;

use super::list::List;
use super::map::Map;
use super::object::Object;
use super::text::Str;
use super::types::{Kind, Type};

/// How deep lists and maps may be nested for what walks through them all: printing, copying, comparing, encoding.
/// A map can hold itself, so every such walk has to count.
pub const DEEPEST: usize = 1000;

/// A value. A copy is cheap: it shares text, items and entries.
#[derive(Clone, Default)]
pub enum Value {
    /// Go's `nil` of no type.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: a whole number in a template, a length.
    Int(i64),
    /// `int64`: what most of the arithmetic gives.
    Int64(i64),
    /// `uint8`: a byte of a string.
    Uint8(u8),
    /// `uint64`.
    Uint64(u64),
    /// `float64`: every number of a values file.
    Float(f64),
    /// `complex128`: the real part and the imaginary one. Only a constant with an `i` gives it.
    Complex(f64, f64),
    /// `string`.
    Str(Str),
    /// `[]uint8`: the bytes of a file.
    Bytes(Str),
    /// A slice of anything else.
    List(List),
    /// A map with strings as keys.
    Map(Map),
    /// Anything with fields or methods.
    Object(Rc<dyn Object>),
}

impl Value {
    /// The kind, as `reflect.Kind`.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float(_) => Kind::Float,
            Self::Complex(..) => Kind::Complex,
            Self::Str(_) => Kind::Str,
            Self::Bytes(_) | Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Object(it) => it.kind(),
        }
    }

    /// The name of the type as `%T` prints it; `<nil>` for nil.
    pub fn type_name(&self) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Map(map) => map.type_name().map_or_else(|| format!("map[string]{}", map.of()), str::to_owned),
            Self::List(list) => format!("[]{}", list.of()),
            Self::Bytes(_) => "[]uint8".to_owned(),
            Self::Object(it) => it.type_name().to_owned(),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Int64(_)
            | Self::Uint8(_)
            | Self::Uint64(_)
            | Self::Float(_)
            | Self::Complex(..)
            | Self::Str(_) => self.kind().name().to_owned(),
        }
    }

    /// Whether `if` takes its first branch: neither nil, false, zero nor empty.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(it) => *it,
            Self::Int(it) | Self::Int64(it) => *it != 0,
            Self::Uint8(it) => *it != 0,
            Self::Uint64(it) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Str(it) | Self::Bytes(it) => !it.is_empty(),
            Self::List(it) => !it.is_empty(),
            Self::Map(it) => !it.is_empty(),
            Self::Object(it) => it.underlying().is_none_or(|it| it.truth()),
        }
    }

    /// Whether it is nil, of whatever type.
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(it) => it.is_nil(),
            Self::Map(it) => it.is_nil(),
            _ => false,
        }
    }

    /// The value below a named type: the number of a duration, the map of `.Files`; itself for all else.
    #[must_use]
    pub fn underlying(&self) -> Value {
        match self {
            Self::Object(it) => it.underlying().unwrap_or_else(|| self.clone()),
            _ => self.clone(),
        }
    }

    /// Whether a parameter of type `wanted` takes it as it is.
    pub fn is_a(&self, wanted: Type) -> bool {
        match (self, wanted) {
            (_, Type::Value | Type::Any)
            | (Self::Bool(_), Type::Bool)
            | (Self::Int(_), Type::Int)
            | (Self::Int64(_), Type::Int64)
            | (Self::Uint8(_), Type::Uint8)
            | (Self::Uint64(_), Type::Uint64)
            | (Self::Float(_), Type::Float)
            | (Self::Str(_), Type::Str)
            | (Self::Bytes(_), Type::List(Type::Uint8)) => true,
            (Self::List(list), Type::List(of)) => list.of() == *of,
            (Self::Map(map), Type::Map(of)) => map.of() == *of,
            (Self::Object(object), Type::Named(name)) => object.type_name() == name,
            _ => false,
        }
    }

    /// The zero value of a type.
    pub fn zero(of: Type) -> Self {
        match of {
            Type::Value | Type::Any | Type::Named(_) => Self::Nil,
            Type::Bool => Self::Bool(false),
            Type::Int => Self::Int(0),
            Type::Int64 => Self::Int64(0),
            Type::Uint8 => Self::Uint8(0),
            Type::Uint64 => Self::Uint64(0),
            Type::Float => Self::Float(0.0),
            Type::Str => Self::Str(Str::default()),
            Type::List(of) => Self::List(List::nil(*of)),
            Type::Map(of) => Self::Map(Map::nil(*of)),
        }
    }

    /// The value under nested keys and positions; `None` where they lead nowhere. It leaves no trace.
    pub fn dig<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<Value> {
        keys.into_iter().try_fold(self.clone(), |node, key| match node {
            Self::Map(map) => map.peek(key.as_bytes()),
            Self::List(list) => list.peek().get(key.parse::<usize>().ok()?).cloned(),
            _ => None,
        })
    }

    /// Whether a template asked for the node under nested keys (numbers in lists). `None` where they lead nowhere: it
    /// may have been there, and was replaced.
    pub fn was_read<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<bool> {
        let mut node = self.clone();
        let mut read = true;
        for key in keys {
            (node, read) = match &node {
                Self::Map(map) => (map.peek(key.as_bytes())?, map.was_read(key.as_bytes())?),
                Self::List(list) => (list.peek().get(key.parse::<usize>().ok()?)?.clone(), list.was_walked()),
                _ => return None,
            };
        }
        Some(read)
    }
}

impl fmt::Debug for Value {
    /// Its type alone: what it says may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name())
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Self::Float(it)
    }
}

impl From<Str> for Value {
    fn from(it: Str) -> Self {
        Self::Str(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Str(it.into())
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::Str(it.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(it: Vec<u8>) -> Self {
        Self::Str(it.into())
    }
}

impl From<List> for Value {
    fn from(it: List) -> Self {
        Self::List(it)
    }
}

impl From<Map> for Value {
    fn from(it: Map) -> Self {
        Self::Map(it)
    }
}

/// Frees values one after the other, however deeply they are nested, where a plain drop would need a stack as deep.
pub(super) fn let_go(mut values: Vec<Value>) {
    let mut nested: Vec<Value> = Vec::new();
    loop {
        for value in values {
            if matches!(value, Value::List(_) | Value::Map(_)) {
                nested.push(value);
            }
        }
        values = match nested.pop() {
            Some(Value::List(mut list)) => list.take_alone().unwrap_or_default(),
            Some(Value::Map(mut map)) => map.take_alone().unwrap_or_default(),
            Some(_) => Vec::new(),
            None => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_any_depth_is_freed() {
        let mut value = Value::Nil;
        for _ in 0..50_000 {
            let map: Map = [(Str::from("k"), value)].into_iter().collect();
            value = Value::List(List::new(vec![map.into()]));
        }
        drop(value);
    }

    #[test]
    fn reads_are_remembered() {
        let inner: Map = [(Str::from("x"), Value::from("1")), (Str::from("y"), Value::from("2"))].into_iter().collect();
        let root = Value::from([(Str::from("in"), Value::from(inner.clone()))].into_iter().collect::<Map>());
        inner.get(b"x");
        assert_eq!(root.was_read(["in", "x"]), Some(true));
        assert_eq!(root.was_read(["in", "y"]), Some(false));
        assert_eq!(root.was_read(["in"]), Some(false));
        assert_eq!(root.was_read(["in", "z"]), None);
    }

    #[test]
    fn a_map_may_change_while_it_is_walked() {
        let map: Map = [(Str::from("a"), Value::Nil), (Str::from("b"), Value::Nil)].into_iter().collect();
        let entries = map.entries();
        for (key, _) in entries.iter() {
            map.remove(key).unwrap();
        }
        assert!(map.is_empty() && entries.iter().len() == 2);
        assert!(Map::nil(Type::Any).set("a".into(), Value::Nil).is_err());
    }
}
