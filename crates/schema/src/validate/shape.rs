//! What the server's typed conversion refuses before anything else: fields that no schema declares, another sort of
//! value than the declared one, and items of a list that cannot be told apart. And of built-in kinds the fields that
//! must be there.

use std::collections::HashSet;

use super::{Validated, invalid};
use crate::{ListType, MapType, Scalar, Strategy, Type};
use weft_base::value::{Data, Key, Map, Path, Step, Value};

/// Fields that OpenAPI calls required, and whose absence the server takes for an empty value.
const OPTIONAL: &str = include_str!("optional.txt");

/// Checks an object. `required` says whether the fields that must be there are looked for: definitions have rules of
/// their own for that.
pub(super) fn check(object: &Value, shape: Type<'_>, required: bool, found: &mut Validated) {
    Walk { required, found }.at(&Path::root(), object, shape);
}

struct Walk<'f> {
    required: bool,
    found: &'f mut Validated,
}

impl Walk<'_> {
    fn at(&mut self, path: &Path, value: &Value, shape: Type<'_>) {
        let scalar = matches!(shape.scalar(), Some(Scalar::IntOrString | Scalar::Quantity));
        match (&value.data, shape.map(), shape.list()) {
            (Data::Null, ..) => {}
            _ if scalar => self.scalar(path, value, shape),
            (Data::Map(map), Some(of), _) => self.map(path, map, of),
            (Data::List(items), _, Some(of)) => self.list(path, items, of),
            _ => self.scalar(path, value, shape),
        }
    }

    fn scalar(&mut self, path: &Path, value: &Value, shape: Type<'_>) {
        let is_scalar = !matches!(value.data, Data::Map(_) | Data::List(_));
        let expected = match shape.scalar() {
            Some(scalar) if is_scalar && fits(value, scalar) => return,
            Some(scalar) => name(scalar),
            None if shape.map().is_some() => "map",
            None if shape.list().is_some() => "list",
            None => return,
        };
        let cause = format!("expected {expected}, got {}", value.kind());
        self.found.violate(path, format!("type: {expected}"), invalid(value, &cause));
    }

    fn map(&mut self, path: &Path, map: &Map, of: MapType<'_>) {
        for entry in map {
            let path = path.field(&entry.key);
            match of.field(&entry.key) {
                Some(shape) => self.at(&path, &entry.value, shape),
                None => self.found.violate(&path, "declared", "field not declared in schema"),
            }
        }
        if self.required && path.0.first() != Some(&Step::Field("status".into())) {
            let mut missing: Vec<&str> = of.required().filter(|key| !map.contains(key) && is_enforced(key)).collect();
            missing.sort_unstable();
            for key in missing {
                self.found.violate(&path.field(key), "required", "Required value");
            }
        }
    }

    fn list(&mut self, path: &Path, items: &[Value], of: ListType<'_>) {
        let mut seen = HashSet::new();
        for (at, item) in items.iter().enumerate() {
            let (step, identity) = identity(at, item, of);
            let path = path.then(step);
            if identity.is_some_and(|identity| !seen.insert(identity)) {
                let message = format!("duplicate entries for key {}", Path(path.0[path.0.len() - 1..].to_vec()));
                self.found.violate(&path, "unique", message);
            }
            self.at(&path, item, of.item);
        }
    }
}

/// How the item of a list is called, and by what it is told apart. Secrets are never compared.
fn identity(at: usize, item: &Value, of: ListType<'_>) -> (Step, Option<String>) {
    let step = match of.strategy {
        Strategy::Atomic => None,
        Strategy::Set => (!super::holds_secret(item)).then(|| Step::Member(item.clone())),
        Strategy::Keyed(keys) => {
            let default = |key: &String| of.item.map().and_then(|map| map.default(key));
            let key = |key: &String| {
                let value = item.get(key).or_else(|| default(key)).filter(|it| !it.is_masked())?;
                Some((key.as_str().into(), value.clone()))
            };
            let keys: Vec<(Key, Value)> = keys.iter().filter_map(key).collect();
            (!keys.is_empty()).then_some(Step::Item(keys))
        }
    };
    match step {
        Some(step) => (step.clone(), Some(step.to_string())),
        None => (Step::Index(at), None),
    }
}

/// As the server's typed conversion has it: numbers of a built-in kind may be bounded further when they are read.
fn fits(value: &Value, scalar: Scalar) -> bool {
    matches!(
        (&value.data, scalar),
        (Data::Masked(_), _)
            | (_, Scalar::Any)
            | (Data::Text(_), Scalar::Text | Scalar::Bytes | Scalar::Quantity | Scalar::IntOrString)
            | (Data::Int(_) | Data::Uint(_), Scalar::Number | Scalar::Quantity | Scalar::IntOrString)
            | (Data::Float(_), Scalar::Number | Scalar::Quantity)
            | (Data::Bool(_), Scalar::Bool)
    )
}

fn name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Text | Scalar::Bytes => "string",
        Scalar::Number => "numeric (int or float)",
        Scalar::Bool => "boolean",
        Scalar::Quantity | Scalar::IntOrString => "string or number",
        Scalar::Any => "any scalar",
    }
}

fn is_enforced(key: &str) -> bool {
    !OPTIONAL.lines().any(|line| line == key)
}
