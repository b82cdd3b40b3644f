//! Values as CEL sees them, by their schema.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use kube_cel::cel::objects::{Key, Map as CelMap};
use kube_cel::cel::{Context, Value as CelValue, parser::Parser};

use crate::validate::place::declared;
use crate::validate::{text, texts};
use weft_base::value::{Data, Map, Value};

/// The words that CEL keeps for itself (apiserver `pkg/cel`).
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A value as a rule sees it. `order` is the value beside which an old one stands: lists in which the order does not
/// count are brought into the same order. A secret stands as null, since no rule that reads one is evaluated.
pub(super) fn value(value: &Value, schema: Option<&Value>, order: Option<&Value>) -> CelValue {
    let kind = schema.and_then(|it| text(it, "type"));
    match &value.data {
        Data::Null | Data::Masked(_) => CelValue::Null,
        Data::Bool(it) => CelValue::Bool(*it),
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => number(&value.data, kind),
        Data::Text(it) => of_text(it, schema.and_then(|it| text(it, "format")).filter(|_| kind.is_some())),
        Data::List(items) => list(items, schema, order),
        Data::Map(it) => map(it, schema, order),
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a number is what its schema says: floats without a fraction are integers"
)]
fn number(data: &Data, kind: Option<&str>) -> CelValue {
    match (data, kind) {
        (Data::Int(it), Some("number")) => CelValue::Float(*it as f64),
        (Data::Uint(it), Some("number")) => CelValue::Float(*it as f64),
        (Data::Float(it), Some("integer")) => CelValue::Int(*it as i64),
        (Data::Int(it), _) => CelValue::Int(*it),
        (Data::Uint(it), _) => CelValue::UInt(*it),
        (Data::Float(it), _) => CelValue::Float(*it),
        _ => CelValue::Null,
    }
}

fn of_text(value: &str, format: Option<&str>) -> CelValue {
    let read = match format {
        Some("date-time") => function("timestamp(it)", value),
        Some("date") => function("timestamp(it)", &format!("{value}T00:00:00Z")),
        Some("duration") => function("duration(it)", value),
        Some("byte") => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value);
            bytes.ok().map(|bytes| CelValue::Bytes(Arc::new(bytes)))
        }
        _ => None,
    };
    read.unwrap_or_else(|| CelValue::String(Arc::new(value.to_owned())))
}

/// What a function of CEL makes of a text.
fn function(source: &str, value: &str) -> Option<CelValue> {
    let mut context = Context::default();
    context.add_variable_from_value("it", value.to_owned());
    context.resolve(&Parser::new().parse(source).ok()?).ok()
}

fn list(items: &[Value], schema: Option<&Value>, order: Option<&Value>) -> CelValue {
    let of = schema.and_then(|it| it.get("items"));
    let beside = order.and_then(Value::as_list).unwrap_or_default();
    let mut pairs: Vec<(&Value, Option<usize>)> =
        items.iter().map(|item| (item, beside.iter().position(|other| same(item, other, schema)))).collect();
    pairs.sort_by_key(|(_, at)| at.unwrap_or(usize::MAX));
    let items = pairs.into_iter().map(|(item, at)| value(item, of, at.and_then(|at| beside.get(at))));
    CelValue::List(Arc::new(items.collect()))
}

/// Whether two items are the same one, in a list in which the order does not count.
fn same(item: &Value, other: &Value, schema: Option<&Value>) -> bool {
    let kind = schema.and_then(|it| text(it, "x-kubernetes-list-type"));
    match (kind, schema) {
        (Some("set"), _) => item == other,
        (Some("map"), Some(schema)) => {
            texts(schema, "x-kubernetes-list-map-keys").all(|key| item.get(key) == other.get(key))
        }
        _ => false,
    }
}

/// Keys of free maps are data; declared fields are names, which CEL wants escaped.
fn map(map: &Map, schema: Option<&Value>, order: Option<&Value>) -> CelValue {
    let declares = |key: &str| schema.and_then(|it| it.get("properties")).is_some_and(|it| it.get(key).is_some());
    let entries = map.iter().map(|entry| {
        let name = if declares(&entry.key) { escaped(&entry.key) } else { entry.key.to_string() };
        let of = schema.and_then(|it| declared(it, &entry.key));
        let beside = order.and_then(|it| it.get(&entry.key));
        (Key::String(Arc::new(name)), value(&entry.value, of, beside))
    });
    CelValue::Map(CelMap { map: Arc::new(entries.collect::<HashMap<_, _>>()) })
}

/// A field's name as rules write it.
pub(super) fn escaped(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
