//! What a place is taken for: its type may allow a scalar, a list and a map, and the value that is there decides.

use crate::{ListType, MapType, Scalar, Type};
use weft_base::value::{Data, Map, Value};

/// How a place is treated.
#[derive(Clone, Copy)]
pub enum Form<'s> {
    Map(MapType<'s>),
    Scalar(Scalar),
    List(ListType<'s>),
    /// The schema does not declare it.
    Undeclared,
}

/// The form of a place with a value. A value that its type does not allow, and null, leave the choice to the type: a
/// map before a scalar before a list.
pub fn form<'s>(shape: Option<Type<'s>>, value: &Value) -> Form<'s> {
    let Some(shape) = shape else { return Form::Undeclared };
    let narrowed = match &value.data {
        Data::Null => None,
        Data::Map(_) => shape.map().map(Form::Map),
        Data::List(_) => shape.list().map(Form::List),
        _ => shape.scalar().map(Form::Scalar),
    };
    let first = || shape.map().map(Form::Map).or(shape.scalar().map(Form::Scalar)).or(shape.list().map(Form::List));
    narrowed.or_else(first).unwrap_or(Form::Undeclared)
}

/// Whether two values at a place are treated alike. Where one of them leaves the choice open, they are not, unless
/// there is no choice.
pub fn alike(shape: Option<Type<'_>>, a: &Value, b: &Value) -> bool {
    let Some(shape) = shape else { return true };
    let allowed = [shape.map().is_some(), shape.scalar().is_some(), shape.list().is_some()];
    let chosen = |value: &Value| match &value.data {
        Data::Null => None,
        Data::Map(_) => allowed[0].then_some(0),
        Data::List(_) => allowed[2].then_some(2),
        _ => allowed[1].then_some(1),
    };
    allowed.iter().filter(|it| **it).count() < 2 || chosen(a) == chosen(b)
}

/// The map of a value, where it is one with anything in it.
pub fn filled_map(value: Option<&Value>) -> Option<&Map> {
    value.and_then(Value::as_map).filter(|map| !map.is_empty())
}

/// The items of a value, none where it is no list.
pub fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}
