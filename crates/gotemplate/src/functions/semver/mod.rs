//! Versions and ranges as Masterminds' semver v3 reads them, which is what charts are written for: `1.2` and `v1` are
//! versions, `>=1.19-0 || ^2` is a range.

mod constraint;
mod written;

use std::cmp::Ordering;
use std::fmt;

use thiserror::Error;

pub use self::constraint::Constraints;
use self::written::VersionText;
use super::print::quoted;

/// The longest version that is read, in bytes.
const LONGEST_VERSION: usize = 256;

/// Why a text is no version or no range. The messages are those of the Go library.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SemverError {
    /// It does not look like a version.
    #[error("invalid semantic version")]
    Invalid,
    /// It is empty, where the strict form is asked for.
    #[error("version string empty")]
    Empty,
    /// A number has other characters, where the strict form is asked for.
    #[error("invalid characters in version")]
    Characters,
    /// A numeric part of the pre-release begins with 0.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// The build is not what the specification allows.
    #[error("invalid metadata string")]
    Metadata,
    /// The pre-release is not what the specification allows.
    #[error("invalid prerelease string")]
    Prerelease,
    /// The version is too long.
    #[error("version string is too long (max {LONGEST_VERSION} bytes)")]
    Long,
    /// A number does not fit 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    Range(String),
    /// The text is no range.
    #[error("improper constraint: {}", quoted(.0.as_bytes()).lossy())]
    Constraint(String),
    /// A number in a range does not fit 64 bits.
    #[error("constraint parser error")]
    ConstraintNumber,
    /// The range is too long.
    #[error("constraint string is too long (max {} bytes)", constraint::LONGEST)]
    LongConstraint,
    /// The range has too many alternatives.
    #[error("too many constraint groups (max {})", constraint::MOST_GROUPS)]
    ManyGroups,
}

/// A version. Compared by precedence: the build does not count.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number; 0 if there is none.
    pub minor: u64,
    /// The third number; 0 if there is none.
    pub patch: u64,
    /// What follows `-`.
    pub prerelease: String,
    /// What follows `+`.
    pub metadata: String,
    /// The text that was read.
    pub original: String,
}

impl Version {
    /// Reads a version loosely: a leading `v`, missing numbers and leading zeros are fine (Go: `NewVersion`).
    pub fn parse(text: &str) -> Result<Self, SemverError> {
        if text.len() > LONGEST_VERSION {
            return Err(SemverError::Long);
        }
        let Some((written, "")) = VersionText::first(text, |byte| byte.is_ascii_digit()) else {
            return Err(SemverError::Invalid);
        };
        let [major, minor, patch] = written.numbers.map(number);
        let version = Self {
            major: major?,
            minor: minor?,
            patch: patch?,
            prerelease: written.prerelease.to_owned(),
            metadata: written.metadata.to_owned(),
            original: text.to_owned(),
        };
        check_prerelease(&version.prerelease)?;
        Ok(version)
    }

    /// Reads a version that is written as the specification says: three numbers, no `v` (Go: `StrictNewVersion`).
    pub fn parse_strict(text: &str) -> Result<Self, SemverError> {
        if text.is_empty() {
            return Err(SemverError::Empty);
        }
        if text.len() > LONGEST_VERSION {
            return Err(SemverError::Long);
        }
        let (rest, metadata) = split(text, '+', 2);
        let (numbers, prerelease) = split(rest, '-', 2);
        let numbers: Vec<&str> = numbers.splitn(3, '.').collect();
        if numbers.len() != 3 {
            return Err(SemverError::Invalid);
        }
        metadata.map_or(Ok(()), check_metadata)?;
        prerelease.map_or(Ok(()), check_identifiers)?;
        numbers.iter().try_for_each(|it| check_number(it))?;
        Self::parse(text)
    }

    /// Whether the version has a pre-release.
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }

    /// The version after this one: of a pre-release its release, else the next patch (Go: `IncPatch`).
    #[must_use]
    pub fn next_patch(&self) -> Self {
        let patch = if self.is_prerelease() { self.patch } else { self.patch.saturating_add(1) };
        self.released(self.major, self.minor, patch)
    }

    /// The next minor version (Go: `IncMinor`).
    #[must_use]
    pub fn next_minor(&self) -> Self {
        self.released(self.major, self.minor.saturating_add(1), 0)
    }

    /// The next major version (Go: `IncMajor`).
    #[must_use]
    pub fn next_major(&self) -> Self {
        self.released(self.major.saturating_add(1), 0, 0)
    }

    /// Another version, written with this one's `v`, if it has one.
    fn released(&self, major: u64, minor: u64, patch: u64) -> Self {
        let v = if self.original.starts_with('v') { "v" } else { "" };
        let original = format!("{v}{major}.{minor}.{patch}");
        Self { major, minor, patch, original, ..Self::default() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |it: &Self| (it.major, it.minor, it.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.is_prerelease(), other.is_prerelease()) {
            (true, true) => compare_prereleases(&self.prerelease, &other.prerelease),
            (one, two) => two.cmp(&one),
        })
    }
}

/// The precedence of two pre-releases, part by part; the longer one is the later one.
fn compare_prereleases(one: &str, two: &str) -> Ordering {
    let mut ones = one.split('.');
    let mut twos = two.split('.');
    loop {
        match (ones.next(), twos.next()) {
            (None, None) => return Ordering::Equal,
            (one, two) => match compare_parts(one.unwrap_or_default(), two.unwrap_or_default()) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

/// Numbers compare as numbers and come before texts.
fn compare_parts(one: &str, two: &str) -> Ordering {
    match (one.parse::<u64>(), two.parse::<u64>()) {
        _ if one.is_empty() || two.is_empty() => one.len().cmp(&two.len()),
        (Ok(one), Ok(two)) => one.cmp(&two),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => one.cmp(two),
    }
}

/// A number; 0 where none is written.
fn number(digits: &str) -> Result<u64, SemverError> {
    match digits {
        "" => Ok(0),
        digits => digits.parse().map_err(|_| SemverError::Range(digits.to_owned())),
    }
}

/// What stands before a sign in the last of three parts, and what behind it. A sign in the first two is not one.
fn split(text: &str, sign: char, dots: usize) -> (&str, Option<&str>) {
    let start = text.match_indices('.').nth(dots - 1).map_or(text.len(), |(at, _)| at);
    match text[start..].find(sign) {
        Some(at) => (&text[..start + at], Some(&text[start + at + 1..])),
        None => (text, None),
    }
}

fn check_number(text: &str) -> Result<(), SemverError> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SemverError::Characters);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(SemverError::LeadingZero);
    }
    if text.is_empty() { Err(SemverError::Invalid) } else { Ok(()) }
}

fn check_prerelease(text: &str) -> Result<(), SemverError> {
    if text.is_empty() { Ok(()) } else { check_identifiers(text) }
}

fn check_identifiers(text: &str) -> Result<(), SemverError> {
    text.split('.').try_for_each(|part| {
        if part.is_empty() || !part.bytes().all(is_identifier) {
            Err(SemverError::Prerelease)
        } else if part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()) {
            Err(SemverError::LeadingZero)
        } else {
            Ok(())
        }
    })
}

fn check_metadata(text: &str) -> Result<(), SemverError> {
    let fine = |part: &str| !part.is_empty() && part.bytes().all(is_identifier);
    if text.split('.').all(fine) { Ok(()) } else { Err(SemverError::Metadata) }
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loose_versions() {
        for (text, written) in [("v1", "1.0.0"), ("1.2", "1.2.0"), ("01.02.3-a.1+b", "1.2.3-a.1+b")] {
            assert_eq!(Version::parse(text).unwrap().to_string(), written);
        }
        assert_eq!(Version::parse("1.2.3.4").unwrap_err(), SemverError::Invalid);
        assert_eq!(Version::parse("1.2.3-01").unwrap_err(), SemverError::LeadingZero);
    }

    #[test]
    fn strict_versions() {
        assert!(Version::parse_strict("1.2.3-a.b+c.d").is_ok());
        for (text, error) in [
            ("", SemverError::Empty),
            ("1.2", SemverError::Invalid),
            ("v1.2.3", SemverError::Characters),
            ("1.02.3", SemverError::LeadingZero),
            ("1.2.3-", SemverError::Prerelease),
            ("1.2.3+a..b", SemverError::Metadata),
        ] {
            assert_eq!(Version::parse_strict(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn precedence() {
        let order =
            ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11", "1.0.0"];
        for pair in order.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
    }
}
