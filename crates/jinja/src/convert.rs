//! From what a template computed back to values.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value as Dynamic};

use weft_base::value::{Data, Map, Value};

/// Deeper nesting is refused: a document of it could not be read back.
const DEEPEST: usize = 100;

/// The value that a template's value stands for. Functions, undefined values and bytes that are no text have none.
pub fn value(dynamic: &Dynamic) -> Result<Value, Error> {
    at_depth(dynamic, 0)
}

fn at_depth(dynamic: &Dynamic, depth: usize) -> Result<Value, Error> {
    if depth > DEEPEST {
        return Err(invalid(format!("the value is nested more than {DEEPEST} deep")));
    }
    match dynamic.kind() {
        ValueKind::None => Ok(Value::default()),
        ValueKind::Bool => Ok(dynamic.is_true().into()),
        ValueKind::Number => number(dynamic),
        ValueKind::String => Ok(dynamic.as_str().unwrap_or_default().into()),
        ValueKind::Bytes => Ok(dynamic.as_str().ok_or_else(|| invalid("the bytes are not UTF-8 text"))?.into()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Result<Vec<Value>, Error> =
                dynamic.try_iter()?.checked().map(|item| at_depth(&item?, depth + 1)).collect();
            Ok(items?.into())
        }
        ValueKind::Map => map(dynamic, depth),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        other => Err(invalid(format!("a value of kind {other} cannot be written"))),
    }
}

fn number(dynamic: &Dynamic) -> Result<Value, Error> {
    if dynamic.is_integer() {
        if let Some(it) = dynamic.as_i64() {
            return Ok(it.into());
        }
        return Ok(u64::try_from(dynamic.clone()).map_err(|_| invalid("the integer is too large"))?.into());
    }
    let float = f64::try_from(dynamic.clone())?;
    if float.is_finite() { Ok(float.into()) } else { Err(invalid("the number is not finite")) }
}

fn map(dynamic: &Dynamic, depth: usize) -> Result<Value, Error> {
    let mut map = Map::new();
    for key in dynamic.try_iter()?.checked() {
        let key = key?;
        let text = match key.kind() {
            ValueKind::String => key.as_str().unwrap_or_default().to_owned(),
            ValueKind::Bool => key.is_true().to_string(),
            ValueKind::Number => key.to_string(),
            other => return Err(invalid(format!("a key of kind {other} cannot be written"))),
        };
        map.insert(text, at_depth(&dynamic.get_item(&key)?, depth + 1)?);
    }
    Ok(Data::Map(map).into())
}

pub(super) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
