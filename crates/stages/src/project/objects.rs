//! Objects by kind, namespace and name, as rules name them.

use weft_schema::GroupKind;

/// Objects by kind, namespace and name; in each, `*` stands for any text, and what is missing for any object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectPattern {
    /// `Kind` or `Kind.group`.
    pub kind: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: Option<String>,
}

impl ObjectPattern {
    /// Whether an object is meant. One without a namespace has the empty one.
    pub fn fits(&self, kind: &GroupKind, namespace: Option<&str>, name: &str) -> bool {
        let kind = |it: &String| fits(it, &kind.kind) || fits(it, &kind.to_string());
        self.kind.as_ref().is_none_or(kind)
            && self.namespace.as_ref().is_none_or(|it| fits(it, namespace.unwrap_or_default()))
            && self.name.as_ref().is_none_or(|it| fits(it, name))
    }
}

/// Whether `text` is what `pattern` says, in which each `*` stands for any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| fits(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text) in [("*", ""), ("a*", "a"), ("*-x", "é-x"), ("a*b*c", "aXbYbc"), ("a", "a")] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a*", "ba"), ("a*b", "abc"), ("a", "A")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
