//! Ranges of versions: alternatives of comparisons that all have to hold.

use std::cmp::Ordering;

use super::written::VersionText;
use super::{SemverError, Version, compare_prereleases};

/// The longest range that is read, in bytes.
pub(super) const LONGEST: usize = 512;
/// The most alternatives that a range may have.
pub(super) const MOST_GROUPS: usize = 32;

/// What Go calls a space in a pattern.
const SPACE: [char; 5] = ['\t', '\n', '\x0c', '\r', ' '];

/// A range of versions.
#[derive(Clone, Debug)]
pub struct Constraints {
    groups: Vec<Group>,
}

/// Comparisons that all have to hold.
#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Whether one of them names a pre-release; only then pre-releases can match.
    prereleases: bool,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// Which number was left open, as in `1.x` or `1`.
    open: Open,
}

/// The first number that a version in a range leaves open.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Open {
    None,
    /// All of them; `*`.
    Major,
    Minor,
    Patch,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

impl Constraints {
    /// Reads a range, such as `>=1.19-0 <2 || ^3.1` (Go: `NewConstraint`).
    pub fn parse(text: &str) -> Result<Self, SemverError> {
        if text.len() > LONGEST {
            return Err(SemverError::LongConstraint);
        }
        let text = without_spans(text);
        if text.split("||").count() > MOST_GROUPS {
            return Err(SemverError::ManyGroups);
        }
        Ok(Self { groups: text.split("||").map(Group::parse).collect::<Result<_, _>>()? })
    }

    /// Whether a version is in the range.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (group.prereleases || !version.is_prerelease()) && group.comparisons.iter().all(|it| it.check(version))
        })
    }
}

/// `1 - 2` written as two comparisons.
fn without_spans(text: &str) -> String {
    let mut out = text.to_owned();
    let mut rest = text;
    while let Some((span, below)) = span(rest) {
        let (one, two) = span.versions;
        out = out.replacen(span.text, &format!(">= {one}, <= {two} "), 1);
        rest = below;
    }
    out
}

/// Two versions with a dash between blanks.
struct Span<'t> {
    /// All of it, with the blanks around it.
    text: &'t str,
    versions: (&'t str, &'t str),
}

/// The first such in a text, and what follows it.
fn span(text: &str) -> Option<(Span<'_>, &str)> {
    text.char_indices().find_map(|(start, _)| {
        let (one, rest) = VersionText::first(text[start..].trim_start_matches(SPACE), is_digit)?;
        let two = blanks(rest)?.strip_prefix('-').and_then(blanks)?;
        let (two, rest) = VersionText::first(two, is_digit)?;
        let rest = rest.trim_start_matches(SPACE);
        Some((Span { text: &text[start..text.len() - rest.len()], versions: (one.text, two.text) }, rest))
    })
}

/// What follows the blanks, of which there is at least one.
fn blanks(text: &str) -> Option<&str> {
    text.starts_with(SPACE).then(|| text.trim_start_matches(SPACE))
}

/// A digit of a version in a range, which may have `x` for a number. The bar is in the original, too.
fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'|' | b'x' | b'X' | b'*')
}

impl Group {
    fn parse(text: &str) -> Result<Self, SemverError> {
        let wrong = || SemverError::Constraint(text.to_owned());
        let mut comparisons = Vec::new();
        let mut rest = text.trim_start_matches(SPACE);
        loop {
            let (comparison, below) = Comparison::first(rest).ok_or_else(wrong)?;
            comparisons.push(comparison);
            let next = below.trim_start_matches(SPACE);
            rest = match next.strip_prefix(',') {
                _ if next.is_empty() => break,
                Some(next) => next.trim_start_matches(SPACE),
                None => blanks(below).ok_or_else(wrong)?,
            };
        }
        let comparisons = comparisons.into_iter().collect::<Result<Vec<Comparison>, _>>()?;
        let prereleases = comparisons.iter().any(|it| it.version.is_prerelease());
        Ok(Self { comparisons, prereleases })
    }
}

impl Comparison {
    /// The comparison that a text begins with, and what follows it.
    fn first(text: &str) -> Option<(Result<Self, SemverError>, &str)> {
        let versions = text.trim_start_matches(['=', '!', '<', '>', '~', '^']);
        let operator = Operator::of(&text[..text.len() - versions.len()])?;
        let (written, rest) = VersionText::first(versions.trim_start_matches(SPACE), is_digit)?;
        Some((Self::of(operator, &written), rest))
    }

    fn of(operator: Operator, written: &VersionText<'_>) -> Result<Self, SemverError> {
        let [major, minor, patch] = written.numbers;
        let sign = if written.prerelease.is_empty() { "" } else { "-" };
        let prerelease = format!("{sign}{}", written.prerelease);
        let (text, open) = if is_open(major) {
            (format!("0.0.0{prerelease}"), Open::Major)
        } else if is_open(minor) {
            (format!("{major}.0.0{prerelease}"), Open::Minor)
        } else if is_open(patch) {
            (format!("{major}.{minor}.0{prerelease}"), Open::Patch)
        } else {
            (written.text.to_owned(), Open::None)
        };
        let version = Version::parse(&text).map_err(|_| SemverError::ConstraintNumber)?;
        Ok(Self { operator, version, open })
    }

    /// Whether a version, whose pre-release may match, is what the comparison asks for.
    fn check(&self, version: &Version) -> bool {
        match self.operator {
            Operator::Equal if self.open == Open::None => *version == self.version,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => *version < self.version,
            Operator::GreaterOrEqual => *version >= self.version,
            Operator::LessOrEqual => self.less_or_equal(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let base = &self.version;
        match self.open {
            _ if self.open != Open::None && base.major != version.major => true,
            Open::Minor => false,
            Open::None => version != base,
            _ if base.minor != version.minor => true,
            Open::Patch => compare_prereleases(&version.prerelease, &base.prerelease) != Ordering::Equal,
            Open::Major if base.patch != version.patch => true,
            Open::Major => version != base,
        }
    }

    fn greater(&self, version: &Version) -> bool {
        match (version.major.cmp(&self.version.major), self.open) {
            (_, Open::None) => *version > self.version,
            (Ordering::Greater, _) => true,
            (Ordering::Less, _) | (_, Open::Minor) => false,
            (_, Open::Patch) => version.minor > self.version.minor,
            (_, Open::Major) => *version > self.version,
        }
    }

    fn less_or_equal(&self, version: &Version) -> bool {
        let base = &self.version;
        match self.open {
            Open::None => version <= base,
            _ if version.major != base.major => version.major < base.major,
            open => version.minor <= base.minor || open == Open::Minor,
        }
    }

    /// The same minor version, or the same major one where the minor is left open; `~0.0.0` is any.
    fn tilde(&self, version: &Version) -> bool {
        let base = &self.version;
        let any = (base.major, base.minor, base.patch) == (0, 0, 0) && !matches!(self.open, Open::Minor | Open::Patch);
        let same = base.major == version.major && (base.minor == version.minor || self.open == Open::Minor);
        version >= base && (any || same)
    }

    /// No change of the first number that is not 0. `^*` is `^0.0.0`, as in the original.
    fn caret(&self, version: &Version) -> bool {
        let base = &self.version;
        if version < base || version.major != base.major {
            false
        } else if base.major > 0 || self.open == Open::Minor {
            true
        } else if base.minor > 0 || self.open == Open::Patch {
            version.minor == base.minor
        } else {
            version.minor == 0 && version.patch == base.patch
        }
    }
}

impl Operator {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "" | "=" => Self::Equal,
            "!=" => Self::NotEqual,
            ">" => Self::Greater,
            "<" => Self::Less,
            ">=" | "=>" => Self::GreaterOrEqual,
            "<=" | "=<" => Self::LessOrEqual,
            "~" | "~>" => Self::Tilde,
            "^" => Self::Caret,
            _ => return None,
        })
    }
}

/// Whether a number is missing or an `x`.
fn is_open(number: &str) -> bool {
    matches!(number, "" | "x" | "X" | "*")
}
