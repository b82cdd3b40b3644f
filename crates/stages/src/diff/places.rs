//! Where things are in an object, by the shape of its kind: the items of lists by their keys, the parts of maps.
//!
//! A shape that is not known is `None`: its maps are divided, its lists are whole.

use weft_base::value::{Data, Path, Step, Value};
use weft_schema::fields::element;
use weft_schema::{ListType, Strategy, Type};

/// The shape of what is below a step.
pub fn below<'s>(shape: Option<Type<'s>>, step: &Step) -> Option<Type<'s>> {
    match step {
        Step::Field(name) => shape?.map()?.field(name),
        Step::Item(_) | Step::Member(_) | Step::Index(_) => Some(shape?.list()?.item),
    }
}

/// The shape of what a path leads to.
pub fn shape_at<'s>(shape: Option<Type<'s>>, path: &Path) -> Option<Type<'s>> {
    path.0.iter().fold(shape, below)
}

/// Whether a map is replaced as a whole.
pub fn is_whole_map(shape: Option<Type<'_>>) -> bool {
    shape.and_then(Type::map).is_some_and(|map| map.atomic)
}

/// Whether a list is merged item by item.
pub fn is_associative(shape: Option<Type<'_>>) -> bool {
    shape.and_then(Type::list).is_some_and(|list| *list.strategy != Strategy::Atomic)
}

/// The items of a list with their steps; `None` where the list is one whole, or where items lack keys or share them.
pub fn items<'v>(list: &'v [Value], shape: Option<Type<'_>>) -> Option<Vec<(Step, &'v Value)>> {
    let shape = shape?.list().filter(|list| *list.strategy != Strategy::Atomic)?;
    let steps: Vec<_> = list.iter().map(|item| Some((step(item, shape)?, item))).collect::<Option<_>>()?;
    let mut texts: Vec<String> = steps.iter().map(|(step, _)| element::encode(step)).collect();
    texts.sort_unstable();
    let unique = texts.windows(2).all(|pair| pair[0] != pair[1]);
    unique.then_some(steps)
}

/// The step to an item. A key that the item does not write is the schema's default; one without a default is left out.
fn step(item: &Value, shape: ListType<'_>) -> Option<Step> {
    match shape.strategy {
        Strategy::Atomic => None,
        Strategy::Set => Some(Step::Member(item.clone())),
        Strategy::Keyed(names) => {
            let defaults = shape.item.map();
            let map = item.as_map()?;
            let value = |name: &String| map.get(name).or_else(|| defaults?.default(name)).cloned();
            let pairs: Vec<_> = names.iter().filter_map(|name| Some((name.as_str().into(), value(name)?))).collect();
            (!pairs.is_empty()).then_some(Step::Item(pairs))
        }
    }
}

/// The node that a path leads to.
pub fn lookup<'v>(root: &'v Value, path: &Path, shape: Option<Type<'_>>) -> Option<&'v Value> {
    let mut at = (root, shape);
    for step in &path.0 {
        at = (follow(at.0, step, at.1)?, below(at.1, step));
    }
    Some(at.0)
}

fn follow<'v>(node: &'v Value, step: &Step, shape: Option<Type<'_>>) -> Option<&'v Value> {
    match (step, &node.data) {
        (Step::Field(name), Data::Map(map)) => map.get(name),
        (step, Data::List(items)) => items.get(position(items, step, shape)?),
        _ => None,
    }
}

/// The place in a list that a step leads to.
pub fn position(items: &[Value], step: &Step, shape: Option<Type<'_>>) -> Option<usize> {
    match step {
        Step::Field(_) => None,
        Step::Index(at) => Some(*at),
        Step::Member(member) => items.iter().position(|item| item == member),
        Step::Item(keys) => {
            let defaults = shape.and_then(Type::list).and_then(|list| list.item.map());
            let value = |item: &'_ Value, key: &str, wanted: &Value| {
                item.get(key).or_else(|| defaults?.default(key)).is_some_and(|it| it == wanted)
            };
            items.iter().position(|item| keys.iter().all(|(key, wanted)| value(item, key, wanted)))
        }
    }
}

/// The name of what a step leads to, where only its place matters: its key, its keys as one text (`8080/UDP`), or the
/// member itself. No two items of a list have the same.
pub fn name(step: &Step) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| format!("{value:?}"), str::to_owned);
    match step {
        Step::Item(keys) if keys.len() > 1 => {
            keys.iter().map(|(_, value)| text(value)).collect::<Vec<_>>().join("/").into()
        }
        Step::Item(keys) => keys.first().map(|(_, value)| value.clone()).unwrap_or_default(),
        Step::Member(value) => value.clone(),
        Step::Field(_) | Step::Index(_) => Value::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::{Gvk, builtin_schemas};

    #[test]
    fn a_key_that_the_schema_defaults_is_filled_in() {
        let pod = builtin_schemas().of(&Gvk::new("v1", "Pod"));
        let body: Value = serde_json::from_str(
            r#"{"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 53, "protocol": "UDP"},
                {"containerPort": 53, "name": "tcp"}]}]}}"#,
        )
        .unwrap();
        let containers = Path::of_fields(["spec", "containers"]);
        let ports = containers.then(Step::Item(vec![("name".into(), "a".into())])).field("ports");
        let port = |protocol: &str| {
            ports.then(Step::Item(vec![("containerPort".into(), 53_i64.into()), ("protocol".into(), protocol.into())]))
        };
        let found = lookup(&body, &port("TCP").field("name"), pod);
        assert_eq!(found.and_then(Value::as_str), Some("tcp"));
        assert!(lookup(&body, &port("UDP").field("name"), pod).is_none());
        let list = lookup(&body, &ports, pod).unwrap().as_list().unwrap();
        let steps: Vec<Step> = items(list, shape_at(pod, &ports)).unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(ports.then(steps[1].clone()), port("TCP"));
    }
}
