//! `.helmignore`: which files of a folder do not belong to the chart.

use std::sync::Arc;

use super::ChartError;
use weft_base::value::{Mark, Origin};

/// The rules of a `.helmignore`, in order.
#[derive(Debug, Default)]
pub struct Ignore(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    tokens: Vec<Token>,
    /// `!`: what does not match is left out.
    negated: bool,
    /// `/` at the end: only folders match.
    folders: bool,
    /// Without a `/` it is the last part of the path that is looked at.
    name_only: bool,
}

impl Ignore {
    /// Reads the rules, and adds Helm's own: hidden files of `templates/`.
    pub fn read(text: &str, file: &Arc<String>) -> Result<Self, ChartError> {
        let mut rules = Vec::new();
        for (at, line) in text.lines().chain(["templates/.?*"]).enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason| {
                let mark = Mark { line: u32::try_from(at + 1).unwrap_or_default(), column: 1 };
                ChartError::Ignore { pattern: line.to_owned(), reason, origin: Origin::new(file, mark) }
            };
            if line.contains("**") {
                return Err(wrong("`**` is not supported"));
            }
            rules.push(Rule::read(line).ok_or_else(|| wrong("it is no pattern"))?);
        }
        Ok(Self(rules))
    }

    /// The files that are not left out, themselves or with a folder that holds them. Those of one folder come together.
    pub fn kept<'p>(&self, paths: impl Iterator<Item = &'p str>) -> impl Iterator<Item = &'p str> {
        let mut last = ("", false);
        paths.filter(move |path| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            if last.0 != folder {
                let folders =
                    folder.match_indices('/').map(|(at, _)| &folder[..at]).chain([folder]).filter(|it| !it.is_empty());
                last = (folder, folders.into_iter().any(|it| self.matches(it, true)));
            }
            !last.1 && !self.matches(path, false)
        })
    }

    fn matches(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        self.0.iter().any(|rule| {
            let looked_at = if rule.name_only { name } else { path };
            let fits = (is_folder || !rule.folders) && matches(&rule.tokens, looked_at);
            fits != rule.negated
        })
    }
}

impl Rule {
    /// The rule of a line; `None` where that is no pattern.
    fn read(line: &str) -> Option<Self> {
        tokens(line)?;
        let (negated, rest) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folders, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
        let (rooted, pattern) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let name_only = !rooted && !pattern.contains('/');
        // What is a pattern only with its marks fits nothing.
        Some(Self { tokens: tokens(pattern).unwrap_or_default(), negated, folders, name_only })
    }
}

/// Part of a pattern.
#[derive(Debug)]
enum Token {
    Any,
    One,
    Is(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// The parts of a pattern as Go's `filepath.Match` has them; `None` where it is malformed.
///
/// `*` and `?` stay within a folder, `[a-z]` and `[^a-z]` are classes, `\` takes the next character as it is.
fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = pattern.get(at) {
        at += 1;
        tokens.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => {
                at += 1;
                Token::Is(*pattern.get(at - 1)?)
            }
            '[' => class(&pattern, &mut at)?,
            other => Token::Is(other),
        });
    }
    Some(tokens)
}

fn class(pattern: &[char], at: &mut usize) -> Option<Token> {
    let negated = pattern.get(*at) == Some(&'^');
    *at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        if pattern.get(*at) == Some(&']') && !ranges.is_empty() {
            *at += 1;
            return Some(Token::Class { negated, ranges });
        }
        let low = member(pattern, at)?;
        let mut high = low;
        if pattern.get(*at) == Some(&'-') {
            *at += 1;
            high = member(pattern, at)?;
        }
        ranges.push((low, high));
    }
}

/// One character of a class.
fn member(pattern: &[char], at: &mut usize) -> Option<char> {
    let mut c = *pattern.get(*at).filter(|c| !matches!(c, '-' | ']'))?;
    *at += 1;
    if c == '\\' {
        c = *pattern.get(*at)?;
        *at += 1;
    }
    pattern.get(*at).map(|_| c)
}

fn matches(tokens: &[Token], name: &str) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return name.is_empty() };
    match token {
        Token::Any => {
            let within = name.find('/').unwrap_or(name.len());
            (0..=within).any(|skipped| name.get(skipped..).is_some_and(|it| matches(rest, it)))
        }
        token => {
            let mut chars = name.chars();
            chars.next().is_some_and(|c| token.takes(c)) && matches(rest, chars.as_str())
        }
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => c != '/',
            Self::Is(it) => c == *it,
            Self::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> Option<bool> {
        Some(matches(&tokens(pattern)?, name))
    }

    /// From the tables of Go's `path/filepath` and of Helm's `pkg/ignore`.
    #[test]
    fn patterns_match_as_in_go() {
        let table = [
            ("abc", "abc", true),
            ("*c", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("ab[b-d]", "abc", true),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("*x", "xxx", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(fits(pattern, name), Some(expected), "{pattern} {name}");
        }
        for malformed in ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a["] {
            assert_eq!(fits(malformed, "a"), None, "{malformed}");
        }
    }

    #[test]
    fn rules_hold_in_order() {
        let left_out = |rules: &str, path: &str| {
            Ignore::read(rules, &Arc::default()).unwrap().kept([path].into_iter()).next().is_none()
        };
        assert!(left_out("", "templates/.hidden") && !left_out("", "templates/a.yaml"));
        assert!(left_out("ci/", "ci/a.yaml") && !left_out("ci/", "ci"));
        assert!(
            left_out("*.tgz", "charts/x.tgz") && left_out("# a\n/x.txt", "x.txt") && !left_out("/x.txt", "a/x.txt")
        );
        assert!(left_out("!*.yaml", "a.txt") && !left_out("!*.yaml", "a.yaml"));
        assert!(Ignore::read("a/**", &Arc::default()).is_err());
    }
}
