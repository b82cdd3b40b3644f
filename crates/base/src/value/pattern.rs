//! Patterns of paths, written as paths are printed, with `*` for any step.

use thiserror::Error;

use super::{Data, Key, Path, Step, Value};

/// A path in which a step may stand for any: `spec.template.spec.containers[*].image`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    parts: Vec<Part>,
    text: String,
}

/// One step of a [`Pattern`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Any key of a map, any item of a list.
    Any,
    /// This step. One to the item of a list may name fewer keys than the list has.
    Step(Step),
}

/// Why a text is no [`Pattern`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct PatternError {
    /// What is wrong.
    pub problem: &'static str,
    /// Where in the text, in characters from 0.
    pub at: usize,
}

impl Pattern {
    /// Reads a pattern. Keys with other characters than letters, digits, `_`, `-` and `$` stand in brackets and quotes:
    /// `metadata.annotations["example.com/a"]`. The item of a list is `[name="proxy"]`, and the quotes may be left out;
    /// a member of a set `[="a"]`, a place `[0]`, any of them `[*]`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut reader = Reader { text, rest: text };
        let mut parts = Vec::new();
        while !reader.rest.is_empty() {
            parts.push(reader.part(parts.is_empty())?);
        }
        if parts.is_empty() { Err(reader.wrong("a path is empty")) } else { Ok(Self { parts, text: text.to_owned() }) }
    }

    /// Its steps.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it leads to a path, or to one above it.
    pub fn covers(&self, path: &Path) -> bool {
        self.parts.len() <= path.0.len() && self.parts.iter().zip(&path.0).all(|(part, step)| part.fits(step))
    }

    /// Whether it leads anywhere in a value.
    pub fn reaches(&self, root: &Value) -> bool {
        reaches(root, &self.parts)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Part {
    /// Whether a step is one that it stands for.
    pub fn fits(&self, step: &Step) -> bool {
        match (self, step) {
            (Self::Any, _) => true,
            (Self::Step(Step::Item(wanted)), Step::Item(keys)) => wanted.iter().all(|pair| keys.contains(pair)),
            (Self::Step(wanted), step) => wanted == step,
        }
    }
}

fn reaches(node: &Value, parts: &[Part]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return true };
    match (part, &node.data) {
        (Part::Any, Data::Map(map)) => map.iter().any(|entry| reaches(&entry.value, rest)),
        (Part::Any, Data::List(items)) => items.iter().any(|item| reaches(item, rest)),
        (Part::Any, _) => false,
        (Part::Step(step), _) => Path(vec![step.clone()]).resolve(node).is_some_and(|node| reaches(node, rest)),
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn wrong(&self, problem: &'static str) -> PatternError {
        let read = self.text.len() - self.rest.len();
        PatternError { problem, at: self.text[..read].chars().count() }
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, text: &str, problem: &'static str) -> Result<(), PatternError> {
        if self.eat(text) { Ok(()) } else { Err(self.wrong(problem)) }
    }

    /// The text up to the first character that does not belong.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn part(&mut self, first: bool) -> Result<Part, PatternError> {
        if self.eat("[") {
            let part = self.bracket()?;
            self.expect("]", "a `]` is missing")?;
            return Ok(part);
        }
        if !first {
            self.expect(".", "keys with other characters stand in brackets and quotes, as in `[\"a.b/c\"]`")?;
        }
        if self.eat("*") {
            return Ok(Part::Any);
        }
        match self.take(is_plain) {
            "" => Err(self.wrong("a key is missing")),
            key => Ok(Part::Step(Step::Field(key.into()))),
        }
    }

    fn bracket(&mut self) -> Result<Part, PatternError> {
        if self.eat("*") {
            return Ok(Part::Any);
        }
        if self.rest.starts_with('"') {
            return Ok(Part::Step(Step::Field(self.quoted()?.into())));
        }
        if self.eat("=") {
            return Ok(Part::Step(Step::Member(self.value()?)));
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            let at = self.take(|c| c.is_ascii_digit()).parse();
            return at.map(|at| Part::Step(Step::Index(at))).map_err(|_| self.wrong("the place is too large"));
        }
        let mut keys = Vec::new();
        loop {
            let key: Key = self.take(is_plain).into();
            self.expect("=", "in brackets stands `*`, a number, a quoted key, or `key=value`")?;
            keys.push((key, self.value()?));
            if !self.eat(",") {
                keys.sort_by(|a, b| a.0.cmp(&b.0));
                return Ok(Part::Step(Step::Item(keys)));
            }
        }
    }

    fn quoted(&mut self) -> Result<String, PatternError> {
        let mut texts = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let Some(Ok(text)) = texts.next() else { return Err(self.wrong("the quoted text is not valid")) };
        self.rest = &self.rest[texts.byte_offset()..];
        Ok(text)
    }

    fn value(&mut self) -> Result<Value, PatternError> {
        if self.rest.starts_with('"') {
            return Ok(self.quoted()?.into());
        }
        let start = self.rest;
        match self.take(|c| !matches!(c, ',' | ']' | '*' | '"' | '[')) {
            "" => Err(self.wrong("a value is missing")),
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ if self.rest.starts_with(['*', '"', '[']) => {
                self.rest = start;
                Err(self.wrong("`*` stands for a whole step; other special characters need quotes"))
            }
            word => Ok(word.parse::<i64>().map_or_else(|_| word.into(), Value::from)),
        }
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(pairs: &[(&str, Value)]) -> Step {
        Step::Item(pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    #[test]
    fn what_a_path_prints_is_its_pattern() {
        let keys = item(&[("containerPort", 80i64.into()), ("protocol", "TCP".into())]);
        for path in [
            Path::of_fields(["metadata", "annotations", "example.com/a \"b\" é"]),
            Path::of_fields(["spec", "ports"]).then(keys).field("name"),
            Path::of_fields(["finalizers"]).then(Step::Member("a/b".into())),
            Path::of_fields(["x"]).index(3).field(""),
            Path::root().field("a.b").field("$c"),
        ] {
            let pattern = Pattern::parse(&path.to_string()).unwrap();
            assert!(pattern.covers(&path) && pattern.covers(&path.field("below")), "{path}");
            assert_eq!(pattern.parts().len(), path.0.len());
        }
    }

    #[test]
    fn a_star_is_any_step_and_an_item_may_lack_keys() {
        let pattern = Pattern::parse("spec.*[containerPort=80][*].x").unwrap();
        let keys = item(&[("containerPort", 80i64.into()), ("protocol", "TCP".into())]);
        let path = Path::of_fields(["spec", "ports"]).then(keys).field("y").field("x");
        assert!(pattern.covers(&path));
        assert!(!pattern.covers(&Path::of_fields(["spec"])));
        let named = Pattern::parse("c[name=proxy].image").unwrap();
        assert!(named.covers(&Path::of_fields(["c"]).then(item(&[("name", "proxy".into())])).field("image")));
        assert!(!named.covers(&Path::of_fields(["c"]).then(item(&[("name", "other".into())])).field("image")));
    }

    #[test]
    fn patterns_are_looked_for_in_objects() {
        let value: Value = serde_json::from_str(r#"{"c": [{"name": "a", "p": {"q": 1}}, {"name": "b"}]}"#).unwrap();
        for (pattern, found) in [("c[*].p", true), ("c[name=a].*.q", true), ("c[name=b].p", false), ("c.p", false)] {
            assert_eq!(Pattern::parse(pattern).unwrap().reaches(&value), found, "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, at) in [
            ("", 0),
            ("spec.", 5),
            ("spec/x", 4),
            ("é", 0),
            ("a[name=x*]", 7),
            ("a[b]", 3),
            ("a[\"b]", 2),
            ("a[b=]", 4),
            ("a[0", 3),
        ] {
            assert_eq!(Pattern::parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
