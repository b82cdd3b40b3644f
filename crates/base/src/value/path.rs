//! Paths to fields, printed the way the API server prints them in conflicts.

use std::fmt;

use ::serde::{Deserialize, Serialize};

use super::{Data, Key, Value};

/// One step of a path. The variants are those of structured-merge-diff's path elements, in its order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// A key of a map.
    Field(Key),
    /// The item of an associative list that has these key fields, sorted by name.
    Item(Vec<(Key, Value)>),
    /// A member of a set, by its value.
    Member(Value),
    /// An item of an atomic list, by its place.
    Index(usize),
}

/// A path from the root of an object or a values tree to a node of it; empty for the root.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of nested keys.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        Self(fields.into_iter().map(|f| Step::Field(f.into())).collect())
    }

    /// This path with one more step.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// This path with one more key.
    #[must_use]
    pub fn field(&self, key: &str) -> Self {
        self.then(Step::Field(key.into()))
    }

    /// This path with one more place of a list.
    #[must_use]
    pub fn index(&self, at: usize) -> Self {
        self.then(Step::Index(at))
    }

    /// The node that the path leads to in `root`.
    pub fn resolve<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |node, step| step.resolve(node))
    }

    /// The same node, to be changed. A path through items that are told by their keys or values leads nowhere here.
    pub fn resolve_mut<'v>(&self, root: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(root, |node, step| match (step, &mut node.data) {
            (Step::Field(key), Data::Map(map)) => map.get_mut(key),
            (Step::Index(at), Data::List(items)) => items.get_mut(*at),
            _ => None,
        })
    }

    /// Whether `self` is `other` or lies above it.
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl Step {
    fn resolve<'v>(&self, node: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Field(key) => node.get(key),
            Self::Index(at) => node.as_list()?.get(*at),
            Self::Member(value) => node.as_list()?.iter().find(|item| *item == value),
            Self::Item(keys) => {
                node.as_list()?.iter().find(|item| keys.iter().all(|(k, v)| item.get(k).is_some_and(|it| it == v)))
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(key) if is_plain(key) => f.write_str(key),
            Self::Field(key) => write!(f, "[{key:?}]"),
            Self::Item(keys) => {
                f.write_str("[")?;
                for (at, (key, value)) in keys.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma}{key}={value:?}")?;
                }
                f.write_str("]")
            }
            Self::Member(value) => write!(f, "[={value:?}]"),
            Self::Index(at) => write!(f, "[{at}]"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            let dot = at > 0 && matches!(step, Step::Field(key) if is_plain(key));
            write!(f, "{}{step}", if dot { "." } else { "" })?;
        }
        Ok(())
    }
}

/// Whether a key can stand in a path without quotes: keys with dots or slashes (annotations) cannot.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '$')
}

impl From<&Data> for Step {
    fn from(data: &Data) -> Self {
        Self::Member(data.clone().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_the_server_prints_them() {
        let path =
            Path::of_fields(["spec", "containers"]).then(Step::Item(vec![("name".into(), "c".into())])).field("image");
        assert_eq!(path.to_string(), r#"spec.containers[name="c"].image"#);
        let annotation = Path::of_fields(["metadata", "annotations", "example.com/a.b"]);
        assert_eq!(annotation.to_string(), r#"metadata.annotations["example.com/a.b"]"#);
    }
}
