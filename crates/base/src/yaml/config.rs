//! Typed configuration, read by serde from our own nodes, so that scalars mean what they mean in a manifest and every
//! error has its place.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::{Rules, YamlError, document};
use crate::diagnostic::Place;
use crate::masked::MASK;
use crate::value::{Data, Mark, Origin, Path, Step, Value};

/// Reads a text of our own into a type: strict rules, one document, and what the type says about its fields. A key that
/// the type does not know is refused where the type is marked `deny_unknown_fields`. An enum with data has to be
/// untagged or tagged inside: `serde_yaml` reads the others from YAML's own tags.
pub fn config<T: DeserializeOwned>(text: &str, file: &Arc<String>) -> Result<T, YamlError> {
    from_value(&document(text, file, Rules::Strict)?, text)
}

/// Reads a type from nodes that were read before; `text` is what they were read from, for the excerpt of an error.
/// Masked leaves give their mask: configuration never sees a secret. Nodes that the type keeps as a [`Value`] lose their
/// places; who needs those takes the nodes from `value`.
pub fn from_value<T: DeserializeOwned>(value: &Value, text: &str) -> Result<T, YamlError> {
    serde_path_to_error::deserialize(plain(value)).map_err(|error| {
        let path = path_of(error.path());
        Failure { root: value, text, path }.explain(&error.into_inner().to_string())
    })
}

/// The same node for serde.
fn plain(value: &Value) -> serde_yaml::Value {
    match &value.data {
        Data::Null => serde_yaml::Value::Null,
        Data::Bool(it) => (*it).into(),
        Data::Int(it) => (*it).into(),
        Data::Uint(it) => (*it).into(),
        Data::Float(it) => (*it).into(),
        Data::Text(it) => it.as_str().into(),
        Data::List(items) => serde_yaml::Value::Sequence(items.iter().map(plain).collect()),
        Data::Map(map) => {
            serde_yaml::Value::Mapping(map.iter().map(|e| (e.key.as_str().into(), plain(&e.value))).collect())
        }
        Data::Masked(_) => MASK.into(),
    }
}

fn path_of(path: &serde_path_to_error::Path) -> Path {
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Field(key.as_str().into())),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    Path(path.iter().filter_map(step).collect())
}

/// What serde could not read, and where it was.
struct Failure<'v> {
    root: &'v Value,
    text: &'v str,
    path: Path,
}

impl Failure<'_> {
    /// Serde's message in our words, with the place of the node, or of the key, that it is about.
    fn explain(mut self, message: &str) -> YamlError {
        let (head, tail) = message.rsplit_once(", expected ").unwrap_or((message, ""));
        if let Some(key) = quoted_after(head, "unknown field ") {
            if self.path.0.last() == Some(&Step::Field(key.as_str().into())) {
                self.path.0.pop();
            }
            return YamlError::UnknownKey { at: self.key_place(&key), key, known: quoted(tail) };
        }
        if let Some(key) = quoted_after(head, "missing field ") {
            return YamlError::MissingKey { key, path: self.path.to_string(), at: self.place() };
        }
        if let Some(key) = quoted_after(head, "duplicate field ") {
            return self.invalid(format!("the key `{key}` is there twice, under two of its names"));
        }
        if let Some(word) = quoted_after(head, "unknown variant ") {
            return YamlError::UnknownWord { path: self.path.to_string(), word, known: quoted(tail), at: self.place() };
        }
        if let Some(unexpected) = head.strip_prefix("invalid type: ") {
            return self.wrong_kind(expected(tail), kind_of(unexpected).to_owned());
        }
        if let Some(found) = head.strip_prefix("invalid value: ").or_else(|| head.strip_prefix("invalid length ")) {
            let found = found.split_once(' ').map_or(found, |(_, value)| value);
            return self.wrong_kind(expected(tail), found.to_owned());
        }
        if head.starts_with("data did not match any variant") {
            return self.invalid("the value has none of the forms that are known here".to_owned());
        }
        self.invalid(message.to_owned())
    }

    fn wrong_kind(&self, expected: String, found: String) -> YamlError {
        YamlError::WrongKind { path: self.path.to_string(), expected, found, at: self.place() }
    }

    fn invalid(&self, problem: String) -> YamlError {
        YamlError::Invalid { path: self.path.to_string(), problem, at: self.place() }
    }

    /// The node of the path; where the path leads nowhere, the nearest node above.
    fn node(&self) -> &Value {
        let mut node = self.root;
        for step in &self.path.0 {
            let Some(next) = Path(vec![step.clone()]).resolve(node) else { break };
            node = next;
        }
        node
    }

    fn place(&self) -> Place {
        let node = self.node();
        let width = node.as_str().map_or(1, |text| text.chars().count());
        self.at(node.origin.mark, width)
    }

    fn key_place(&self, key: &str) -> Place {
        let mark = self.node().as_map().and_then(|map| map.entry(key)).map(|entry| entry.mark);
        mark.map_or_else(|| self.place(), |mark| self.at(mark, key.chars().count()))
    }

    fn at(&self, mark: Mark, width: usize) -> Place {
        let file = self.node().origin.file.clone().or_else(|| self.root.origin.file.clone());
        Place::new(self.text, Origin { file, mark }, width)
    }
}

/// What serde found, such as `string "a"`, as a kind: the value is in the excerpt.
fn kind_of(unexpected: &str) -> &str {
    match unexpected.split(' ').next().unwrap_or_default() {
        "unit" | "null" | "Option" => "nothing",
        "boolean" => "a boolean",
        "integer" | "floating" => "a number",
        "string" | "character" => "text",
        "sequence" => "a list",
        "map" => "a map",
        _ => unexpected,
    }
}

/// The name in backquotes after `lead`.
fn quoted_after(message: &str, lead: &str) -> Option<String> {
    quoted(message.strip_prefix(lead)?).into_iter().next()
}

/// The names in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What serde expects, in words that do not need Rust.
fn expected(words: &str) -> String {
    match words {
        "a sequence" => "a list".into(),
        "a boolean" => "true or false".into(),
        "a string" | "a borrowed string" | "string or bytes" => "text".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "an integer".into(),
        "u8" => "an integer from 0 to 255".into(),
        "u16" => "an integer from 0 to 65535".into(),
        "u32" | "u64" | "usize" => "an integer from 0 on".into(),
        "f32" | "f64" => "a number".into(),
        "unit" => "null".into(),
        _ if words.starts_with("struct ") || words == "a map" => "a map".into(),
        _ if words.starts_with("variant identifier") || words.starts_with("enum ") => "a word".into(),
        _ => words.to_owned(),
    }
}
