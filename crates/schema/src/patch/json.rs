//! JSON patches (RFC 6902), with what Go's `evanphx/json-patch` allows beyond it: negative places count from the end of
//! a list, and `replace` sets a key that is not there.

use super::PatchError;
use super::scalar::text;
use weft_base::diagnostic::nearest;
use weft_base::value::{Data, Origin, Value};

/// One operation of a JSON patch.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it does.
    pub action: Action,
    /// The path as it is written, such as `/spec/replicas`.
    pub path: String,
    /// Where the operation is written.
    pub origin: Origin,
}

/// What an operation does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sets a key, or puts an item into a list.
    Add(Value),
    /// Removes a key or an item.
    Remove,
    /// Sets what is there.
    Replace(Value),
    /// Moves what is at this path.
    Move(String),
    /// Copies what is at this path.
    Copy(String),
    /// Fails where something else is there; `None` asks for nothing.
    Test(Option<Value>),
}

impl Action {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove => "remove",
            Self::Replace(_) => "replace",
            Self::Move(_) => "move",
            Self::Copy(_) => "copy",
            Self::Test(_) => "test",
        }
    }
}

/// The operations of a list.
pub fn operations(list: &Value) -> Result<Vec<Operation>, PatchError> {
    list.as_list().unwrap_or_default().iter().map(operation).collect()
}

fn operation(node: &Value) -> Result<Operation, PatchError> {
    let origin = node.origin.clone();
    if node.as_map().is_none() {
        return Err(PatchError::NoOperation { found: node.kind(), origin });
    }
    let word = node.get("op").map(text).unwrap_or_default().into_owned();
    let missing = |field| PatchError::MissingField { action: word.clone(), field, origin: origin.clone() };
    let of_text = |field| node.get(field).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| missing(field));
    let value = || node.get("value").cloned();
    let action = match word.as_str() {
        "add" => Action::Add(value().unwrap_or_default()),
        "remove" => Action::Remove,
        "replace" => Action::Replace(value().unwrap_or_default()),
        "move" => Action::Move(of_text("from")?),
        "copy" => Action::Copy(of_text("from")?),
        "test" => Action::Test(value()),
        "" => return Err(missing("op")),
        _ => return Err(PatchError::UnknownAction { found: word, origin }),
    };
    Ok(Operation { path: of_text("path")?, action, origin })
}

/// Applies operations in order. An object that one of them does not apply to is left half changed: use a copy.
pub fn apply(object: &mut Value, operations: &[Operation]) -> Result<(), PatchError> {
    operations.iter().try_for_each(|operation| operation.apply(object))
}

impl Operation {
    fn apply(&self, object: &mut Value) -> Result<(), PatchError> {
        match &self.action {
            Action::Add(value) => self.add(object, value.clone()),
            Action::Remove => self.remove(object, &self.path).map(|_| ()),
            Action::Replace(value) if self.path.is_empty() => {
                *object = value.clone();
                Ok(())
            }
            Action::Replace(value) => self.replace(object, value.clone()),
            Action::Move(from) => {
                let value = self.remove(object, from)?;
                self.add(object, value)
            }
            Action::Copy(from) => {
                let value = self.get(object, from)?.cloned().unwrap_or_default();
                self.add(object, value)
            }
            Action::Test(wanted) => self.test(object, wanted.as_ref()),
        }
    }

    fn add(&self, object: &mut Value, value: Value) -> Result<(), PatchError> {
        let (parent, key) = self.parent(object, &self.path)?;
        match &mut parent.data {
            Data::List(items) if key == "-" => items.push(value),
            Data::List(items) => {
                let at = self.place(&key, &self.path, items.len() + 1, items.len())?;
                items.insert(at, value);
            }
            Data::Map(map) => {
                map.insert(key, value);
            }
            _ => {}
        }
        Ok(())
    }

    fn replace(&self, object: &mut Value, value: Value) -> Result<(), PatchError> {
        let (parent, key) = self.parent(object, &self.path)?;
        match &mut parent.data {
            Data::List(items) => {
                let at = self.place(&key, &self.path, items.len(), items.len())?;
                items[at] = value;
            }
            Data::Map(map) => {
                map.insert(key, value);
            }
            _ => {}
        }
        Ok(())
    }

    fn remove(&self, object: &mut Value, path: &str) -> Result<Value, PatchError> {
        let (parent, key) = self.parent(object, path)?;
        match &mut parent.data {
            Data::List(items) => {
                let at = self.place(&key, path, items.len(), items.len())?;
                Ok(items.remove(at))
            }
            Data::Map(map) if map.contains(&key) => Ok(map.remove(&key).unwrap_or_default()),
            _ => Err(self.no_path(object, path)),
        }
    }

    fn get<'v>(&self, object: &'v mut Value, path: &str) -> Result<Option<&'v Value>, PatchError> {
        let (parent, key) = self.parent(object, path)?;
        match &parent.data {
            Data::List(items) => {
                let at = self.place(&key, path, items.len(), items.len())?;
                Ok(items.get(at))
            }
            Data::Map(map) => Ok(map.get(&key)),
            _ => Ok(None),
        }
    }

    fn test(&self, object: &mut Value, wanted: Option<&Value>) -> Result<(), PatchError> {
        let null = |value: Option<&Value>| value.is_none_or(Value::is_null);
        let equal = if self.path.is_empty() {
            Some(&*object) == wanted
        } else {
            let found = self.get(object, &self.path)?;
            found == wanted || null(found) && null(wanted)
        };
        if equal { Ok(()) } else { Err(PatchError::Test { path: self.path.clone(), origin: self.origin.clone() }) }
    }

    /// The list or map that holds what a path leads to, and the last part of the path.
    fn parent<'v>(&self, object: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), PatchError> {
        let parts = parts(path);
        let failed = || self.no_path(object, path);
        let Some((last, above)) = parts.split_last() else { return Err(failed()) };
        let holds = |node: &Value| node.as_map().is_some() || node.as_list().is_some();
        if above.iter().try_fold(&*object, |node, part| step(node, part)).is_none_or(|node| !holds(node)) {
            return Err(failed());
        }
        let node = above.iter().try_fold(object, |node, part| step_mut(node, part));
        node.map(|node| (node, last.clone())).ok_or_else(|| self.missing(path, None, None))
    }

    /// The place of a list that a part of a path means; negative ones count from `from`.
    fn place(&self, part: &str, path: &str, end: usize, length: usize) -> Result<usize, PatchError> {
        place(part, end).ok_or_else(|| PatchError::Index {
            action: self.action.word(),
            part: part.to_owned(),
            path: path.to_owned(),
            length,
            origin: self.origin.clone(),
        })
    }

    fn no_path(&self, object: &Value, path: &str) -> PatchError {
        let mut node = object;
        let mut reached = String::new();
        for part in parts(path) {
            let Some(next) = step(node, &part) else {
                let keys: Vec<String> =
                    node.as_map().map(|map| map.keys().map(str::to_owned).collect()).unwrap_or_default();
                let near = nearest(&part, keys.iter().map(String::as_str)).map(str::to_owned);
                return self.missing(path, Some((reached, keys)), near);
            };
            node = next;
            reached = format!("{reached}/{part}");
        }
        self.missing(path, None, None)
    }

    fn missing(&self, path: &str, reached: Option<(String, Vec<String>)>, nearest: Option<String>) -> PatchError {
        let (path, origin) = (path.to_owned(), self.origin.clone());
        PatchError::NoPath { action: self.action.word(), path, reached, nearest, origin }
    }
}

/// The parts of a path, unescaped; none for the whole object.
fn parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn place(part: &str, end: usize) -> Option<usize> {
    let at: i64 = part.parse().ok()?;
    let length = i64::try_from(end).ok()?;
    let at = if at < 0 { at + length } else { at };
    usize::try_from(at).ok().filter(|at| *at < end)
}

fn step<'v>(node: &'v Value, part: &str) -> Option<&'v Value> {
    match &node.data {
        Data::Map(map) => map.get(part),
        Data::List(items) => items.get(place(part, items.len())?),
        _ => None,
    }
}

fn step_mut<'v>(node: &'v mut Value, part: &str) -> Option<&'v mut Value> {
    match &mut node.data {
        Data::Map(map) => map.get_mut(part),
        Data::List(items) => {
            let at = place(part, items.len())?;
            items.get_mut(at)
        }
        _ => None,
    }
}
