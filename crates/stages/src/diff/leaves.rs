//! The leaves of an object with their paths, as comparisons name them.

use super::places::{below, is_whole_map, items};
use super::{LiveObject, Writer};
use weft_base::value::{Data, Path, Value};
use weft_schema::Type;

/// The leaves of a value: scalars, empty maps, and lists and maps that are one whole by the shape of the kind.
pub fn leaves<'v>(value: &'v Value, shape: Option<Type<'_>>) -> Vec<(Path, &'v Value)> {
    let mut found = Vec::new();
    walk(&Path::root(), value, shape, &mut found);
    found
}

fn walk<'v>(path: &Path, value: &'v Value, shape: Option<Type<'_>>, out: &mut Vec<(Path, &'v Value)>) {
    match &value.data {
        Data::Map(map) if !map.is_empty() && !is_whole_map(shape) => {
            for entry in map {
                let shape = shape.and_then(|it| it.map()?.field(&entry.key));
                walk(&path.field(&entry.key), &entry.value, shape, out);
            }
        }
        Data::List(list) => match items(list, shape).filter(|items| !items.is_empty()) {
            Some(items) => {
                for (step, item) in &items {
                    walk(&path.then(step.clone()), item, below(shape, step), out);
                }
            }
            None => out.push((path.clone(), value)),
        },
        _ => out.push((path.clone(), value)),
    }
}

/// Everybody who owns a field, we too; the newest first. Nobody where the entries cannot be read.
pub fn owners(live: &LiveObject, path: &Path) -> Vec<Writer> {
    let owns = |manager: &&super::Manager| manager.fields.set().is_ok_and(|fields| fields.owns(path));
    let mut owners: Vec<Writer> = live.managers.iter().filter(owns).map(Writer::of).collect();
    owners.sort_by(|a, b| b.time.cmp(&a.time));
    owners
}
