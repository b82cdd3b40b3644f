//! Ranges of versions: alternatives of comparisons that all have to hold.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use super::{SUFFIX, SemverError, Version, compare_prereleases, part};

/// The longest range that is read, in bytes.
pub(super) const LONGEST: usize = 512;
/// The most alternatives that a range may have.
pub(super) const MOST_GROUPS: usize = 32;

/// A version in a range, which may have `x` for a number. The bar is in the original, too, and is taken for a digit.
const NUMBERS: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
/// What Go calls a space in a pattern.
const SPACE: &str = r"[\t\n\x0c\r ]";

static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::new);

struct Patterns {
    /// One comparison.
    one: Regex,
    /// `1.2 - 3`.
    span: Regex,
    /// The comparisons of an alternative.
    each: Regex,
    /// A whole alternative.
    all: Regex,
}

impl Patterns {
    #[allow(clippy::unwrap_used, reason = "the patterns are constants that a test compiles")]
    fn new() -> Self {
        let pattern = |text: String| Regex::new(&text).unwrap();
        let version = format!("{NUMBERS}{SUFFIX}");
        let one = format!("({OPERATORS}){SPACE}*({version})");
        Self {
            one: pattern(format!("^{SPACE}*{one}{SPACE}*$")),
            span: pattern(format!("{SPACE}*({version}){SPACE}+-{SPACE}+({version}){SPACE}*")),
            each: pattern(one.clone()),
            all: pattern(format!("^({SPACE}*{one}{SPACE}*)((?:{SPACE}+|,{SPACE}*){one}{SPACE}*)*$")),
        }
    }
}

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
    for found in PATTERNS.span.captures_iter(text) {
        out = out.replacen(part(&found, 0), &format!(">= {}, <= {} ", part(&found, 1), part(&found, 11)), 1);
    }
    out
}

impl Group {
    fn parse(text: &str) -> Result<Self, SemverError> {
        if !PATTERNS.all.is_match(text) {
            return Err(SemverError::Constraint(text.to_owned()));
        }
        let each = PATTERNS.each.find_iter(text);
        let comparisons = each.map(|it| Comparison::parse(it.as_str())).collect::<Result<Vec<_>, _>>()?;
        let prereleases = comparisons.iter().any(|it| it.version.is_prerelease());
        Ok(Self { comparisons, prereleases })
    }
}

impl Comparison {
    fn parse(text: &str) -> Result<Self, SemverError> {
        let found = PATTERNS.one.captures(text).ok_or_else(|| SemverError::Constraint(text.to_owned()))?;
        let [major, minor, patch, prerelease] = [3, 4, 5, 6].map(|group| part(&found, group));
        let (written, open) = if is_open(major) {
            (format!("0.0.0{prerelease}"), Open::Major)
        } else if is_open(minor) {
            (format!("{major}.0.0{prerelease}"), Open::Minor)
        } else if is_open(patch) {
            (format!("{major}{minor}.0{prerelease}"), Open::Patch)
        } else {
            (part(&found, 2).to_owned(), Open::None)
        };
        let version = Version::parse(&written).map_err(|_| SemverError::ConstraintNumber)?;
        Ok(Self { operator: Operator::of(part(&found, 1)), version, open })
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
    fn of(text: &str) -> Self {
        match text {
            "!=" => Self::NotEqual,
            ">" => Self::Greater,
            "<" => Self::Less,
            ">=" | "=>" => Self::GreaterOrEqual,
            "<=" | "=<" => Self::LessOrEqual,
            "~" | "~>" => Self::Tilde,
            "^" => Self::Caret,
            _ => Self::Equal,
        }
    }
}

/// Whether a number is missing or an `x`.
fn is_open(number: &str) -> bool {
    matches!(number.trim_start_matches('.'), "" | "x" | "X" | "*")
}
