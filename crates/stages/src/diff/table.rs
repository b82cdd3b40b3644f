//! Reading tables: one row a line, words between spaces, `#` begins a comment.

/// The rows of a table, each with its words; empty lines are left out.
pub(crate) fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .map(|line| line.split_once('#').map_or(line, |(row, _)| row).split_whitespace().collect())
        .filter(|row: &Vec<_>| !row.is_empty())
}

/// Whether `name` is what `pattern` says; a `*` at its beginning or end stands for anything.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(ending), _) => name.ends_with(ending),
        (None, Some(beginning)) => name.starts_with(beginning),
        (None, None) => name == pattern,
    }
}
