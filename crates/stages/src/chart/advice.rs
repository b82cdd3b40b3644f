//! What people should know of a rendering.

use super::{LookupRequest, Rendered};

/// A sentence for each thing that is not as a chart's author may expect.
pub fn advice(rendered: &Rendered) -> Vec<String> {
    let mut said = Vec::new();
    if rendered.placeholders {
        said.push(format!(
            "The chart of `{}` makes up passwords, keys or certificates. Placeholders stand there until the cluster keeps \
             the key that they are derived from: the first apply creates it.",
            rendered.release
        ));
    }
    if !rendered.lookups.is_empty() {
        let mut asked: Vec<String> = rendered.lookups.iter().map(named).collect();
        asked.sort();
        asked.dedup();
        said.push(format!(
            "The chart of `{}` asks for live objects, and is told that there are none, as `lookup` is not true: {}.",
            rendered.release,
            asked.join(", ")
        ));
    }
    said
}

/// What was asked for, in words.
pub(super) fn named(asked: &LookupRequest) -> String {
    let LookupRequest { kind, namespace, name, .. } = asked;
    match (namespace.as_str(), name.as_str()) {
        ("", "") => format!("`{kind}`"),
        ("", name) => format!("`{kind} {name}`"),
        (namespace, "") => format!("`{kind}` in `{namespace}`"),
        (namespace, name) => format!("`{kind} {namespace}/{name}`"),
    }
}
