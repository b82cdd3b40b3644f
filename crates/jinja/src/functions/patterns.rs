//! Regular expressions and versions.

use minijinja::Error;
use regex::{Regex, RegexBuilder};
use semver::{Version, VersionReq};

use crate::convert::invalid;
use crate::trace::unmarked;

/// What a compiled pattern may take, in bytes.
const LARGEST: usize = 1 << 20;

/// `text | regex_match("^v\\d+$")`: whether the pattern is found.
pub fn regex_match(text: &str, pattern: &str) -> Result<bool, Error> {
    Ok(compile(pattern)?.is_match(&unmarked(text)))
}

/// `text | regex_find("\\d+")`: the first place that fits, or the first group of it; empty where none does.
pub fn regex_find(text: &str, pattern: &str) -> Result<String, Error> {
    let text = unmarked(text);
    let found = compile(pattern)?.captures(&text).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
    Ok(found.map(|it| it.as_str().to_owned()).unwrap_or_default())
}

/// `text | regex_replace("(a+)b", "${1}c")`: with every place that fits replaced.
pub fn regex_replace(text: &str, pattern: &str, with: &str) -> Result<String, Error> {
    Ok(compile(pattern)?.replace_all(&unmarked(text), with).into_owned())
}

fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern)
        .size_limit(LARGEST)
        .build()
        .map_err(|error| invalid(format!("the pattern is wrong: {error}")))
}

/// `version | semver_match(">=1.29, <2")`, `version is semver(">=1.29")`: whether a version fits. A leading `v` and
/// missing parts are accepted; a pre-release counts as its release, since servers are named `v1.33.1-gke.1`.
pub fn semver_match(version: &str, wanted: &str) -> Result<bool, Error> {
    let wanted = wanted.trim().replace('v', "");
    let wanted = VersionReq::parse(&wanted).map_err(|error| invalid(format!("`{wanted}` is no range: {error}")))?;
    Ok(wanted.matches(&parse(version)?))
}

fn parse(text: &str) -> Result<Version, Error> {
    let bare = text.trim().trim_start_matches('v');
    let core = bare.split(['-', '+']).next().unwrap_or_default();
    let missing = 2usize.saturating_sub(core.matches('.').count());
    Version::parse(&format!("{core}{}", ".0".repeat(missing)))
        .map_err(|error| invalid(format!("`{text}` is no version: {error}")))
}
