//! Label selectors as `kubectl -l` takes them: `app=web,tier in (a,b),!legacy`.

use super::PatchError;
use super::scalar::text;
use weft_base::value::Map;

/// What labels have to be; all of it.
#[derive(Clone, Debug, Default)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    /// Reads a selector; an empty text matches anything.
    pub fn parse(selector: &str) -> Result<Self, PatchError> {
        let wrong = |reason: String| PatchError::Labels { text: selector.to_owned(), reason };
        let parts = split(selector).into_iter().filter(|part| !part.is_empty());
        let requirements: Result<_, String> = parts.map(requirement).collect();
        Ok(Self { requirements: requirements.map_err(wrong)? })
    }

    /// Whether labels are as it asks for.
    pub fn matches(&self, labels: Option<&Map>) -> bool {
        self.requirements.iter().all(|it| {
            let value = labels.and_then(|map| map.get(&it.key)).map(text);
            it.test.holds(value.as_deref())
        })
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|it| it.parse::<i64>().ok());
        match self {
            Self::In(any) => value.is_some_and(|it| any.iter().any(|one| one == it)),
            Self::NotIn(none) => value.is_none_or(|it| none.iter().all(|one| one != it)),
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::Above(limit) => number().is_some_and(|it| it > *limit),
            Self::Below(limit) => number().is_some_and(|it| it < *limit),
        }
    }
}

/// The parts between commas that do not stand in brackets.
fn split(selector: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(selector[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(selector[start..].trim());
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    if let Some(key) = part.strip_prefix('!') {
        return of(key, Test::Missing);
    }
    for sign in ["!=", "==", "=", ">", "<"] {
        if let Some((key, value)) = part.split_once(sign) {
            return of(key, compared(sign, label(value.trim())?)?);
        }
    }
    let Some((key, rest)) = part.split_once(char::is_whitespace) else { return of(part, Test::Exists) };
    let rest = rest.trim();
    match rest.strip_prefix("notin").or_else(|| rest.strip_prefix("in")).map(str::trim) {
        Some(list) => {
            let values = values(list)?;
            of(key, if rest.starts_with("notin") { Test::NotIn(values) } else { Test::In(values) })
        }
        None => Err(format!("`{rest}` is neither `in (...)` nor `notin (...)`")),
    }
}

fn compared(sign: &str, value: String) -> Result<Test, String> {
    let number = |value: &str| value.parse().map_err(|_| format!("`{value}` is no integer"));
    Ok(match sign {
        "!=" => Test::NotIn(vec![value]),
        ">" => Test::Above(number(&value)?),
        "<" => Test::Below(number(&value)?),
        _ => Test::In(vec![value]),
    })
}

fn of(key: &str, test: Test) -> Result<Requirement, String> {
    let key = key.trim();
    let (prefix, name) = key.split_once('/').unwrap_or(("", key));
    let known = !name.is_empty() && label(name).is_ok() && label(prefix).is_ok();
    if known { Ok(Requirement { key: key.to_owned(), test }) } else { Err(format!("`{key}` is no key of a label")) }
}

fn label(text: &str) -> Result<String, String> {
    let fine = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fine { Ok(text.to_owned()) } else { Err(format!("`{text}` is no value of a label")) }
}

fn values(list: &str) -> Result<Vec<String>, String> {
    let inner = list.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let inner = inner.ok_or_else(|| format!("`{list}` stands in no brackets"))?;
    inner.split(',').map(|value| label(value.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_mean_what_they_mean_to_kubectl() {
        let labels: Map = [("app", "web"), ("tier", "b"), ("weight", "7")].into_iter().collect();
        for (selector, expected) in [
            ("", true),
            ("app=web,tier in (a, b)", true),
            ("app==web,tier notin (b)", false),
            ("app!=db,!legacy,tier", true),
            ("weight > 6", true),
            ("weight<7", false),
            ("missing!=x", true),
            ("missing", false),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(Some(&labels)), expected, "{selector}");
        }
        assert!(LabelSelector::parse("app in web").is_err() && LabelSelector::parse("a b").is_err());
    }
}
