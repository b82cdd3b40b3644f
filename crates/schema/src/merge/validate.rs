//! Whether an object fits the shape of its kind, as far as a merge needs it.

use std::collections::BTreeSet;

use super::error::MergeError;
use super::form::{Form, form};
use super::keys;
use crate::{ListType, MapType, Scalar, Strategy, Type};
use weft_base::value::{Data, Path, Step, Value};

/// Whether a list may have two items with the same keys: never in an object that is applied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    Allowed,
    Refused,
}

/// Says what does not fit, the first thing first.
pub fn object(object: &Value, shape: Type<'_>, duplicates: Duplicates) -> Result<(), MergeError> {
    Check { duplicates }.place(Some(shape), object)
}

struct Check {
    duplicates: Duplicates,
}

impl Check {
    fn place(&self, shape: Option<Type<'_>>, value: &Value) -> Result<(), MergeError> {
        match (form(shape, value), &value.data) {
            (Form::Undeclared, _) => Err(MergeError::Undeclared { path: Path::root(), origin: value.origin.clone() }),
            (_, Data::Null) => Ok(()),
            (Form::Map(map), Data::Map(_)) => self.map(map, value),
            (Form::List(list), Data::List(items)) => self.list(list, items),
            (Form::Scalar(scalar), _) if fits(scalar, &value.data) => Ok(()),
            (Form::Map(_), _) => Err(wrong("map", value)),
            (Form::List(_), _) => Err(wrong("list", value)),
            (Form::Scalar(scalar), _) => Err(wrong(name(scalar), value)),
        }
    }

    fn map(&self, map: MapType<'_>, value: &Value) -> Result<(), MergeError> {
        for entry in value.as_map().into_iter().flatten() {
            self.place(map.field(&entry.key), &entry.value)
                .map_err(|error| error.below(&Step::Field(entry.key.clone())))?;
        }
        Ok(())
    }

    fn list(&self, list: ListType<'_>, items: &[Value]) -> Result<(), MergeError> {
        let mut seen = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let step = if *list.strategy == Strategy::Atomic { Step::Index(at) } else { step(list, at, item)? };
            self.place(Some(list.item), item).map_err(|error| error.below(&step))?;
            let again = self.duplicates == Duplicates::Refused && !seen.insert(step.clone());
            if again {
                return Err(MergeError::Duplicate { path: Path(vec![step]), origin: item.origin.clone() });
            }
        }
        Ok(())
    }
}

fn step(list: ListType<'_>, at: usize, item: &Value) -> Result<Step, MergeError> {
    keys::step(list, item).map_err(|problem| MergeError::Item {
        path: Path::root().index(at),
        problem,
        origin: item.origin.clone(),
    })
}

fn wrong(expected: &'static str, value: &Value) -> MergeError {
    MergeError::WrongKind { path: Path::root(), expected, found: value.kind(), origin: value.origin.clone() }
}

/// Whether a leaf may be where the schema wants this scalar. What a secret is, nobody is told.
fn fits(scalar: Scalar, data: &Data) -> bool {
    match data {
        Data::Null | Data::Masked(_) => true,
        Data::List(_) | Data::Map(_) => false,
        Data::Bool(_) => matches!(scalar, Scalar::Bool) || any(scalar),
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => matches!(scalar, Scalar::Number) || any(scalar),
        Data::Text(_) => matches!(scalar, Scalar::Text | Scalar::Bytes) || any(scalar),
    }
}

fn any(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::Any | Scalar::Quantity | Scalar::IntOrString)
}

fn name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Text | Scalar::Bytes => "text",
        Scalar::Number => "number",
        Scalar::Bool => "boolean",
        Scalar::Quantity | Scalar::IntOrString | Scalar::Any => "scalar",
    }
}
