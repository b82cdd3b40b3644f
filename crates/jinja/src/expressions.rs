//! Which values an expression of a template names, as far as its text tells.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::node::{Node, ResolvedNode};
use weft_base::masked::MASK;

/// Longer values are cut in messages.
const WIDEST: usize = 60;

/// A name with attributes, such as `values.image.tag`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// As it was written.
    pub text: String,
    steps: Vec<String>,
}

impl Reference {
    /// Its steps, outermost first; never empty.
    pub fn path(&self) -> Vec<&str> {
        self.steps.iter().map(String::as_str).collect()
    }
}

/// A name with its attributes; what stands before it tells filters, tests and keyword arguments apart.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"([.|"'])?\s*\b([A-Za-z_]\w*)((?:\.\w+|\["[^"]*"\]|\['[^']*'\]|\[\d+\])*)\s*(\(|=[^=])?"#).ok()
});
static STEP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\.(\w+)|\["([^"]*)"\]|\['([^']*)'\]|\[(\d+)\]"#).ok());

/// The references in the text of an expression, in order. A called name is no reference; what it is called on is.
pub fn references(expression: &str) -> Vec<Reference> {
    let Some((reference, step)) = REFERENCE.as_ref().zip(STEP.as_ref()) else { return Vec::new() };
    let mut found: Vec<Reference> = Vec::new();
    for captures in reference.captures_iter(expression) {
        if captures.get(1).is_some() {
            continue;
        }
        let first = &captures[2];
        let rest = &captures[3];
        let mut steps = vec![first.to_owned()];
        let mut text = first.to_owned();
        for one in step.captures_iter(rest) {
            steps.extend((1..5).find_map(|group| one.get(group)).map(|it| it.as_str().to_owned()));
            text.push_str(&one[0]);
        }
        if captures.get(4).is_some() {
            steps.pop();
            text.truncate(text.rfind(['.', '[']).unwrap_or(0));
        }
        let known = found.iter().any(|it| it.steps == steps);
        if !steps.is_empty() && !known && !KEYWORDS.contains(&first) {
            found.push(Reference { text, steps });
        }
    }
    found
}

const KEYWORDS: &[&str] = &[
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "in",
    "set",
    "endset",
    "is",
    "not",
    "and",
    "or",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "include",
    "import",
    "from",
    "as",
    "with",
    "without",
    "macro",
    "call",
    "do",
    "filter",
    "block",
    "defined",
    "undefined",
    "recursive",
    "context",
    "ignore",
    "missing",
];

/// The tag, such as `{{ ... }}`, in which a range of a template's text lies.
pub fn tag_around<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    let before = &text[..range.end.max(range.start)];
    let start = before.rfind("{{").into_iter().chain(before.rfind("{%")).max();
    let after = &text[range.start..];
    let end = after.find("}}").into_iter().chain(after.find("%}")).min();
    match (start, end) {
        (Some(start), Some(end)) => text.get(start..range.start + end).unwrap_or_default(),
        _ => text.get(range.clone()).unwrap_or_default(),
    }
}

/// `name is value`, for a message; `None` for what has no short form.
pub fn shown(reference: &Reference, found: &ResolvedNode) -> Option<String> {
    let name = &reference.text;
    if found.secret {
        return Some(format!("`{name}` is {MASK}"));
    }
    if let Some(node) = found.value.downcast_object_ref::<Node>() {
        return Some(format!("`{name}` is a {node:?}")).filter(|_| !reference.steps[1..].is_empty());
    }
    if found.value.as_object().is_some() {
        return None;
    }
    let text = match found.value.as_str() {
        Some(text) => format!("{text:?}"),
        None => super::format::text(&found.value).ok()?,
    };
    let short: String = text.chars().take(WIDEST).collect();
    Some(format!("`{name}` is {short}{}", if short.len() < text.len() { "…" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expression: &str) -> Vec<String> {
        references(expression).into_iter().map(|r| r.text).collect()
    }

    #[test]
    fn references_are_names_with_their_attributes() {
        assert_eq!(names("values.image.tag | default(values.tag)"), ["values.image.tag", "values.tag"]);
        assert_eq!(names(r#"values["a.b"][0].c == "values" ~ release.name"#)[0], r#"values["a.b"][0].c"#);
        assert_eq!(names("files.get(values.name) | indent(width=4)"), ["files", "values.name"]);
    }

    #[test]
    fn the_tag_is_what_stands_between_the_delimiters() {
        let text = "a: {{ b }}\nc: {{ d + e }}\n";
        assert_eq!(tag_around(text, &(17..18)), "{{ d + e ");
    }
}
