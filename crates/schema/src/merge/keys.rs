//! Which item of a list is which.

use crate::{ListType, Strategy, Type};
use weft_base::value::{Data, Step, Value};

/// The step to an item of a list that is merged; what is wrong with the item otherwise. A key that is not written is
/// the schema's default for it, or is left out: that is another item than one that has it.
pub fn step(list: ListType<'_>, item: &Value) -> Result<Step, String> {
    match list.strategy {
        Strategy::Keyed(names) => keyed(names, list.item, item),
        Strategy::Set => member(item),
        Strategy::Atomic => Err("is an item of a list that is one whole".to_owned()),
    }
}

fn keyed(names: &[String], shape: Type<'_>, item: &Value) -> Result<Step, String> {
    let Some(map) = item.as_map() else {
        return Err(format!("is of kind `{}`, and items of its list are told apart by keys", item.kind()));
    };
    let value = |name: &String| map.get(name).or_else(|| shape.map()?.default(name).filter(|it| !it.is_null()));
    let pairs: Vec<_> = names.iter().filter_map(|name| Some((name.as_str().into(), plain(value(name)?)))).collect();
    if pairs.is_empty() {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        return Err(format!("has none of the keys that tell items apart: {}", names.join(", ")));
    }
    Ok(Step::Item(pairs))
}

fn member(item: &Value) -> Result<Step, String> {
    match &item.data {
        Data::Map(_) | Data::List(_) | Data::Null => {
            Err(format!("is of kind `{}`, and items of its list are told apart by their values", item.kind()))
        }
        _ => Ok(Step::Member(plain(item))),
    }
}

/// The data without its place.
fn plain(value: &Value) -> Value {
    value.data.clone().into()
}
