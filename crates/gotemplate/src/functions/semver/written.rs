//! Versions as they are written: up to three numbers, a pre-release, a build.

/// The parts of a version, without the signs between them; empty where they are not written.
pub(super) struct VersionText<'t> {
    /// All of it, with its `v`.
    pub text: &'t str,
    /// The numbers.
    pub numbers: [&'t str; 3],
    /// What follows `-`.
    pub prerelease: &'t str,
    /// What follows `+`.
    pub metadata: &'t str,
}

impl<'t> VersionText<'t> {
    /// The longest version that a text begins with, whose numbers are made of such bytes; and what follows it.
    pub fn first(text: &'t str, is_digit: fn(u8) -> bool) -> Option<(Self, &'t str)> {
        let (major, rest) = run(text.strip_prefix('v').unwrap_or(text), is_digit)?;
        let (minor, rest) = behind(rest, '.', |it| run(it, is_digit));
        // Without a second number there is no third.
        let (patch, rest) = if minor.is_empty() { ("", rest) } else { behind(rest, '.', |it| run(it, is_digit)) };
        let (prerelease, rest) = behind(rest, '-', identifiers);
        let (metadata, rest) = behind(rest, '+', identifiers);
        let text = &text[..text.len() - rest.len()];
        Some((Self { text, numbers: [major, minor, patch], prerelease, metadata }, rest))
    }
}

/// What stands behind a sign, where both are there, and what follows; else nothing, and all of the text.
fn behind<'t>(text: &'t str, sign: char, part: impl Fn(&'t str) -> Option<(&'t str, &'t str)>) -> (&'t str, &'t str) {
    text.strip_prefix(sign).and_then(part).unwrap_or(("", text))
}

/// As many such bytes as there are, at least one, and what follows.
fn run(text: &str, is_one: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let length = text.bytes().position(|byte| !is_one(byte)).unwrap_or(text.len());
    (length > 0).then(|| text.split_at(length))
}

/// Identifiers with dots between them.
fn identifiers(text: &str) -> Option<(&str, &str)> {
    let (_, mut rest) = run(text, super::is_identifier)?;
    while let Some((_, more)) = rest.strip_prefix('.').and_then(|it| run(it, super::is_identifier)) {
        rest = more;
    }
    Some(text.split_at(text.len() - rest.len()))
}
