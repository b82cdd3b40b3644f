//! Expressions of people about documents that have names.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use kube_cel::cel::objects::{Key, Map as CelMap};
use kube_cel::cel::{Context, ExecutionError, IdedExpr, Value as CelValue};
use regex::Regex;
use serde_json::Value as Json;
use thiserror::Error;

use super::{context, rule};

/// The names that an expression gives to items of lists: `list.exists(item, ...)`.
static BOUND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\.\s*(?:all|exists|exists_one|filter|map|sortBy|transformList|transformMap)\s*\(\s*(\w+)\s*(?:,\s*(\w+)\s*,)?").ok()
});

/// A CEL expression about documents.
#[derive(Clone, PartialEq)]
pub struct Program {
    text: String,
    parsed: IdedExpr,
}

/// What keeps a text from being a program, and where in the text, both counted from one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProgramError {
    /// It is no CEL.
    #[error("it cannot be read as CEL: {said}")]
    Syntax {
        /// What the reader says.
        said: String,
        /// The line.
        line: u32,
        /// The column.
        column: u32,
    },
    /// It names something that is not there.
    #[error("`{name}` is not known")]
    Undeclared {
        /// The name.
        name: String,
        /// The line.
        line: u32,
        /// The column.
        column: u32,
    },
}

/// What kept a program from coming to an answer. Values are in none of it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Stuck {
    /// A field is not there.
    #[error("there is no `{0}`")]
    Missing(String),
    /// Something else.
    #[error("{0}")]
    Broken(&'static str),
}

/// The documents that programs see.
pub struct Scope<'p>(Context<'p>);

impl Default for Scope<'_> {
    fn default() -> Self {
        Self(context())
    }
}

impl Scope<'_> {
    /// With one more document.
    #[must_use]
    pub fn with(mut self, name: &str, document: &Json) -> Self {
        self.0.add_variable_from_value(name.to_owned(), value(document));
        self
    }

    /// A scope that sees what this one does, and can have more.
    #[must_use]
    pub fn inner(&self) -> Scope<'_> {
        Scope(self.0.new_inner_scope())
    }
}

impl Program {
    /// Reads a program that may name these documents.
    pub fn parse(text: &str, names: &[&str]) -> Result<Self, ProgramError> {
        let parsed = rule::read(text).map_err(|(said, line, column)| ProgramError::Syntax { said, line, column })?;
        let bound: BTreeSet<&str> = BOUND.as_ref().map(|it| bound(it, text)).unwrap_or_default();
        let mut unknown: Vec<String> = {
            let references = parsed.references();
            let known = |name: &str| names.contains(&name) || bound.contains(name) || super::TYPES.contains(&name);
            references.variables().into_iter().filter(|it| !known(it)).map(str::to_owned).collect()
        };
        unknown.sort_unstable();
        match unknown.into_iter().next() {
            Some(name) => {
                let (line, column) = place(text, &name);
                Err(ProgramError::Undeclared { name, line, column })
            }
            None => Ok(Self { text: text.trim().to_owned(), parsed }),
        }
    }

    /// Whether it names a document, or asks for a field of one in any way: `environment.cluster` is also
    /// `environment.?cluster` and `environment['cluster']`.
    pub fn reads(&self, path: &str) -> bool {
        let (name, field) = path.split_once('.').map_or((path, None), |(name, field)| (name, Some(field)));
        let is_left = |field: &str| {
            let name = regex::escape(name);
            let field = regex::escape(field);
            let asked = format!(r#"\b{name}\s*(?:\.\s*\??\s*{field}\b|\[\s*\??\s*r?['"]+{field}['"]+)"#);
            Regex::new(&asked).is_ok_and(|it| !it.is_match(&self.text))
        };
        self.parsed.references().variables().contains(&name) && !field.is_some_and(is_left)
    }

    /// Whether it holds.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Stuck> {
        match scope.0.resolve(&self.parsed).map_err(stuck)? {
            CelValue::Bool(answer) => Ok(answer),
            _ => Err(Stuck::Broken("it does not come to true or false")),
        }
    }

    /// The text that it comes to.
    pub fn text(&self, scope: &Scope) -> Result<String, Stuck> {
        match scope.0.resolve(&self.parsed).map_err(stuck)? {
            CelValue::String(answer) => Ok(answer.to_string()),
            _ => Err(Stuck::Broken("it does not come to a text")),
        }
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

fn bound<'t>(pattern: &Regex, text: &'t str) -> BTreeSet<&'t str> {
    pattern.captures_iter(text).flat_map(|it| [it.get(1), it.get(2)]).flatten().map(|it| it.as_str()).collect()
}

/// Where a name first stands by itself.
fn place(text: &str, name: &str) -> (u32, u32) {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let alone = |at: &usize| {
        let before = &text[..*at];
        let after = &text[at + name.len()..];
        !before.ends_with(|c| word(c) || c == '.') && !after.starts_with(word)
    };
    let at = text.match_indices(name).map(|(at, _)| at).find(alone).unwrap_or(0);
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line.try_into().unwrap_or(1), column.try_into().unwrap_or(1))
}

fn stuck(error: ExecutionError) -> Stuck {
    match error {
        ExecutionError::NoSuchKey(key) => Stuck::Missing(key.to_string()),
        ExecutionError::IndexOutOfBounds(_) => Stuck::Broken("an index is out of bounds"),
        ExecutionError::UndeclaredReference(_) => Stuck::Broken("it calls or names what is not known"),
        // The words of the evaluator would hold values.
        _ => Stuck::Broken("a function or operator in it does not take these values"),
    }
}

fn value(document: &Json) -> CelValue {
    match document {
        Json::Null => CelValue::Null,
        Json::Bool(it) => CelValue::Bool(*it),
        Json::Number(it) => match (it.as_i64(), it.as_u64()) {
            (Some(it), _) => CelValue::Int(it),
            (None, Some(it)) => CelValue::UInt(it),
            (None, None) => CelValue::Float(it.as_f64().unwrap_or_default()),
        },
        Json::String(it) => CelValue::String(Arc::new(it.clone())),
        Json::Array(items) => CelValue::List(Arc::new(items.iter().map(value).collect())),
        Json::Object(map) => {
            let entries = map.iter().map(|(key, it)| (Key::String(Arc::new(key.clone())), value(it)));
            CelValue::Map(CelMap { map: Arc::new(entries.collect::<HashMap<_, _>>()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_sees_documents() {
        let outer = Scope::default().with("environment", &json!({"name": "dev"}));
        let scope = outer.inner().with("object", &json!({"metadata": {"namespace": "apps"}, "spec": {"replicas": 3}}));
        let names = ["environment", "object"];
        let holds = |text: &str| Program::parse(text, &names).map(|it| it.holds(&scope));
        assert_eq!(holds("object.spec.replicas > 2 && environment.name == 'dev'"), Ok(Ok(true)));
        assert_eq!(holds("object.metadata.namespace == 'apps'"), Ok(Ok(true)));
        assert_eq!(holds("[1, 2].exists(it, it == object.spec.replicas)"), Ok(Ok(false)));
        assert_eq!(holds("object.?spec.?paused.orValue(false)"), Ok(Ok(false)));
        assert_eq!(holds("has(object.spec.paused) && object.spec.paused"), Ok(Ok(false)));
        assert_eq!(holds("object.spec.paused"), Ok(Err(Stuck::Missing("paused".into()))));
        assert!(matches!(holds("object.spec"), Ok(Err(Stuck::Broken(_)))));
        let unknown = |name: &str, line, column| ProgramError::Undeclared { name: name.into(), line, column };
        assert_eq!(holds("true &&\n  objekt.spec == 1"), Err(unknown("objekt", 2, 3)));
        assert!(matches!(holds("object.spec ="), Err(ProgramError::Syntax { line: 1, .. })));
    }

    #[test]
    fn a_program_says_what_it_reads() {
        let reads = |text: &str, path: &str| Program::parse(text, &["environment", "object"]).unwrap().reads(path);
        for text in [
            "environment.cluster == 'a'",
            "has(environment.cluster)",
            "environment.?cluster.orValue('') == 'a'",
            "environment['cluster'] == 'a'",
            "environment[?\"cluster\"].hasValue()",
        ] {
            assert!(reads(text, "environment.cluster"), "{text}");
        }
        assert!(!reads("environment.name == 'cluster' && object.environment.cluster == 1", "environment.clusters"));
        assert!(!reads("environment.name == 'cluster'", "environment.cluster"));
        assert!(reads("has(object.spec)", "object") && !reads("has(object.spec)", "environment"));
    }
}
