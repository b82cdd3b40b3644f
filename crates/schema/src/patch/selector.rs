//! Which objects a patch is for.

use std::fmt;

use regex::Regex;

use super::{LabelSelector, PatchError};
use crate::Gvk;
use weft_base::value::{Origin, Value};

/// Which objects are meant: patterns that match the whole of each field, and selectors of labels and annotations. What
/// is not given matches anything.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// The API group.
    pub group: Option<Regex>,
    /// The version.
    pub version: Option<Regex>,
    /// The kind.
    pub kind: Option<Regex>,
    /// The name.
    pub name: Option<Regex>,
    /// The namespace.
    pub namespace: Option<Regex>,
    /// The labels.
    pub labels: Option<LabelSelector>,
    /// The annotations.
    pub annotations: Option<LabelSelector>,
}

impl Selector {
    /// The pattern of a field of a selector; `None` for an empty one, which matches anything.
    pub fn pattern(field: &'static str, text: &str, origin: &Origin) -> Result<Option<Regex>, PatchError> {
        if text.is_empty() {
            return Ok(None);
        }
        let pattern =
            |message| PatchError::Pattern { field, pattern: text.to_owned(), message, origin: origin.clone() };
        let regex = Regex::new(&format!("^(?:{text})$"));
        regex.map(Some).map_err(|error| pattern(error.to_string().lines().last().unwrap_or_default().to_owned()))
    }

    /// Whether an object is meant.
    pub fn matches(&self, object: &Value) -> bool {
        let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default();
        self.matches_kind(&Gvk::new(text(&["apiVersion"]), text(&["kind"])))
            && self.matches_name(text(&["metadata", "name"]))
            && self.matches_namespace(text(&["metadata", "namespace"]))
            && self.matches_labels(object)
    }

    /// Whether objects of a kind are meant.
    pub fn matches_kind(&self, gvk: &Gvk) -> bool {
        fits(self.group.as_ref(), &gvk.group)
            && fits(self.version.as_ref(), &gvk.version)
            && fits(self.kind.as_ref(), &gvk.kind)
    }

    /// Whether objects of a name are meant.
    pub fn matches_name(&self, name: &str) -> bool {
        fits(self.name.as_ref(), name)
    }

    /// Whether objects of a namespace are meant.
    pub fn matches_namespace(&self, namespace: &str) -> bool {
        fits(self.namespace.as_ref(), namespace)
    }

    /// Whether objects with the labels and annotations of this one are meant.
    pub fn matches_labels(&self, object: &Value) -> bool {
        let fits = |selector: Option<&LabelSelector>, field| {
            selector.is_none_or(|it| it.matches(object.dig(&["metadata", field]).and_then(Value::as_map)))
        };
        fits(self.labels.as_ref(), "labels") && fits(self.annotations.as_ref(), "annotations")
    }
}

impl fmt::Display for Selector {
    /// `Deployment web`, with the patterns that are given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [("", &self.kind), ("", &self.name), ("in ", &self.namespace), ("of ", &self.group)];
        let given = named.iter().filter_map(|(word, pattern)| Some(format!("{word}{}", bare(pattern.as_ref()?))));
        let words: Vec<String> = given.collect();
        f.write_str(if words.is_empty() { "any object" } else { "" })?;
        f.write_str(&words.join(" "))
    }
}

/// A pattern without what makes it match the whole.
fn bare(pattern: &Regex) -> &str {
    let text = pattern.as_str().trim_start_matches('^').trim_end_matches('$');
    text.strip_prefix("(?:").and_then(|it| it.strip_suffix(')')).unwrap_or(text)
}

fn fits(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_none_or(|it| it.is_match(text))
}
